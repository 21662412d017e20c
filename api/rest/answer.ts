/**
 * How every answer is made: positions first, then staleness, then the entity tag, and only then the query, all in one
 * transaction. Lists add cursors, their CSV and NDJSON twins, and the walk over all pages.
 */
import type { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { type AnswerState, readState, revisionOf, type Sources } from "../queries/answerState.ts";
import { type AsOf, entityTag, refuseStale, setFreshness, tagMatches } from "../queries/asOf.ts";
import { type Cursor, decodeCursor, encodeCursor, type KeyType, questionDigest } from "../queries/cursor.ts";
import type { Page, PageRequest } from "../queries/page.ts";
import type { ApiService } from "../queries/service.ts";
import { csvColumns, csvHeader, csvRows } from "./csv.ts";
import { withoutPresentation } from "./parameters.ts";

/** What a request remembers for its headers, also when it ends in an error. */
export interface RequestVariables {
  Variables: { requestId: string; asOf: AsOf | undefined };
}
export type RequestContext = Context<RequestVariables>;

interface Question {
  readonly sources: Sources;
  /** The parsed parameters. */
  readonly query: Readonly<Record<string, unknown>> & { readonly maxLag?: number | undefined };
}

type Outcome<T> = { readonly asOf: AsOf; readonly tag: string; readonly value: T | null };

/** Runs a query at its `asOf`; value null means that the caller has the answer already. */
function ask<T>(
  service: ApiService,
  context: RequestContext,
  { sources, query }: Question,
  cursor: Cursor | null,
  work: (state: AnswerState) => Promise<T>,
): Promise<Outcome<T>> {
  return service.reader.read(async (transaction) => {
    const state = await readState(service, transaction, sources, cursor?.asOf ?? null);
    const { asOf } = state;
    context.set("asOf", asOf);
    refuseStale(asOf, query.maxLag, service.clock());
    const revision = await revisionOf(state);
    const tag = entityTag({ path: context.req.path, query, asOf, revision });
    if (tagMatches(context.req.header("If-None-Match"), tag)) return { asOf, tag, value: null };
    return { asOf, tag, value: await work(state) };
  });
}

function headersOf(service: ApiService, { asOf, tag }: Outcome<unknown>, contentType?: string): Headers {
  const headers = new Headers({ ETag: tag, "Cache-Control": "no-cache" });
  setFreshness(headers, asOf, service.clock());
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
  const outcome = await ask(service, context, question, null, work);
  if (outcome.value === null)
    return new Response(null, { status: 304, headers: headersOf(service, outcome) });
  const headers = headersOf(service, outcome, "application/json");
  return new Response(JSON.stringify(outcome.value), { headers });
}

export interface ListQuery {
  readonly limit: number;
  readonly after?: string | undefined;
  readonly format: "json" | "csv" | "ndjson";
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

/** Writes the pages of a list one after another in one of its formats. */
interface ListWriter {
  readonly contentType: string;
  readonly begin: string;
  readonly items: (items: readonly unknown[], place: "first" | "later") => string;
  readonly end: (pageInfo: { readonly endCursor: string | null; readonly hasNextPage: boolean }) => string;
}

function writerOf(format: ListQuery["format"], item: z.ZodType): ListWriter {
  if (format === "csv") {
    const columns = csvColumns(item);
    return {
      contentType: "text/csv; charset=utf-8; header=present",
      begin: csvHeader(columns),
      items: (items) => csvRows(columns, items),
      end: () => "",
    };
  }
  if (format === "ndjson")
    return {
      contentType: "application/x-ndjson",
      begin: "",
      items: (items) => items.map((one) => `${JSON.stringify(one)}\n`).join(""),
      end: () => "",
    };
  return {
    contentType: "application/json",
    begin: '{"items":[',
    items: (items, place) =>
      (place === "later" && items.length > 0 ? "," : "") + items.map((one) => JSON.stringify(one)).join(","),
    end: (pageInfo) => `],"pageInfo":${JSON.stringify(pageInfo)}}`,
  };
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
  const digest = questionDigest(context.req.path, withoutPresentation(query));
  const cursor = after === undefined ? null : decodeCursor(after, digest, keyTypes);
  const outcome = await ask(service, context, question, cursor, (state) =>
    work(state, { limit, after: cursor?.key ?? null }),
  );
  if (outcome.value === null)
    return new Response(null, { status: 304, headers: headersOf(service, outcome) });

  const { asOf, value: first } = outcome;
  const writer = writerOf(format, item);
  const headers = headersOf(service, outcome, writer.contentType);
  const cursorAfter = (page: Page<Item>): Cursor | null =>
    page.endKey === null ? null : { asOf, key: page.endKey };

  if (!all) {
    const next = cursorAfter(first);
    const endCursor = next === null ? null : encodeCursor(next, digest);
    if (first.hasNextPage && endCursor !== null) {
      const url = new URL(context.req.url);
      url.searchParams.set("after", endCursor);
      headers.set("Link", `<${url.pathname}${url.search}>; rel="next"`);
    }
    const body =
      writer.begin +
      writer.items(first.items, "first") +
      writer.end({ endCursor, hasNextPage: first.hasNextPage });
    return new Response(body, { headers });
  }

  const nextPage = (from: Cursor): Promise<Page<Item>> =>
    service.reader.read(async (transaction) => {
      const state = await readState(service, transaction, question.sources, asOf);
      return work(state, { limit, after: from.key });
    });
  return new Response(streamPages(service, context, writer, first, cursorAfter, nextPage), { headers });
}

/**
 * Every page, read only when the one before has been sent. When one cannot be read the connection is cut, so that
 * nobody takes a part for the whole.
 */
function streamPages<Item>(
  { log }: ApiService,
  context: RequestContext,
  writer: ListWriter,
  first: Page<Item>,
  cursorAfter: (page: Page<Item>) => Cursor | null,
  nextPage: (from: Cursor) => Promise<Page<Item>>,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const requestId = context.get("requestId");
  let page: Page<Item> | null = null;
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const from = page === null ? null : cursorAfter(page);
          const place = page === null ? "first" : "later";
          const shown = page === null || from === null ? first : await nextPage(from);
          page = shown;
          const text = (place === "first" ? writer.begin : "") + writer.items(shown.items, place);
          const end = shown.hasNextPage ? "" : writer.end({ endCursor: null, hasNextPage: false });
          controller.enqueue(encoder.encode(text + end));
          if (!shown.hasNextPage) controller.close();
        } catch (error) {
          log.warn("walk over all pages cut short", { requestId, error });
          controller.error(error);
        }
      },
    },
    { highWaterMark: 0 },
  );
}
