/** The walk over all pages of a list, as one answer. */
import { Abandoned, ApiError } from "../errors.ts";
import type { Key, Page } from "../queries/reading/page.ts";
import type { ApiService } from "../queries/state/service.ts";
import type { ListWriter } from "./listFormat.ts";
import type { Walk } from "./pageBudget.ts";
import { problemOf } from "./problem.ts";
import type { RequestContext } from "./request.ts";

/** The page after a key; the signal is aborted when nobody waits for it any more. */
export type PageAfter<Item> = (key: Key, signal: AbortSignal) => Promise<Page<Item>>;

/**
 * Every page, read only when the one before has been sent. When one cannot be read the answer says so if its format has a
 * place for that; else the connection is cut, so that nobody takes a part for the whole.
 */
export function streamPages<Item>(
  service: ApiService,
  context: RequestContext,
  writer: ListWriter,
  first: Page<Item>,
  pageAfter: PageAfter<Item>,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const gone = new AbortController();
  const texts = textsOf(service, writer, first, (key) => pageAfter(key, gone.signal));
  const kept = context.get("keptPages");
  const cut = context.get("cut");
  const walk: Walk = {
    client: context.get("countedClient"),
    cut() {
      service.log.info("a walk over all pages was cut off: too much is kept for who does not read", {
        requestId: context.get("requestId"),
      });
      cut?.();
    },
  };
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          // It has taken the page before.
          kept?.release(walk);
          const { value, done } = await texts.next();
          if (gone.signal.aborted) return;
          if (done) return controller.close();
          const bytes = encoder.encode(value);
          for (const other of kept?.set(walk, bytes.length) ?? []) other.cut();
          controller.enqueue(bytes);
        } catch (error) {
          if (!(error instanceof Abandoned) && !gone.signal.aborted)
            breakOff(service, context, writer, controller, error);
        }
      },
      cancel() {
        gone.abort();
        kept?.release(walk);
      },
    },
    { highWaterMark: 0 },
  );
}

/** The answer in pieces. Nothing of a page is kept but where the next one begins. */
async function* textsOf<Item>(
  { lifetime }: ApiService,
  writer: ListWriter,
  first: Page<Item>,
  pageAfter: (key: Key) => Promise<Page<Item>>,
): AsyncGenerator<string, void> {
  const textOf = ({ items, hasNextPage }: Page<Item>, place: "first" | "later") =>
    writer.items(items, place) + (hasNextPage ? "" : writer.end({ endCursor: null, hasNextPage }));
  let { endKey, hasNextPage } = first;
  yield writer.begin + textOf(first, "first");
  while (hasNextPage && endKey !== null) {
    if (lifetime?.timeUp.aborted)
      throw new ApiError("shutting-down", "The process ends before the walk does; start it again.");
    const page = await pageAfter(endKey);
    ({ endKey, hasNextPage } = page);
    yield textOf(page, "later");
  }
}

function breakOff(
  { log }: ApiService,
  context: RequestContext,
  { failure }: ListWriter,
  controller: ReadableStreamDefaultController<Uint8Array>,
  error: unknown,
): void {
  const place = { path: context.req.path, requestId: context.get("requestId") };
  const { body } = problemOf(error, place, log);
  log.warn("walk over all pages cut short", { ...place, code: body.code });
  const cut = context.get("cut");
  if (failure !== undefined) {
    controller.enqueue(new TextEncoder().encode(failure(body)));
    controller.close();
  } else if (cut !== undefined) cut();
  else controller.error(error);
}
