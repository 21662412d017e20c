/** Read-only, repeatable-read access to Postgres. Queries are unnamed: named ones break when a view's columns change. */
import type { SQL } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import pg from "pg";
import { ApiError } from "../errors.ts";

/** One repeatable-read, read-only transaction: everything read through it belongs to one moment. */
export interface ReadTransaction {
  /** `Row` names the columns that the query selects: int8 as number, numeric as bigint, json parsed. */
  rows<Row>(query: SQL): Promise<readonly Row[]>;
  /** The same, but null when a table of the query does not exist; the transaction goes on. */
  attempt<Row>(query: SQL): Promise<readonly Row[] | null>;
}

export interface Reader {
  /** @throws {ApiError} `database-unavailable`, `timeout`, or `indexing` when the views are not there yet. */
  read<T>(work: (transaction: ReadTransaction) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const INT8 = 20;
const NUMERIC = 1700;

const toNumber = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`int8 ${text} is beyond 2^53-1`);
  return value;
};

/** Our own pool's parsers; pg's global ones belong to whoever else uses pg in this process. */
const types = {
  getTypeParser: (oid: number, format?: "text" | "binary") => {
    if (oid === INT8) return toNumber;
    if (oid === NUMERIC) return BigInt;
    return pg.types.getTypeParser(oid, format);
  },
};

const dialect = new PgDialect();

const UNDEFINED_TABLE = new Set(["42P01", "3F000"]);
const QUERY_CANCELED = "57014";
/** Shutting down, starting up, too many connections; and, on a replica, cancelled by recovery. */
const UNAVAILABLE = new Set(["57P01", "57P02", "57P03", "53300", "40001"]);
const CONNECTION_ERRORS = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "EPIPE",
  "ENOENT",
]);
/** pg itself gives these no code. */
const CONNECTION_MESSAGES =
  /timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error|connection is closed/i;

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

const isUnavailable = (error: unknown): boolean => {
  const code = codeOf(error);
  return (
    UNAVAILABLE.has(code) ||
    code.startsWith("08") ||
    CONNECTION_ERRORS.has(code) ||
    (error instanceof Error && CONNECTION_MESSAGES.test(error.message))
  );
};

const unavailable = (cause: unknown) =>
  new ApiError(
    "database-unavailable",
    "The database cannot be reached.",
    {},
    { cause, retryAfterSeconds: 5 },
  );

/** Gives Postgres' errors their meaning for the caller; others pass as they are. */
function translate(error: unknown): unknown {
  if (error instanceof ApiError) return error;
  const code = codeOf(error);
  if (UNDEFINED_TABLE.has(code))
    return new ApiError(
      "indexing",
      "The tables are not published yet.",
      {},
      { cause: error, retryAfterSeconds: 5 },
    );
  if (code === QUERY_CANCELED)
    return new ApiError("timeout", "The query was cancelled.", {}, { cause: error, retryAfterSeconds: 5 });
  return isUnavailable(error) ? unavailable(error) : error;
}

function transactionOn(client: pg.PoolClient): ReadTransaction {
  const rows = async <Row>(query: SQL) => {
    const { sql: text, params: values } = dialect.sqlToQuery(query);
    const answer = await client.query({ text, values });
    // The query and its row type are written side by side; pg cannot know it.
    return answer.rows as Row[];
  };
  return {
    rows,
    async attempt<Row>(query: SQL) {
      await client.query("savepoint attempt");
      try {
        return await rows<Row>(query);
      } catch (error) {
        if (!UNDEFINED_TABLE.has(codeOf(error))) throw error;
        await client.query("rollback to savepoint attempt");
        return null;
      }
    },
  };
}

interface ReaderOptions {
  /** In order of preference: the next is asked when one cannot be reached. */
  readonly urls: readonly string[];
  readonly connections?: number;
  readonly statementTimeoutMs?: number;
  /** Errors of idle connections; the pool replaces them. */
  readonly onConnectionError: (error: Error) => void;
}

/** Opens pools of connections; connects only when asked something. */
export function createReader({
  urls,
  connections = 10,
  statementTimeoutMs = 30_000,
  onConnectionError,
}: ReaderOptions): Reader {
  const pools = urls.map((connectionString) => {
    const pool = new pg.Pool({
      connectionString,
      max: connections,
      connectionTimeoutMillis: 5_000,
      idleTimeoutMillis: 30_000,
      statement_timeout: statementTimeoutMs,
      idle_in_transaction_session_timeout: 2 * statementTimeoutMs,
      application_name: "api",
      types,
    });
    pool.on("error", onConnectionError);
    return pool;
  });

  const connect = async (): Promise<pg.PoolClient> => {
    let failure: unknown;
    for (const pool of pools)
      try {
        return await pool.connect();
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        failure = error;
      }
    throw unavailable(failure);
  };

  return {
    async read(work) {
      const client = await connect();
      let broken: Error | undefined;
      // A connection that dies between two queries must not take the process down.
      const onError = (error: Error) => {
        broken = error;
      };
      client.on("error", onError);
      try {
        await client.query("begin isolation level repeatable read read only");
        const result = await work(transactionOn(client));
        await client.query("commit");
        return result;
      } catch (error) {
        await client.query("rollback").catch((failure: Error) => {
          broken = failure;
        });
        throw translate(error);
      } finally {
        client.off("error", onError);
        client.release(broken);
      }
    },
    async close() {
      await Promise.all(pools.map((pool) => pool.end()));
    },
  };
}
