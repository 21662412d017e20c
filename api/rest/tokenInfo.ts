/** `include=token`: beside each token of an answer, what its contract says of itself. */
import { z } from "@hono/zod-openapi";
import { readTokens, type Token } from "../queries/payments/tokens.ts";
import type { ReadTransaction } from "../queries/reading/database.ts";
import { tokenSchema } from "./fieldSchemas.ts";
import { wordsParameter } from "./parameters.ts";

export const TOKEN_INCLUDE = "`token`: `tokenInfo` beside every `token`, with its symbol and decimals.";

/** Of answers that nothing else can be added to. */
export const tokenIncludeParameter = () => wordsParameter(["token"], TOKEN_INCLUDE).default([]);

type Query = Readonly<Record<string, unknown>>;

const includesTokens = ({ include }: Query): boolean => Array.isArray(include) && include.includes("token");

/** A list's item as its columns are made from: nothing optional is one. */
export const itemIncluding = (item: z.ZodType, query: Query): z.ZodType =>
  includesTokens(query) && item instanceof z.ZodObject && "tokenInfo" in item.shape
    ? item.extend({ tokenInfo: tokenSchema })
    : item;

/** The tokens that a value names, wherever. */
function* tokensIn(value: unknown): Generator<string> {
  if (typeof value !== "object" || value === null) return;
  if ("token" in value && typeof value.token === "string") yield value.token;
  for (const member of Object.values(value)) yield* tokensIn(member);
}

function described(value: unknown, tokens: ReadonlyMap<string, Token>): unknown {
  if (Array.isArray(value)) return value.map((item) => described(item, tokens));
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([name, member]) => [name, described(member, tokens)]);
  const token = "token" in value && typeof value.token === "string" ? tokens.get(value.token) : undefined;
  return { ...Object.fromEntries(members), ...(token === undefined ? {} : { tokenInfo: token }) };
}

/** The same answer, with `tokenInfo` beside every `token` when that was asked for. One statement, however many there are. */
export async function includingTokens<T>(
  transaction: ReadTransaction,
  chainId: number,
  query: Query,
  answer: T,
): Promise<T> {
  if (!includesTokens(query)) return answer;
  const addresses = [...new Set(tokensIn(answer))].sort();
  const tokens = await readTokens(transaction, chainId, addresses);
  // the same members, and one more where there is a token
  return described(answer, new Map(tokens.map((token) => [token.address, token]))) as T;
}
