/** Ponder's JSON log in our own words: what matters to whoever runs it, one line each, no stack traces. */
import type { Log, LogDetails, LogLevel } from "../config/log.ts";
import { createNotices, type Notices } from "./gateway/notices.ts";

interface PonderRecord {
  readonly level: number;
  readonly msg: string;
  readonly error?: { readonly name?: string; readonly message?: string; readonly stack?: string };
  readonly [key: string]: unknown;
}

/** Said only with LOG_LEVEL=debug: the gateway or the progress line says it better. */
const HIDDEN = new Set([
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

/** Said to everyone, in these words. */
const TOLD: Readonly<Record<string, (record: PonderRecord) => string>> = {
  "Detected crash recovery": (record) => `resuming an earlier run of ${record.schema}`,
  "Schema is locked by a different Ponder app": (record) =>
    `an earlier run still holds ${record.schema}; waiting up to ${Math.ceil(Number(record.retry_delay) / 1000)} s`,
  "Completed backfill indexing across all chains": () => "history is indexed; building indexes",
  "Reorged block": (record) => `reorg: block ${record.number} replaced`,
  "Detected reorg in local chain": (record) => `reorg detected at block ${record.number}`,
};

const RPC_DOWN_CODE = "Failed to connect to JSON-RPC";

const firstLine = (text: string | undefined) => text?.split("\n", 1)[0];

function toRecord(line: string): PonderRecord | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const record = JSON.parse(line) as PonderRecord;
    return typeof record.msg === "string" && typeof record.level === "number" ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Facts worth reading off the log. */
export interface PonderNews {
  /** Where its metrics are. */
  readonly port?: number;
}

/** Ponder repeats a request nine times, ever more slowly. */
const WORTH_TELLING_RETRIES = 4;
/** The gateway tells about these itself. */
const GATEWAYS_OWN = /have not answered yet|is not kept by the RPC/;

/** Repeated for every block that Ponder is shown. */
const DEEP_REORG = "Encountered unrecoverable reorg";
const DEEP_REORG_EVERY_MS = 300_000;

/**
 * Says one line of Ponder's output in the log; one function for all lines of a process.
 * @param describeEndpoints - the endpoints and where each stands, for what only they can have caused.
 */
export function createTranslation(log: Log, describeEndpoints: () => string): (line: string) => PonderNews {
  const notices = createNotices(log);
  return (line) => translate(line, log, notices, describeEndpoints);
}

function translate(line: string, log: Log, notices: Notices, describeEndpoints: () => string): PonderNews {
  const record = toRecord(line);
  if (record === undefined) {
    // Node's own warnings and traces: kept for whoever looks for them
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
    ...rest
  } = record as PonderRecord & {
    time?: unknown;
    action?: unknown;
    PRINT_KEYS?: unknown;
  };
  const {
    chain: _chain,
    chain_id: _chainId,
    ...details
  } = rest as LogDetails & { chain?: unknown; chain_id?: unknown };

  // answers that arrive but do not help: without this line Ponder would seem to hang
  if (
    msg === "Received JSON-RPC error" &&
    Number(record.retry_count) >= WORTH_TELLING_RETRIES &&
    error?.message !== undefined &&
    !GATEWAYS_OWN.test(error.message)
  )
    notices.warn(
      String(record.method),
      `the RPC's answer to ${record.method} is of no use, asking again: ${firstLine(error.message)}`,
    );

  const told = TOLD[msg];
  const level: LogLevel = number >= 50 ? "error" : number >= 40 ? "warn" : number >= 30 ? "info" : "debug";
  if (msg === DEEP_REORG)
    notices.warn(
      DEEP_REORG,
      `a reorg went deeper than what counts as final (block ${record.finalized_block}); reindexing is needed if it lasts; ${describeEndpoints()}`,
      DEEP_REORG_EVERY_MS,
    );
  else if (told !== undefined) log[level](told(record));
  else if (HIDDEN.has(msg) || error?.message?.includes(RPC_DOWN_CODE) || number < 40)
    log.debug(msg, { ...details, error: error?.message });
  else {
    const { request: _request, ...short } = details as LogDetails & { request?: unknown };
    log[level](`${msg}${error === undefined ? "" : `: ${firstLine(error.message) ?? error.name}`}`, short);
    if (error?.stack !== undefined) log.debug(error.stack);
  }
  return msg === "Created HTTP server" && typeof record.port === "number" ? { port: record.port } : {};
}
