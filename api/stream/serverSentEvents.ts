/**
 * Server-sent events as text, and as the body of a response.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import type { Log } from "../../config/log.ts";
import { Abandoned } from "../errors.ts";

export const EVENT_STREAM_TYPE = "text/event-stream";

/** The headers of a response with events. */
export const EVENT_STREAM_HEADERS: Readonly<Record<string, string>> = {
  "Content-Type": EVENT_STREAM_TYPE,
  "Cache-Control": "no-store",
  // Without it, nginx would buffer events.
  "X-Accel-Buffering": "no",
};

/** How long a client waits before it reconnects. */
const RETRY_MS = 3_000;

/** @param data - one line of JSON. */
export const eventText = (type: string, id: string, data: string): string =>
  `event: ${type}\nid: ${id}\ndata: ${data}\n\n`;

/**
 * A keep-alive: a comment that keeps the connection open, and an id without data that moves the subscriber's position on. A
 * subscriber that few events match then has little to catch up on when it reconnects.
 * @param id - empty to leave the position as it is.
 */
export const keepAliveText = (id: string): string => `: alive\n${id === "" ? "" : `id: ${id}\n`}\n`;

interface StreamOwner {
  /** Called when the client is gone. */
  readonly close: () => void;
  /** Called with 0 when everything sent so far has been read, and with the number of bytes that are sent now. */
  readonly setInFlight: (bytes: number) => void;
  readonly log: Log;
  readonly requestId: string;
}

/**
 * The body of a response: a piece is made only once the one before has been read. After a failure the body ends, and the client
 * reconnects and resumes.
 */
export function eventStreamBody(
  pieces: AsyncIterator<string, void>,
  { close, setInFlight, log, requestId }: StreamOwner,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let begin = `retry: ${RETRY_MS}\n`;
  let isOver = false;
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          setInFlight(0);
          const { value, done } = await pieces.next();
          if (isOver) return;
          if (done) return controller.close();
          const bytes = encoder.encode(begin + value);
          begin = "";
          setInFlight(bytes.length);
          controller.enqueue(bytes);
        } catch (error) {
          if (isOver) return;
          if (!(error instanceof Abandoned))
            log.warn("an event stream ended after a failure", { requestId, error });
          controller.close();
        }
      },
      cancel() {
        isOver = true;
        close();
        // Frees what it holds now rather than at the next read.
        void pieces.return?.().catch(() => {});
      },
    },
    { highWaterMark: 0 },
  );
}
