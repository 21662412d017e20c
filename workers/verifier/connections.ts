/** The verifier's connections to Postgres. Others wait for its locks: what keeps one and is not heard of loses it. */
import pg from "pg";

const CONNECTIONS = 8;
/** A transaction does nothing for that long only when its verifier hangs, or its machine is gone. */
const IDLE_IN_TRANSACTION_MS = 30_000;

/** @param idleInTransactionMs - after so many Postgres ends a transaction that does nothing; shorter in tests only. */
export const connectionPool = (url: string, idleInTransactionMs = IDLE_IN_TRANSACTION_MS): pg.Pool =>
  new pg.Pool({
    connectionString: url,
    max: CONNECTIONS,
    application_name: "verifier",
    keepAlive: true,
    idle_in_transaction_session_timeout: idleInTransactionMs,
  });

/**
 * For notices, and for a lock that lasts as long as the connection: Postgres looks every ten seconds whether a silent one's
 * other end is still there, and gives its lock away after a quarter of a minute if it is not.
 */
export const noticeClient = (url: string): pg.Client =>
  new pg.Client({
    connectionString: url,
    application_name: "verifier notices",
    keepAlive: true,
    options: "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3",
  });
