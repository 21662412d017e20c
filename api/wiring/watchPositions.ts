/** Keeps what the process knows of the chains' positions up to date, whether or not anybody asks. */
import { CHAIN_NAMES } from "../../config/environment.ts";
import type { Log } from "../../config/log.ts";
import { createReader, type Reader } from "../queries/reading/database.ts";
import { type ChainIds, type PositionWatcher, readProgress } from "../queries/state/position.ts";

/** A recovery of the index may begin and end between two looks; `/ready` is this much behind. */
const WATCH_INTERVAL_MS = 500;
/** A look takes milliseconds. A database that needs longer is not ready to answer anybody. */
const STATEMENT_TIMEOUT_MS = 3_000;

interface WatchOptions {
  /** Where rows are read, in order of preference. */
  readonly readUrls: readonly string[];
  readonly watcher: PositionWatcher;
  readonly chainIds: ChainIds;
  readonly log: Log;
}

/** Shows the watcher every position, or why there is none to see. Never throws. */
export async function refreshPositions(
  reader: Reader,
  watcher: PositionWatcher,
  chainIds: ChainIds,
): Promise<void> {
  try {
    const progress = await reader.read((transaction) => readProgress(transaction, chainIds));
    for (const chain of CHAIN_NAMES) watcher.admit(chain, progress[chain]);
  } catch (error) {
    watcher.fail(error);
  }
}

/** Looks at regular intervals, on a connection of its own: no load of requests makes a process look unready. */
export function watchPositions({ readUrls, watcher, chainIds, log }: WatchOptions): () => Promise<void> {
  const reader = createReader({
    urls: readUrls,
    connections: 1,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    onConnectionError: (error) => log.warn("idle database connection lost", { error }),
  });
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const look = async () => {
    await refreshPositions(reader, watcher, chainIds);
    if (!stopped) timer = setTimeout(look, WATCH_INTERVAL_MS);
  };
  void look();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await reader.close();
  };
}
