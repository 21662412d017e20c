/** Holds an operation's aliases and plan against the limits. */
import { type DocumentNode, visit } from "graphql";
import { MAX_ALIASES, MAX_DEPTH, MAX_ROWS } from "../limits/limits.ts";
import { shownCount, tooCostly } from "../limits/tooCostly.ts";
import type { OperationPlan } from "./plan.ts";

/** @throws {ApiError} `query-too-costly`. */
export function refuseTooCostly(document: DocumentNode, { rows, depth, heaviest }: OperationPlan): void {
  let aliases = 0;
  visit(document, {
    Field({ alias }) {
      if (alias !== undefined) aliases += 1;
    },
  });
  if (aliases > MAX_ALIASES)
    throw tooCostly(
      `has ${shownCount(aliases)} aliases`,
      { used: aliases, limit: MAX_ALIASES },
      "Ask lists with filters instead of one alias for each item.",
    );
  if (depth > MAX_DEPTH)
    throw tooCostly(
      `is ${shownCount(depth)} fields deep`,
      { used: depth, limit: MAX_DEPTH },
      "Begin further inside: node(id:) starts from any object.",
    );
  if (rows > MAX_ROWS)
    throw tooCostly(
      `reads about ${shownCount(rows)} rows`,
      { used: rows, limit: MAX_ROWS },
      heaviest === null
        ? "Leave fields out."
        : `${shownCount(heaviest.rows)} of them are ${heaviest.path}: ask for fewer items there, or leave it out.`,
      { heaviest },
    );
}
