/** Starts the snapshots of scores, with database connections of their own. */
import type { Log } from "../../config/log.ts";
import { createReader } from "../queries/reading/database.ts";
import type { PositionWatcher } from "../queries/state/position.ts";
import type { ApiSettings } from "../queries/state/service.ts";
import { slicesOf } from "../snapshot/pause.ts";
import { Snapshots, type SnapshotsOptions } from "../snapshot/snapshots.ts";

/** Nodes scored before yielding to the event loop: a millisecond or two. */
const SLICE_UNITS = 100;
/** Refreshes run one at a time; the second connection is there to notice a reader that hangs. */
const CONNECTIONS = 2;
/** Enough for the first read of a large network's whole history. */
const STATEMENT_TIMEOUT_MS = 120_000;

interface StartOptions extends Pick<SnapshotsOptions, "onNew"> {
  /** Where rows are read, in order of preference. */
  readonly readUrls: readonly string[];
  readonly watcher: PositionWatcher;
  readonly settings: ApiSettings;
  readonly log: Log;
}

export interface StartedSnapshots {
  readonly snapshots: Snapshots;
  readonly stop: () => Promise<void>;
}

export function startSnapshots({ readUrls, log, ...options }: StartOptions): StartedSnapshots {
  const reader = createReader({
    urls: readUrls,
    connections: CONNECTIONS,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    onConnectionError: (error) => log.warn("idle database connection lost", { error }),
  });
  const pause = slicesOf(SLICE_UNITS, () => new Promise((resolve) => setImmediate(resolve)));
  return { snapshots: new Snapshots({ ...options, reader, log, pause }), stop: () => reader.close() };
}
