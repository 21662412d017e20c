/** What one GraphQL request may ask for. */

/** Rows read, about: see plan.ts. Measured to stay below the time limit on a large index. */
export const MOST_ROWS = 5_000;
/** Nested fields; introspection has rules of its own. */
export const MOST_DEPTH = 16;
export const MOST_ALIASES = 50;
/** Of the document: names, braces, arguments and so on. */
export const MOST_TOKENS = 2_000;
export const MOST_BODY_BYTES = 100_000;
/** All statements of a request together. */
export const TIME_LIMIT_MS = 2_000;
