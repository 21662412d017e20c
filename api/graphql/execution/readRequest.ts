/** Checks what a request carries, for every method and media type, before it is used. */
import type { GraphQLParams, Plugin } from "graphql-yoga";
import { ApiError } from "../../errors.ts";
import { refuseArgument } from "./limits/refuseArgument.ts";
import { refuseUnusable } from "./limits/requestValues.ts";
import { readMaxLag } from "./maxLag.ts";

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const shown = (value: unknown): string => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""));

const SHA256 = /^[0-9a-f]{64}$/i;

/** Extensions that are unknown here are ignored. @throws {ApiError} `invalid-parameter`. */
function refuseExtensions({ maxLag, persistedQuery }: Readonly<Record<string, unknown>>): void {
  readMaxLag(maxLag);
  if (persistedQuery === undefined || persistedQuery === null) return;
  const { version, sha256Hash } = isObject(persistedQuery) ? persistedQuery : {};
  if (version !== 1 || typeof sha256Hash !== "string" || !SHA256.test(sha256Hash))
    throw refuseArgument(
      "extensions.persistedQuery",
      shown(persistedQuery),
      'like {"version": 1, "sha256Hash": "<SHA-256 of the query, 64 hex digits>"}',
    );
}

/**
 * Checks a request's parameters. An empty `operationName` counts as none: some clients always send one.
 * @throws {ApiError} `invalid-parameter` for a wrong type, and for values that are too long, too deep or not storable.
 */
export function readRequest(params: GraphQLParams): GraphQLParams {
  if (!isObject(params)) return params;
  for (const [name, value] of Object.entries(params)) if (name !== "query") refuseUnusable(name, value);
  const { query, variables, operationName, extensions } = params as Readonly<Record<string, unknown>>; // the client's, so of any type
  if (query !== undefined && query !== null && typeof query !== "string")
    throw refuseArgument("query", "…", "a text");
  if (operationName !== undefined && operationName !== null && typeof operationName !== "string")
    throw refuseArgument("operationName", shown(operationName), "a text");
  for (const [name, value] of Object.entries({ variables, extensions }))
    if (value !== undefined && value !== null && !isObject(value))
      throw refuseArgument(name, shown(value), "a JSON object");
  if (isObject(extensions)) refuseExtensions(extensions);
  return operationName === "" ? { ...params, operationName: undefined } : params;
}

async function parse<T>(parser: (request: Request) => T, request: Request): Promise<Awaited<T>> {
  try {
    return await parser(request);
  } catch (error) {
    // JSON in a part of a form; malformed JSON bodies are refused by their own parser.
    if (!(error instanceof SyntaxError)) throw error;
    throw new ApiError("invalid-query", "variables, extensions: not JSON; send JSON objects");
  }
}

/** Refuses batches and malformed bodies, each by its own message. */
export const readBodies: Plugin = {
  onRequestParse({ requestParser, setRequestParser }) {
    if (requestParser === undefined) return;
    setRequestParser(async (request) => {
      const parsed = await parse(requestParser, request);
      if (!Array.isArray(parsed)) return parsed;
      throw new ApiError(
        "invalid-query",
        "The body is an array: batches are not accepted; send one request for each operation.",
      );
    });
  },
};
