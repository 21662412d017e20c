/** Answers with a list: one page of it or every page, in JSON, CSV or NDJSON. */
import type { z } from "@hono/zod-openapi";
import type { Page, PageRequest } from "../queries/reading/page.ts";
import { type AnswerState, readState, type Sources } from "../queries/state/answerState.ts";
import { decodeCursor, encodeCursor, type KeyType, questionDigest } from "../queries/state/cursor.ts";
import { pinOf } from "../queries/state/pin.ts";
import type { ApiService } from "../queries/state/service.ts";
import { ask, headersOf, pathOf, whole } from "./answer.ts";
import { writerOf } from "./listFormat.ts";
import { type ListQuery, withoutPresentation } from "./parameters.ts";
import type { RequestContext } from "./request.ts";
import { includingTokens, itemIncluding } from "./tokenInfo.ts";
import { type PageAfter, streamPages } from "./walk.ts";

interface ListQuestion {
  readonly query: ListQuery & Readonly<Record<string, unknown>>;
  /** Schema of an item; its leaves are the columns of CSV. */
  readonly item: z.ZodType;
}

/**
 * Answers with a page of a list, or, with `all`, with every page at the state of the first.
 * @param list - its definition, or as much of it as a route with a query of its own has.
 */
export async function answerList<Item>(
  service: ApiService,
  context: RequestContext,
  { sources, keyTypes }: { readonly sources: Sources; readonly keyTypes: readonly KeyType[] },
  { query, item }: ListQuestion,
  work: (state: AnswerState, page: PageRequest) => Promise<Page<Item>>,
): Promise<Response> {
  const question = { sources, query };
  const { limit, after, format, all } = query;
  const digest = questionDigest(pathOf(context), withoutPresentation(query));
  const cursor = after === undefined ? null : decodeCursor(after, { question: digest, keyTypes, sources });
  const { base } = service.settings.chainIds;
  const readPage = async (state: AnswerState, page: PageRequest): Promise<Page<Item>> => {
    const found = await work(state, page);
    return { ...found, items: await includingTokens(state.transaction, base, query, found.items) };
  };
  const outcome = await ask(service, context, question, cursor, (state) =>
    readPage(state, { limit, after: cursor?.key ?? null }),
  );
  if (outcome.value === null)
    return new Response(null, { status: 304, headers: headersOf(service, question, outcome) });

  const { asOf, value: first } = outcome;
  const writer = writerOf(format, itemIncluding(item, query));
  const headers = headersOf(service, question, outcome, writer.contentType);
  if (!all) {
    const { endKey } = first;
    const endCursor = endKey === null ? null : encodeCursor({ pin: pinOf(asOf), key: endKey }, digest);
    if (first.hasNextPage && endCursor !== null) {
      const url = new URL(context.req.url);
      url.searchParams.set("after", endCursor);
      headers.set("Link", `<${url.pathname}${url.search}>; rel="next"`);
    }
    const body =
      writer.begin +
      writer.items(first.items, "first") +
      writer.end({ endCursor, hasNextPage: first.hasNextPage });
    return whole(body, headers);
  }

  const pageAfter: PageAfter<Item> = (key, signal) =>
    service.reader.read(
      async (transaction) => {
        const state = await readState(service, transaction, sources, pinOf(asOf));
        return readPage(state, { limit, after: key });
      },
      { signal, share: "bulk", client: context.get("fairnessKey") },
    );
  return new Response(streamPages(service, context, writer, first, pageAfter), { headers });
}
