/** Checks a document's text token by token, before it is parsed: the parser recurses, and clients choose the depth. */
import { Lexer, Source, type Token, TokenKind } from "graphql";
import { MAX_NAME_LENGTH, MAX_NESTING, MAX_TOKENS } from "./limits.ts";
import { refuseArgument } from "./refuseArgument.ts";
import { brokenTextRule } from "./requestValues.ts";
import { tooCostly } from "./tooCostly.ts";

const OPENING: ReadonlySet<string> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const CLOSING: ReadonlySet<string> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

function* tokensOf(text: string): Generator<Token, void> {
  const lexer = new Lexer(new Source(text));
  for (let token = lexer.advance(); token.kind !== TokenKind.EOF; token = lexer.advance()) yield token;
}

/** @throws {ApiError} `query-too-costly` for a long name, `invalid-parameter` for an unusable string. */
function refuseToken({ kind, value, start, end, line, column }: Token): void {
  if (kind === TokenKind.STRING || kind === TokenKind.BLOCK_STRING) {
    const rule = brokenTextRule(value);
    if (rule !== null) throw refuseArgument(`query, line ${line}, column ${column}`, value, rule);
    return;
  }
  if (end - start > MAX_NAME_LENGTH)
    throw tooCostly(
      `has a name of ${end - start} characters`,
      { used: end - start, limit: MAX_NAME_LENGTH },
      "Use shorter names and aliases.",
    );
}

/**
 * Refuses a text with too many tokens, too deep nesting or unusable names and strings. The first problem in the text is
 * reported, also before a syntax error further on.
 * @throws {ApiError} `query-too-costly`, or `invalid-parameter` for an unusable string.
 * @throws {GraphQLError} for a syntax error in a token.
 */
export function refuseUnreadable(text: string): void {
  let tokens = 0;
  let nesting = 0;
  for (const token of tokensOf(text)) {
    tokens += 1;
    if (OPENING.has(token.kind)) nesting += 1;
    else if (CLOSING.has(token.kind)) nesting -= 1;
    if (tokens > MAX_TOKENS)
      throw tooCostly(
        `has more than ${MAX_TOKENS.toLocaleString("en-US")} tokens (names, braces, values and so on)`,
        { used: tokens, limit: MAX_TOKENS },
        "Leave fields out, or write what repeats once, as a fragment.",
      );
    if (nesting > MAX_NESTING)
      throw tooCostly(
        `nests braces and brackets ${nesting} deep`,
        { used: nesting, limit: MAX_NESTING },
        "Begin further inside: node(id:) starts from any object.",
      );
    refuseToken(token);
  }
}
