/** Read-only, repeatable-read access to Postgres. Queries are unnamed: named ones break when a view's columns change. */
import type { SQL } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import pg from "pg";
import { codeOf, isUnpublished } from "../../../db/sqlState.ts";
import { Abandoned, ApiError } from "../../errors.ts";
import { cancelStatement } from "./cancelStatement.ts";
import { FairSemaphore, type Waiting } from "./fairSemaphore.ts";

/** One repeatable-read, read-only transaction: everything read through it belongs to one moment. */
export interface ReadTransaction {
  /** `Row` names the columns that the query selects: int8 as number, numeric as bigint, json parsed. */
  rows<Row>(query: SQL): Promise<readonly Row[]>;
  /** The same, but null when a table of the query does not exist; the transaction goes on. */
  attempt<Row>(query: SQL): Promise<readonly Row[] | null>;
}

export interface ReadOptions {
  /** Aborted when nobody waits for the answer any more: the statement under way is cancelled. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Part of the connections that the read is confined to; absent for short questions, which may use any.
   * `bulk`: walks over all pages and what listeners missed. `events`: answers to subscriptions' events, part of `bulk`.
   */
  readonly share?: "bulk" | "events";
  /** Who asks: connections are divided evenly among clients. Absent for a client of its own. */
  readonly client?: string | undefined;
}

/** How the connections are used right now. */
export interface ReaderUsage {
  readonly connections: number;
  readonly inUse: number;
  /** Questions that wait for a connection. */
  readonly waiting: number;
}

export interface Reader {
  /**
   * @throws {ApiError} `database-unavailable`, `busy` when every connection is in use for too long, `timeout`, or
   * `indexing` when the views are not there yet.
   * @throws {Abandoned} when `signal` was aborted.
   */
  read<T>(work: (transaction: ReadTransaction) => Promise<T>, options?: ReadOptions): Promise<T>;
  usage(): ReaderUsage;
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

/** Only whoever locks tables whole can be in the way of a reader: Ponder, when it recovers from a crash. */
const DEADLOCK = "40P01";
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
  /timeout exceeded when trying to connect|Query read timeout|Connection terminated|Client has encountered a connection error|connection is closed/i;

const isUnavailable = (error: unknown): boolean => {
  const code = codeOf(error) ?? "";
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

const busy = () =>
  new ApiError(
    "busy",
    "Every connection to the database is in use, and none became free in time.",
    {},
    { retryAfterSeconds: 2 },
  );

/** What pg says when a server does not answer at all. */
const SILENT = /^Query read timeout$/;
/** A server that says nothing of a statement for so long after the statement's own time limit is not there any more. */
const SILENCE_MS = 5_000;

/** Gives Postgres' errors their meaning for the caller; others pass as they are. */
function translate(error: unknown): unknown {
  if (error instanceof ApiError || error instanceof Abandoned) return error;
  const code = codeOf(error);
  if (isUnpublished(error))
    return new ApiError(
      "indexing",
      "The tables are not published yet.",
      {},
      { cause: error, retryAfterSeconds: 5 },
    );
  if (code === DEADLOCK)
    return new ApiError(
      "indexing",
      "The index recovers from a crash and has its tables locked.",
      {},
      { cause: error, retryAfterSeconds: 1 },
    );
  if (code === QUERY_CANCELED)
    return new ApiError("timeout", "The query was cancelled.", {}, { cause: error, retryAfterSeconds: 5 });
  return isUnavailable(error) ? unavailable(error) : error;
}

/** @param refuseAbandoned - throws when nobody waits for the answer any more. */
function transactionOn(client: pg.PoolClient, refuseAbandoned: () => void): ReadTransaction {
  const rows = async <Row>(query: SQL) => {
    refuseAbandoned();
    const { sql: text, params: values } = dialect.sqlToQuery(query);
    const answer = await client.query({ text, values });
    // The query and its row type are written side by side; pg cannot know it.
    return answer.rows as Row[];
  };
  return {
    rows,
    async attempt<Row>(query: SQL) {
      refuseAbandoned();
      await client.query("savepoint attempt");
      try {
        return await rows<Row>(query);
      } catch (error) {
        if (!isUnpublished(error)) throw error;
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
  /** How long a question waits for a connection. */
  readonly connectWithinMs?: number;
  readonly statementTimeoutMs?: number;
  /** How long after that a server may be silent. */
  readonly silenceMs?: number;
  /** Errors of idle connections; the pool replaces them. */
  readonly onConnectionError: (error: Error) => void;
}

/** One client never has more than half of a share, rounded up. */
const sharedOut = (permits: number): FairSemaphore =>
  new FairSemaphore({ permits, permitsPerClient: Math.ceil(permits / 2) });

/** Opens pools of connections; connects only when asked something. */
export function createReader({
  urls,
  connections = 10,
  connectWithinMs = 5_000,
  statementTimeoutMs = 30_000,
  silenceMs = SILENCE_MS,
  onConnectionError,
}: ReaderOptions): Reader {
  const pools = urls.map((connectionString) => {
    const pool = new pg.Pool({
      connectionString,
      max: connections,
      connectionTimeoutMillis: connectWithinMs,
      idleTimeoutMillis: 30_000,
      statement_timeout: statementTimeoutMs,
      query_timeout: statementTimeoutMs + silenceMs,
      idle_in_transaction_session_timeout: 2 * statementTimeoutMs,
      application_name: "api",
      types,
    });
    pool.on("error", onConnectionError);
    return pool;
  });

  // No pool is ever asked for more than it has: who waits for a connection waits here, in a fair order.
  const all = sharedOut(connections);
  const bulkPermits = Math.max(1, Math.floor(connections / 2));
  const bulk = sharedOut(bulkPermits);
  const events = sharedOut(Math.max(1, Math.floor(bulkPermits / 2)));
  const inUse = new Map(pools.map((pool) => [pool, 0]));
  const count = (pool: pg.Pool, change: 1 | -1) => inUse.set(pool, (inUse.get(pool) ?? 0) + change);

  const connect = async (): Promise<{ readonly client: pg.PoolClient; readonly pool: pg.Pool }> => {
    let failure: unknown;
    for (const pool of pools)
      try {
        return { client: await pool.connect(), pool };
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        failure ??= unavailable(error);
      }
    throw failure;
  };

  const readNow = async <T>(
    work: (transaction: ReadTransaction) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> => {
    const { client, pool } = await connect();
    count(pool, 1);
    let broken: Error | undefined;
    let cancelled: Promise<void> | undefined;
    // A connection that dies between two queries must not take the process down.
    const onError = (error: Error) => {
      broken = error;
    };
    const onAbort = () => {
      cancelled = cancelStatement(client);
    };
    const refuseAbandoned = () => {
      if (signal?.aborted) throw new Abandoned();
    };
    client.on("error", onError);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      refuseAbandoned();
      await client.query("begin isolation level repeatable read read only");
      const result = await work(transactionOn(client, refuseAbandoned));
      await client.query("commit");
      return result;
    } catch (error) {
      // A cancellation must not arrive late and hit what the connection does next.
      await cancelled;
      // Who did not answer that will not answer this; the connection is given up.
      if (error instanceof Error && SILENT.test(error.message)) broken = error;
      else
        await client.query("rollback").catch((failure: Error) => {
          broken = failure;
        });
      refuseAbandoned();
      throw translate(error);
    } finally {
      signal?.removeEventListener("abort", onAbort);
      await cancelled;
      client.off("error", onError);
      client.release(broken);
      count(pool, -1);
    }
  };

  return {
    async read(work, { signal, share, client } = {}) {
      const owner = { client, signal };
      const read = (wait: Partial<Waiting>) => all.take(() => readNow(work, signal), { ...owner, ...wait });
      if (share === undefined) return read({ waitAtMostMs: connectWithinMs, refusal: busy });
      // These have waited for their turn already: they are not refused for waiting a little longer.
      const readBulk = () => bulk.take(() => read({}), owner);
      return share === "bulk" ? readBulk() : events.take(readBulk, owner);
    },
    usage: () => ({
      connections,
      inUse: [...inUse.values()].reduce((sum, used) => sum + used, 0),
      waiting: all.waiting + bulk.waiting + events.waiting,
    }),
    async close() {
      await Promise.all(pools.map((pool) => pool.end()));
    },
  };
}
