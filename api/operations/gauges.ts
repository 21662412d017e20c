/** Gauges of what the API reads from: chains, verifier, database. */
import { CHAIN_NAMES } from "../../config/environment.ts";
import { readVerifierBacklog } from "../queries/settlements/backlog.ts";
import { lagSeconds } from "../queries/state/asOf.ts";
import type { Position } from "../queries/state/position.ts";
import { readProofTables } from "../queries/state/proofTables.ts";
import type { ApiService } from "../queries/state/service.ts";
import type { Snapshots } from "../snapshot/snapshots.ts";
import type { EventStream } from "../stream/eventStream.ts";
import type { Metrics } from "./metrics.ts";

/** Gauges of one scrape share what they read. */
const SHARED_MS = 1_000;

function shared<T>(read: () => Promise<T>, now: () => number): () => Promise<T> {
  let last: { readonly at: number; readonly answer: Promise<T> } | undefined;
  return () => {
    if (last === undefined || now() - last.at > SHARED_MS) last = { at: now(), answer: read() };
    return last.answer;
  };
}

/** @param elapsed - milliseconds of a clock that only goes forward. */
export function registerGauges(
  metrics: Metrics,
  service: ApiService,
  { hub }: EventStream,
  snapshots: Snapshots,
  elapsed: () => number,
): void {
  const { reader, settings, clock, watcher } = service;
  const backlog = shared(
    () =>
      reader.read(async (transaction) =>
        readVerifierBacklog(
          transaction,
          await readProofTables(transaction, settings.chainIds.og),
          settings.chainIds.og,
        ),
      ),
    elapsed,
  );
  /** As the process saw them last, which is no second ago. */
  const perChain = async (of: (position: Position) => number) =>
    Object.fromEntries(
      CHAIN_NAMES.map((chain) => {
        const { position } = watcher.progress(chain);
        return [chain, position === null ? null : of(position)];
      }),
    );

  metrics.gauges(
    {
      name: "chain_lag_seconds",
      help: "Age of a chain's newest indexed block, by this process's clock.",
      label: "chain",
    },
    () => perChain(({ blockTime }) => lagSeconds({ blockTime }, clock())),
  );
  metrics.gauges(
    { name: "chain_block_number", help: "A chain's newest indexed block.", label: "chain" },
    () => perChain(({ blockNumber }) => blockNumber),
  );
  metrics.gauges(
    {
      name: "chain_ready",
      help: "1 when a chain's rows are complete up to its newest block, else 0.",
      label: "chain",
    },
    async () => ({ og: Number(watcher.progress("og").ready), base: Number(watcher.progress("base").ready) }),
  );
  metrics.gauge(
    {
      name: "snapshot_age_seconds",
      help: "Age of the block that selections are made from, by this process's clock.",
    },
    () => {
      const { og } = snapshots.newest.snapshot.asOf;
      return og === null ? null : lagSeconds(og, clock());
    },
  );
  metrics.gauge(
    { name: "verifier_pending", help: "Settlements on chain without a verdict." },
    async () => (await backlog())?.pending ?? null,
  );
  metrics.gauge(
    {
      name: "verifier_oldest_pending_seconds",
      help: "How long the oldest of them is on chain; 0 without any.",
    },
    async () => {
      const read = await backlog();
      if (read === null) return null;
      return read.oldestAt === null ? 0 : lagSeconds({ blockTime: read.oldestAt }, clock());
    },
  );
  metrics.gauge({ name: "streams", help: "Streams that are open." }, () => hub.usage.subscribers);
  metrics.gauge(
    { name: "streams_cut", help: "Streams that were ended since the start, for falling behind." },
    () => hub.usage.disconnects,
  );
  metrics.gauge(
    {
      name: "stream_undelivered_bytes",
      help: "What is kept for single listeners until they take it.",
    },
    () => hub.usage.inFlightBytes,
  );
  metrics.gauge({ name: "database_up", help: "1 when the database answers, else 0." }, () =>
    watcher.failure === null ? 1 : 0,
  );
  metrics.gauges(
    {
      name: "database_connections",
      help: "Connections of this process, and who waits for one.",
      label: "state",
    },
    async () => {
      const { connections, inUse, waiting } = reader.usage();
      return { allowed: connections, used: inUse, waiting };
    },
  );
}
