/** Keeps the snapshot of scores up with the index: told by Postgres of every block, and looking now and then anyway. */
import type { Log } from "../config/log.ts";
import { ChainNotices } from "./queries/chainNotices.ts";
import { createReader } from "./queries/database.ts";
import type { PositionWatcher } from "./queries/position.ts";
import type { ApiSettings } from "./queries/service.ts";
import { slicesOf } from "./snapshot/pause.ts";
import { Snapshots } from "./snapshot/snapshots.ts";

/** Catches what notices do not tell: observations, and blocks while the connection was gone. */
const LOOK_INTERVAL_MS = 5_000;
/** A replica shows a block some moments after the primary told of it. */
const REPLICA_LOOKS_MS = [50, 200, 1_000];
/** Nodes scored between two answers: a few milliseconds. */
const SLICE_UNITS = 200;
/** Refreshes come one after the other; the other connection is for a notice of a reader that hangs. */
const CONNECTIONS = 2;
/** The first read of a large network's whole past. */
const STATEMENT_TIMEOUT_MS = 120_000;

interface KeepOptions {
  /** The primary: notices come from nowhere else. */
  readonly databaseUrl: string;
  /** Where rows are read, in order of preference. */
  readonly readUrls: readonly string[];
  readonly watcher: PositionWatcher;
  readonly settings: ApiSettings;
  readonly log: Log;
}

export interface KeptSnapshots {
  readonly snapshots: Snapshots;
  readonly stop: () => Promise<void>;
}

export function keepSnapshots({ databaseUrl, readUrls, watcher, settings, log }: KeepOptions): KeptSnapshots {
  const reader = createReader({
    urls: readUrls,
    connections: CONNECTIONS,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    onConnectionError: (error) => log.warn("idle database connection lost", { error }),
  });
  const pause = slicesOf(SLICE_UNITS, () => new Promise((resolve) => setImmediate(resolve)));
  const snapshots = new Snapshots({ reader, watcher, settings, log, pause });
  const timers = new Set<NodeJS.Timeout>();
  const lookIn = (ms: number) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      void snapshots.refresh();
    }, ms);
    timers.add(timer);
  };
  const readsReplicas = readUrls.some((url) => url !== databaseUrl);
  const notices = new ChainNotices(
    databaseUrl,
    () => {
      void snapshots.refresh();
      if (readsReplicas && timers.size === 0) for (const ms of REPLICA_LOOKS_MS) lookIn(ms);
    },
    log,
  );
  const looks = setInterval(() => void snapshots.refresh(), LOOK_INTERVAL_MS);
  void notices.start();
  return {
    snapshots,
    async stop() {
      clearInterval(looks);
      for (const timer of timers) clearTimeout(timer);
      await notices.stop();
      await reader.close();
    },
  };
}
