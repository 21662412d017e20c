/** Refusals of requests that ask for too much: each names the amount, the limit and what to cut. */
import { type DocumentNode, visit } from "graphql";
import { ApiError } from "../../../errors.ts";
import type { OperationPlan } from "../plan/plan.ts";
import { MAX_ALIASES, MAX_DEPTH, MAX_ROWS } from "./limits.ts";

const count = (value: number): string => value.toLocaleString("en-US");

/** @param what - completes "The query …", such as "has 51 aliases". */
export function tooMuch(
  what: string,
  { used, limit }: { readonly used: number; readonly limit: number },
  advice: string,
  facts = {},
): ApiError {
  return new ApiError("query-too-costly", `The query ${what}; the limit is ${count(limit)}. ${advice}`, {
    used,
    limit,
    ...facts,
  });
}

/** @throws {ApiError} `query-too-costly`. */
export function refuseTooMuch(document: DocumentNode, { rows, depth, heaviest }: OperationPlan): void {
  let aliases = 0;
  visit(document, {
    Field({ alias }) {
      if (alias !== undefined) aliases += 1;
    },
  });
  if (aliases > MAX_ALIASES)
    throw tooMuch(
      `has ${count(aliases)} aliases`,
      { used: aliases, limit: MAX_ALIASES },
      "Ask lists with filters instead of one alias for each item.",
    );
  if (depth > MAX_DEPTH)
    throw tooMuch(
      `is ${count(depth)} fields deep`,
      { used: depth, limit: MAX_DEPTH },
      "Begin further inside: node(id:) starts from any object.",
    );
  if (rows > MAX_ROWS)
    throw tooMuch(
      `reads about ${count(rows)} rows`,
      { used: rows, limit: MAX_ROWS },
      heaviest === null
        ? "Leave fields out."
        : `${count(heaviest.rows)} of them are ${heaviest.path}: ask for fewer items there, or leave it out.`,
      { heaviest },
    );
}
