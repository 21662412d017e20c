/**
 * How every answer is made: positions first, then staleness, then the entity tag, and only then the query, all in one
 * transaction. Lists add cursors, their CSV and NDJSON twins, and the walk over all pages.
 */
import type { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { ErrorCode } from "../errors.ts";
import type { Charge } from "../queries/reading/charge.ts";
import type { ReadTransaction } from "../queries/reading/database.ts";
import type { Page, PageRequest } from "../queries/reading/page.ts";
import { type AnswerState, readState, revisionOf, type Sources } from "../queries/state/answerState.ts";
import {
  type AsOf,
  entityTag,
  type Freshness,
  refuseStale,
  setFreshness,
  tagMatches,
} from "../queries/state/asOf.ts";
import { cacheControl } from "../queries/state/cacheControl.ts";
import {
  type Cursor,
  decodeCursor,
  encodeCursor,
  type KeyType,
  questionDigest,
} from "../queries/state/cursor.ts";
import { freshnessOf } from "../queries/state/freshness.ts";
import { pinOf } from "../queries/state/pin.ts";
import type { ApiService } from "../queries/state/service.ts";
import type { InFlightBytes } from "../stream/inFlightBytes.ts";
import { type ListFormat, writerOf } from "./listFormat.ts";
import { withoutPresentation } from "./parameters.ts";
import { includingTokens, itemIncluding } from "./tokenInfo.ts";
import { type PageAfter, streamPages, type Walk } from "./walk.ts";

/** What a request remembers for its headers, also when it ends in an error. */
export interface RequestVariables {
  Variables: {
    requestId: string;
    /** The path with its parameters as they were read: whoever writes an id in another way asks the same question. */
    canonicalPath?: string;
    freshness: Freshness | undefined;
    /** Why the whole of it was refused. */
    refusal?: ErrorCode | undefined;
    /** Ends the connection in the middle of an answer; absent without a connection. */
    cut?: () => void;
    /** What is kept for all whose answers are sent page by page; absent without a connection. */
    keptPages?: InFlightBytes<Walk>;
    /** Whose share the request is part of; absent for those who are not counted. */
    countedClient?: string;
    /** Who asks, as connections to the database are divided among; absent without a connection. */
    shareKey?: string;
    /** Takes what reading costs after the request was counted; absent for those who are not counted. */
    charge?: Charge;
  };
}
export type RequestContext = Context<RequestVariables>;

interface Question {
  readonly sources: Sources;
  /** The parsed parameters. */
  readonly query: Readonly<Record<string, unknown>> & { readonly maxLag?: number | undefined };
}

interface Outcome<T> {
  readonly asOf: AsOf;
  readonly freshness: Freshness;
  readonly tag: string;
  readonly value: T | null;
}

const pathOf = (context: RequestContext): string => context.get("canonicalPath") ?? context.req.path;

/** Runs a query at its `asOf`; value null means that the caller has the answer already. */
function ask<T>(
  service: ApiService,
  context: RequestContext,
  { sources, query }: Question,
  cursor: Cursor | null,
  work: (state: AnswerState) => Promise<T>,
): Promise<Outcome<T>> {
  const answer = async (transaction: ReadTransaction): Promise<Outcome<T>> => {
    const state = await readState(service, transaction, sources, cursor?.pin ?? null);
    const { asOf } = state;
    const freshness = freshnessOf(service, sources, asOf);
    context.set("freshness", freshness);
    refuseStale(asOf, query.maxLag, service.clock());
    const revision = await revisionOf(state);
    const tag = entityTag({ path: pathOf(context), query, asOf, revision });
    if (tagMatches(context.req.header("If-None-Match"), tag)) return { asOf, freshness, tag, value: null };
    return { asOf, freshness, tag, value: await work(state) };
  };
  return service.reader.read(answer, { signal: context.req.raw.signal, client: context.get("shareKey") });
}

function headersOf(
  service: ApiService,
  { query: { maxLag } }: Question,
  { asOf, freshness, tag }: Outcome<unknown>,
  contentType?: string,
): Headers {
  const now = service.clock();
  const headers = new Headers({
    ETag: tag,
    "Cache-Control": cacheControl(asOf, now, maxLag),
    // Compression is decided further out; a 304 has to say what the 200 said.
    Vary: "Accept-Encoding",
  });
  setFreshness(headers, freshness, now);
  if (contentType !== undefined) headers.set("Content-Type", contentType);
  return headers;
}

/** Answers with one object. */
export async function answerOne(
  service: ApiService,
  context: RequestContext,
  question: Question,
  work: (state: AnswerState) => Promise<object>,
): Promise<Response> {
  const { base } = service.settings.chainIds;
  const outcome = await ask(service, context, question, null, async (state) =>
    includingTokens(state.transaction, base, question.query, await work(state)),
  );
  if (outcome.value === null)
    return new Response(null, { status: 304, headers: headersOf(service, question, outcome) });
  const headers = headersOf(service, question, outcome, "application/json");
  return whole(JSON.stringify(outcome.value), headers);
}

/** An answer of known length: whether it is worth compressing is told by that. */
function whole(text: string, headers: Headers): Response {
  headers.set("Content-Length", String(Buffer.byteLength(text)));
  return new Response(text, { headers });
}

export interface ListQuery {
  readonly limit: number;
  readonly after?: string | undefined;
  readonly format: ListFormat;
  readonly all: boolean;
  readonly maxLag?: number | undefined;
}

interface ListQuestion extends Question {
  readonly query: ListQuery & Readonly<Record<string, unknown>>;
  /** Of the sort key. */
  readonly keyTypes: readonly KeyType[];
  /** Its leaves are the columns of the CSV twin. */
  readonly item: z.ZodType;
}

/** Answers with a page of a list, or, with `all`, with every page at the state of the first. */
export async function answerList<Item>(
  service: ApiService,
  context: RequestContext,
  question: ListQuestion,
  work: (state: AnswerState, page: PageRequest) => Promise<Page<Item>>,
): Promise<Response> {
  const { query, keyTypes, item } = question;
  const { limit, after, format, all } = query;
  const digest = questionDigest(pathOf(context), withoutPresentation(query));
  const list = { question: digest, keyTypes, sources: question.sources };
  const cursor = after === undefined ? null : decodeCursor(after, list);
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
        const state = await readState(service, transaction, question.sources, pinOf(asOf));
        return readPage(state, { limit, after: key });
      },
      { signal, share: "bulk", client: context.get("shareKey") },
    );
  return new Response(streamPages(service, context, writer, first, pageAfter), { headers });
}
