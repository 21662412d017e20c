/** Streams all pages of a list as one response (`all=true`). */
import { Abandoned, ApiError } from "../errors.ts";
import type { Key, Page } from "../queries/reading/page.ts";
import type { ApiService } from "../queries/state/service.ts";
import type { ListWriter } from "./listFormat.ts";
import type { Walk } from "./pageBudget.ts";
import { problemOf } from "./problem.ts";
import type { RequestContext } from "./request.ts";

/** Reads the page after a key; the signal is aborted when the client has gone. */
export type PageAfter<Item> = (key: Key, signal: AbortSignal) => Promise<Page<Item>>;

/**
 * Streams every page, each read once the one before has been sent. If a read fails, the response ends with the error where its
 * format allows one; otherwise the connection is closed, so that no client mistakes a part for the whole.
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
  const budget = context.get("pageBudget");
  const closeConnection = context.get("closeConnection");
  const walk: Walk = {
    client: context.get("rateLimitKey"),
    disconnect() {
      service.log.info("a walk over all pages was disconnected: its client reads too slowly", {
        requestId: context.get("requestId"),
      });
      closeConnection?.();
    },
  };
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          // The client has read the page before.
          budget?.release(walk);
          const { value, done } = await texts.next();
          if (gone.signal.aborted) return;
          if (done) return controller.close();
          const bytes = encoder.encode(value);
          for (const other of budget?.set(walk, bytes.length) ?? []) other.disconnect();
          controller.enqueue(bytes);
        } catch (error) {
          if (!(error instanceof Abandoned) && !gone.signal.aborted)
            endWithFailure(service, context, writer, controller, error);
        }
      },
      cancel() {
        gone.abort();
        budget?.release(walk);
      },
    },
    { highWaterMark: 0 },
  );
}

/** The response in pieces. Only the key of the next page is kept from one to the next. */
async function* textsOf<Item>(
  { lifetime }: ApiService,
  writer: ListWriter,
  first: Page<Item>,
  pageAfter: (key: Key) => Promise<Page<Item>>,
): AsyncGenerator<string, void> {
  const textOf = ({ items, hasNextPage }: Page<Item>, order: "first" | "later") =>
    writer.items(items, order) + (hasNextPage ? "" : writer.end({ endCursor: null, hasNextPage }));
  let { endKey, hasNextPage } = first;
  yield writer.begin + textOf(first, "first");
  while (hasNextPage && endKey !== null) {
    if (lifetime?.timeUp.aborted)
      throw new ApiError(
        "shutting-down",
        "The process stops before the walk is complete; start the walk again.",
      );
    const page = await pageAfter(endKey);
    ({ endKey, hasNextPage } = page);
    yield textOf(page, "later");
  }
}

function endWithFailure(
  { log }: ApiService,
  context: RequestContext,
  { failure }: ListWriter,
  controller: ReadableStreamDefaultController<Uint8Array>,
  error: unknown,
): void {
  const place = { path: context.req.path, requestId: context.get("requestId") };
  const { body } = problemOf(error, place, log);
  log.warn("a walk over all pages failed", { ...place, code: body.code });
  const closeConnection = context.get("closeConnection");
  if (failure !== undefined) {
    controller.enqueue(new TextEncoder().encode(failure(body)));
    controller.close();
  } else if (closeConnection !== undefined) closeConnection();
  else controller.error(error);
}
