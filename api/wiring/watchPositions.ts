/** Keeps the process's view of the chains' positions up to date, whether or not requests arrive. */
import { CHAIN_NAMES } from "../../config/environment.ts";
import type { Log } from "../../config/log.ts";
import { createReader, type Reader } from "../queries/reading/database.ts";
import { type ChainIds, type PositionWatcher, readProgress } from "../queries/state/position.ts";

/** How far `/ready` may lag. A recovery of the index may begin and end between two polls. */
const POLL_INTERVAL_MS = 500;
/** Reading takes milliseconds. A database that needs longer is not ready to answer requests. */
const STATEMENT_TIMEOUT_MS = 3_000;

interface WatchOptions {
  /** Where rows are read, in order of preference. */
  readonly readUrls: readonly string[];
  readonly watcher: PositionWatcher;
  readonly chainIds: ChainIds;
  readonly log: Log;
}

/** Reports the chains' positions to the watcher, or why they cannot be read. Never throws. */
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

/** Polls on a connection of its own, so that a process under load does not appear unready. @returns a function that stops it. */
export function watchPositions({ readUrls, watcher, chainIds, log }: WatchOptions): () => Promise<void> {
  const reader = createReader({
    urls: readUrls,
    connections: 1,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    onConnectionError: (error) => log.warn("idle database connection lost", { error }),
  });
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const poll = async () => {
    await refreshPositions(reader, watcher, chainIds);
    if (!stopped) timer = setTimeout(poll, POLL_INTERVAL_MS);
  };
  void poll();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await reader.close();
  };
}
