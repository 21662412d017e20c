/** Limits of one GraphQL request. */

/** Estimated rows read (plan/plan.ts). Measured to stay below the time limit on a large index. */
export const MAX_ROWS = 5_000;
/** Nested fields; introspection has rules of its own. */
export const MAX_DEPTH = 16;
export const MAX_ALIASES = 50;
/** Tokens of the document: names, braces, arguments and so on. */
export const MAX_TOKENS = 2_000;
/** Nested braces, brackets and parentheses: parser and validation recurse into each. */
export const MAX_NESTING = 64;
/** Characters of one name, alias or number in a document. */
export const MAX_NAME_LENGTH = 200;
/** Characters of one string, in a document or in the values sent with it. The longest useful one is a cursor. */
export const MAX_STRING_LENGTH = 4_096;
export const MAX_OPERATIONS = 50;
export const MAX_FRAGMENTS = 100;
/** Selections of a document with every fragment written out where it is spread. */
export const MAX_EXPANDED_SELECTIONS = 10_000;
/** Pairs of selections with one name in one place: validation compares each pair. */
export const MAX_COMPARED_SELECTIONS = 10_000;
/** Objects, arrays and values in `variables` and `extensions`. */
export const MAX_VALUES = 2_000;
export const MAX_VALUE_DEPTH = 16;
/** Errors that one answer reports. */
export const MAX_ERRORS = 100;
export const MAX_ERROR_LENGTH = 2_000;
export const MAX_BODY_BYTES = 100_000;
/** All statements of a request together. */
export const TIME_LIMIT_MS = 2_000;
