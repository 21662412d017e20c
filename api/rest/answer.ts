/**
 * How every answer is made, in one transaction: positions first, then staleness, then the entity tag, and only then the
 * query.
 */
import type { ReadTransaction } from "../queries/reading/database.ts";
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
import type { Cursor } from "../queries/state/cursor.ts";
import { freshnessOf } from "../queries/state/freshness.ts";
import type { ApiService } from "../queries/state/service.ts";
import type { RequestContext } from "./request.ts";
import { includingTokens } from "./tokenInfo.ts";

export interface Question {
  readonly sources: Sources;
  /** The parsed parameters. */
  readonly query: Readonly<Record<string, unknown>> & { readonly maxLag?: number | undefined };
}

export interface Outcome<T> {
  readonly asOf: AsOf;
  readonly freshness: Freshness;
  readonly tag: string;
  readonly value: T | null;
}

export const pathOf = (context: RequestContext): string => context.get("canonicalPath") ?? context.req.path;

/** Runs a query at its `asOf`; value null means that the caller has the answer already. */
export function ask<T>(
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
  return service.reader.read(answer, { signal: context.req.raw.signal, client: context.get("fairnessKey") });
}

export function headersOf(
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

/** An answer of known length, by which compression decides whether it is worth it. */
export function whole(text: string, headers: Headers): Response {
  headers.set("Content-Length", String(Buffer.byteLength(text)));
  return new Response(text, { headers });
}
