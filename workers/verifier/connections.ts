/** The verifier's connections to Postgres. Other processes wait for its locks, so a hung holder must lose them. */
import pg from "pg";

const CONNECTIONS = 8;
/** A transaction is idle for this long only when its verifier hangs or its machine is gone. */
const IDLE_IN_TRANSACTION_MS = 30_000;

/** @param idleInTransactionMs - how long a transaction may be idle before Postgres ends it; shorter in tests only. */
export const connectionPool = (url: string, idleInTransactionMs = IDLE_IN_TRANSACTION_MS): pg.Pool =>
  new pg.Pool({
    connectionString: url,
    max: CONNECTIONS,
    application_name: "verifier",
    keepAlive: true,
    idle_in_transaction_session_timeout: idleInTransactionMs,
  });

/**
 * A connection for notifications and for a session lock. TCP keep-alive makes Postgres notice within about 16 s that the
 * other end is gone, and release the lock.
 */
export const noticeClient = (url: string): pg.Client =>
  new pg.Client({
    connectionString: url,
    application_name: "verifier notices",
    keepAlive: true,
    options: "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3",
  });
