/**
 * Server-sent events as text, and as the body of a response.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import type { Log } from "../../config/log.ts";
import { Abandoned } from "../errors.ts";

export const EVENT_STREAM_TYPE = "text/event-stream";

/** What a response with events says of itself, besides what they are. */
export const EVENT_STREAM_HEADERS: Readonly<Record<string, string>> = {
  "Content-Type": EVENT_STREAM_TYPE,
  "Cache-Control": "no-store",
  // nginx would keep events back otherwise
  "X-Accel-Buffering": "no",
};

/** How long a client waits before it comes back. */
const RETRY_MS = 3_000;

/** @param data - one line of JSON. */
export const eventText = (type: string, id: string, data: string): string =>
  `event: ${type}\nid: ${id}\ndata: ${data}\n\n`;

/**
 * While nothing happens, a comment keeps the connection and an id without data says how far the listener is: by it, somebody
 * whom few events concern misses nothing and has little to catch up with.
 */
export const aliveText = (id: string): string => `: alive\n${id === "" ? "" : `id: ${id}\n`}\n`;

interface StreamOwner {
  /** Nobody reads any more. */
  readonly close: () => void;
  /** What was sent before was taken, and so many bytes are sent now. */
  readonly sending: (bytes: number) => void;
  readonly log: Log;
  readonly requestId: string;
}

/** Read only as fast as it is sent. When it cannot go on it ends, and the client comes back to where it was. */
export function eventStreamBody(
  pieces: AsyncIterator<string, void>,
  { close, sending, log, requestId }: StreamOwner,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let begin = `retry: ${RETRY_MS}\n`;
  let isOver = false;
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          sending(0);
          const { value, done } = await pieces.next();
          if (isOver) return;
          if (done) return controller.close();
          const bytes = encoder.encode(begin + value);
          begin = "";
          sending(bytes.length);
          controller.enqueue(bytes);
        } catch (error) {
          if (isOver) return;
          if (!(error instanceof Abandoned)) log.warn("a stream was ended", { requestId, error });
          controller.close();
        }
      },
      cancel() {
        isOver = true;
        close();
        // What it has in hand is let go now, not when somebody looks.
        void pieces.return?.().catch(() => {});
      },
    },
    { highWaterMark: 0 },
  );
}
