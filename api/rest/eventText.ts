/**
 * A listener's stream as server-sent events.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import type { Log } from "../../config/log.ts";
import { Abandoned } from "../errors.ts";
import type { Delivery, Listener } from "../stream/listener.ts";

/** How long a client waits before it comes back. */
const RETRY_MS = 3_000;

/**
 * While nothing happens, a comment keeps the connection and an id without data says how far the listener is: by it, somebody
 * whom few events concern misses nothing and has little to catch up with.
 */
const textOf = (delivery: Delivery): string =>
  delivery.kind === "alive"
    ? `: alive\n${delivery.id === "" ? "" : `id: ${delivery.id}\n`}\n`
    : delivery.told
        .map(({ event, json, id }) => `event: ${event.type}\nid: ${id}\ndata: ${json}\n\n`)
        .join("");

/** Read only as fast as it is sent. When it cannot go on it ends, and the client comes back to where it was. */
export function eventText(
  listener: Listener,
  { log, requestId }: { readonly log: Log; readonly requestId: string },
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const deliveries = listener.deliveries();
  let begin = `retry: ${RETRY_MS}\n`;
  let isOver = false;
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { value, done } = await deliveries.next();
          if (isOver) return;
          if (done) controller.close();
          else controller.enqueue(encoder.encode(begin + textOf(value)));
          begin = "";
        } catch (error) {
          if (isOver || error instanceof Abandoned) return;
          log.warn("a stream was ended", { requestId, error });
          controller.close();
        }
      },
      cancel() {
        isOver = true;
        listener.close();
      },
    },
    { highWaterMark: 0 },
  );
}
