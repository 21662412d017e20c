/**
 * The SQLSTATE codes that callers handle.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export const UNDEFINED_TABLE = "42P01";
export const UNDEFINED_SCHEMA = "3F000";
export const LOCK_NOT_AVAILABLE = "55P03";
/** The server is starting up or shutting down. */
export const CANNOT_CONNECT_NOW = "57P03";

/** The code of a Postgres error, or of a system error such as ECONNREFUSED; undefined for any other value. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;

/** Whether a query failed because the views are not there: nothing is published yet. */
export const isUnpublished = (error: unknown): boolean => {
  const code = codeOf(error);
  return code === UNDEFINED_TABLE || code === UNDEFINED_SCHEMA;
};
