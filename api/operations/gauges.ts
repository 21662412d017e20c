/** Gauges for the chains, the snapshot, the verifier's backlog, streams and the database. */
import { CHAIN_NAMES } from "../../config/environment.ts";
import { readVerifierBacklog } from "../queries/settlements/backlog.ts";
import { lagSeconds } from "../queries/state/asOf.ts";
import type { Position } from "../queries/state/position.ts";
import { readProofTables } from "../queries/state/proofTables.ts";
import type { ApiService } from "../queries/state/service.ts";
import type { Snapshots } from "../snapshot/snapshots.ts";
import type { EventStream } from "../stream/eventStream.ts";
import type { Metrics } from "./metrics.ts";

/** The gauges of one scrape share a reading. */
const MAX_READING_AGE_MS = 1_000;

function shared<T>(read: () => Promise<T>, now: () => number): () => Promise<T> {
  let last: { readonly at: number; readonly answer: Promise<T> } | undefined;
  return () => {
    if (last === undefined || now() - last.at > MAX_READING_AGE_MS) last = { at: now(), answer: read() };
    return last.answer;
  };
}

/** @param elapsed - milliseconds of a monotonic clock. */
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
  /** As the process last saw them, less than a second ago. */
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
      help: "Age on chain of the oldest settlement without a verdict; 0 when there is none.",
    },
    async () => {
      const read = await backlog();
      if (read === null) return null;
      return read.oldestAt === null ? 0 : lagSeconds({ blockTime: read.oldestAt }, clock());
    },
  );
  metrics.gauge({ name: "streams", help: "Open streams." }, () => hub.usage.subscribers);
  metrics.gauge(
    { name: "streams_cut", help: "Streams disconnected since the start because the client was too slow." },
    () => hub.usage.disconnects,
  );
  metrics.gauge(
    {
      name: "stream_undelivered_bytes",
      help: "Bytes in flight for single subscribers, beside the shared buffer.",
    },
    () => hub.usage.inFlightBytes,
  );
  metrics.gauge({ name: "database_up", help: "1 when the database answers, else 0." }, () =>
    watcher.failure === null ? 1 : 0,
  );
  metrics.gauges(
    {
      name: "database_connections",
      help: "Database connections of this process, and requests waiting for one.",
      label: "state",
    },
    async () => {
      const { connections, inUse, waiting } = reader.usage();
      return { allowed: connections, used: inUse, waiting };
    },
  );
}
