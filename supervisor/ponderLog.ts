/** Translates Ponder's JSON log for operators: one line per event that matters, without stack traces. */
import type { Log, LogLevel } from "../config/log.ts";
import { createNotices, type Notices } from "./gateway/notices.ts";

interface PonderRecord {
  readonly level: number;
  readonly msg: string;
  readonly error?: { readonly name?: string; readonly message?: string; readonly stack?: string };
  readonly chain?: unknown;
  readonly chain_id?: unknown;
  readonly time?: unknown;
  readonly action?: unknown;
  readonly request?: unknown;
  readonly PRINT_KEYS?: unknown;
  readonly [key: string]: unknown;
}

/** Logged at debug only: the gateway or the progress line reports it better. */
const DEBUG_ONLY = new Set([
  "Received JSON-RPC error",
  "All JSON-RPC providers are inactive",
  "All JSON-RPC providers are inactive due to rate limiting",
  "Unable to find available JSON-RPC provider within expected time",
  "JSON-RPC request unexpectedly surpassed timeout",
  "JSON-RPC request timed out reading response body",
  "Failed 'context.client' action",
  "Failed to fetch latest block",
  "Failed to fetch backfill JSON-RPC data",
  "Fetching backfill JSON-RPC data is taking longer than expected",
  "No new block received within expected time",
  "Updated backfill indexing progress",
  "Started shutdown sequence",
  "Received SIGINT",
  "Received SIGTERM",
]);

/** Messages that are reworded. */
const REWORDED: Readonly<Record<string, (record: PonderRecord) => string>> = {
  "Detected crash recovery": (record) => `resuming an earlier run of ${record.schema}`,
  "Schema is locked by a different Ponder app": (record) =>
    `schema ${record.schema} is still locked by an earlier run; waiting up to ${Math.ceil(Number(record.retry_delay) / 1000)} s`,
  "Completed backfill indexing across all chains": () => "history is indexed; building indexes",
  "Reorged block": (record) => `reorg: block ${record.number} replaced`,
  "Detected reorg in local chain": (record) => `reorg detected at block ${record.number}`,
};

const RPC_DOWN_CODE = "Failed to connect to JSON-RPC";

const firstLine = (text: string | undefined) => text?.split("\n", 1)[0];

function toRecord(line: string): PonderRecord | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const record = JSON.parse(line) as PonderRecord; // what is read of it is checked next
    return typeof record.msg === "string" && typeof record.level === "number" ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Facts that only the log reveals. */
export interface PonderNews {
  /** The port that serves Ponder's metrics. */
  readonly port?: number;
}

/** Ponder retries a request nine times, with growing pauses. */
const MIN_REPORTED_RETRIES = 4;
/** The gateway reports these itself. */
const REPORTED_BY_GATEWAY = /have not answered yet|is not kept by the RPC/;

/** Ponder repeats it for every block it receives. */
const DEEP_REORG = "Encountered unrecoverable reorg";
const DEEP_REORG_EVERY_MS = 300_000;

/**
 * Makes a function that logs the lines of one Ponder process.
 * @param describeEndpoints - the endpoints and their heads, for errors that only they can cause.
 */
export function createTranslation(log: Log, describeEndpoints: () => string): (line: string) => PonderNews {
  const notices = createNotices(log);
  return (line) => translate(line, log, notices, describeEndpoints);
}

function translate(line: string, log: Log, notices: Notices, describeEndpoints: () => string): PonderNews {
  const record = toRecord(line);
  if (record === undefined) {
    // Node's own warnings and stack traces
    if (line.trim() !== "") log.debug(line);
    return {};
  }
  const {
    level: number,
    msg,
    error,
    time: _time,
    action: _action,
    PRINT_KEYS: _keys,
    chain: _chain,
    chain_id: _chainId,
    ...details
  } = record;

  // answers arrive but are unusable: without this line Ponder would seem to hang
  if (
    msg === "Received JSON-RPC error" &&
    Number(record.retry_count) >= MIN_REPORTED_RETRIES &&
    error?.message !== undefined &&
    !REPORTED_BY_GATEWAY.test(error.message)
  )
    notices.warn(
      String(record.method),
      `the RPC's answer to ${record.method} is unusable, retrying: ${firstLine(error.message)}`,
    );

  const reword = REWORDED[msg];
  const level: LogLevel = number >= 50 ? "error" : number >= 40 ? "warn" : number >= 30 ? "info" : "debug";
  if (msg === DEEP_REORG)
    notices.warn(
      DEEP_REORG,
      `a reorg went deeper than the finalized block (block ${record.finalized_block}); reindex if it persists; ${describeEndpoints()}`,
      DEEP_REORG_EVERY_MS,
    );
  else if (reword !== undefined) log[level](reword(record));
  else if (DEBUG_ONLY.has(msg) || error?.message?.includes(RPC_DOWN_CODE) || number < 40)
    log.debug(msg, { ...details, error: error?.message });
  else {
    const { request: _request, ...short } = details;
    log[level](`${msg}${error === undefined ? "" : `: ${firstLine(error.message) ?? error.name}`}`, short);
    if (error?.stack !== undefined) log.debug(error.stack);
  }
  return msg === "Created HTTP server" && typeof record.port === "number" ? { port: record.port } : {};
}
