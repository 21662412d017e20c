/** Refusals of what asks for too much: each says how much it is, how much may be, and what to cut. */
import { type DocumentNode, Lexer, Source, TokenKind, visit } from "graphql";
import { ApiError } from "../../errors.ts";
import { MOST_ALIASES, MOST_DEPTH, MOST_ROWS, MOST_TOKENS } from "./limits.ts";
import type { OperationPlan } from "./plan.ts";

const count = (value: number): string => value.toLocaleString("en-US");

function tooMuch(
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

/** How many words a text has; null where one is none, which the parser knows to say. */
function tokensOf(text: string): number | null {
  const lexer = new Lexer(new Source(text));
  try {
    for (let tokens = 0; ; tokens += 1) if (lexer.advance().kind === TokenKind.EOF) return tokens;
  } catch {
    return null;
  }
}

/**
 * Reading the words of a text costs little, compared to making a document of them.
 * @throws {ApiError} `query-too-costly`.
 */
export function refuseTooLong(text: string): void {
  // A token has a character at least.
  const tokens = text.length <= MOST_TOKENS ? null : tokensOf(text);
  if (tokens !== null && tokens > MOST_TOKENS)
    throw tooMuch(
      `has ${count(tokens)} tokens (names, braces, values and so on)`,
      { used: tokens, limit: MOST_TOKENS },
      "Leave fields out, or write what repeats once, as a fragment.",
    );
}

/** @throws {ApiError} `query-too-costly`. */
export function refuseTooMuch(document: DocumentNode, { rows, depth, heaviest }: OperationPlan): void {
  let aliases = 0;
  visit(document, {
    Field({ alias }) {
      if (alias !== undefined) aliases += 1;
    },
  });
  if (aliases > MOST_ALIASES)
    throw tooMuch(
      `has ${count(aliases)} aliases`,
      { used: aliases, limit: MOST_ALIASES },
      "Ask lists with filters instead of one alias for each item.",
    );
  if (depth > MOST_DEPTH)
    throw tooMuch(
      `is ${count(depth)} fields deep`,
      { used: depth, limit: MOST_DEPTH },
      "Begin further inside: node(id:) starts from any object.",
    );
  if (rows > MOST_ROWS)
    throw tooMuch(
      `reads about ${count(rows)} rows`,
      { used: rows, limit: MOST_ROWS },
      heaviest === null
        ? "Leave fields out."
        : `${count(heaviest.rows)} of them are ${heaviest.path}: ask for fewer items there, or leave it out.`,
      { heaviest },
    );
}
