/** Names of the notification channels (LISTEN, NOTIFY). */

/** A deployment was published; the payload is `{"chain": …, "schema": …}`. */
export const PUBLISHED_CHANNEL = "published";
/** The verifier's revision advanced; the payload is the new one. */
export const PROOFS_CHANNEL = "proofs";
/** Ponder writes here after every block of a deployment. */
export const blocksChannel = (schema: string): string => `${schema}_live_query`;
