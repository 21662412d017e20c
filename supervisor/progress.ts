/** Measures and describes an indexer's progress, from Ponder's metrics and its checkpoint. */

/** What Ponder's metrics say about one chain. */
export interface IndexerMetrics {
  /** Blocks of history to fetch; 0 before it is known. */
  readonly totalBlocks: number;
  readonly fetchedBlocks: number;
  readonly events: number;
  readonly live: boolean;
}

/** Sums a Prometheus metric over its samples. */
function total(text: string, metric: string): number {
  let sum = 0;
  for (const line of text.split("\n"))
    if (line.startsWith(metric) && /^[{ ]/.test(line.slice(metric.length)))
      sum += Number(line.slice(line.lastIndexOf(" ") + 1)) || 0;
  return sum;
}

export const readMetrics = (text: string): IndexerMetrics => ({
  totalBlocks: total(text, "ponder_historical_total_blocks"),
  fetchedBlocks:
    total(text, "ponder_historical_cached_blocks") + total(text, "ponder_historical_completed_blocks"),
  events: total(text, "ponder_indexing_completed_events"),
  live: total(text, "ponder_sync_is_realtime") > 0,
});

export interface Sample extends IndexerMetrics {
  /** Block of the indexer's checkpoint; undefined before the first. */
  readonly indexedBlock: number | undefined;
  /** Unix seconds of that block. */
  readonly indexedAt: number | undefined;
  readonly headBlock: number;
  readonly takenAtMs: number;
}

export interface Pace {
  /** Undefined before the second measurement. */
  readonly eventsPerSecond: number | undefined;
  /** Undefined while there is no progress. */
  readonly secondsLeft: number | undefined;
}

/** Weight of the newest measurement in the moving average, so that a pause of seconds does not make the estimate jump. */
const NEWEST_SHARE = 0.3;

const mean = (before: number | undefined, now: number) =>
  before === undefined ? now : before * (1 - NEWEST_SHARE) + now * NEWEST_SHARE;

/** Makes a function that takes samples in turn and returns the pace. */
export function createPace(startBlock: number): (sample: Sample) => Pace {
  let last: Sample | undefined;
  let fetchedRate: number | undefined;
  let indexedRate: number | undefined;
  return (sample) => {
    const before = last;
    last = sample;
    const elapsed = before === undefined ? 0 : (sample.takenAtMs - before.takenAtMs) / 1000;
    if (before === undefined || elapsed <= 0) return { eventsPerSecond: undefined, secondsLeft: undefined };
    const indexed = (of: Sample) => Math.max(startBlock, of.indexedBlock ?? startBlock);
    fetchedRate = mean(fetchedRate, Math.max(0, sample.fetchedBlocks - before.fetchedBlocks) / elapsed);
    indexedRate = mean(indexedRate, Math.max(0, indexed(sample) - indexed(before)) / elapsed);
    const left = [
      [sample.totalBlocks - sample.fetchedBlocks, fetchedRate],
      [sample.headBlock - indexed(sample), indexedRate],
    ].flatMap(([blocks = 0, rate = 0]) => (rate > 0 && blocks > 0 ? [blocks / rate] : []));
    return {
      // a restarted indexer counts from zero
      eventsPerSecond: Math.max(0, sample.events - before.events) / elapsed,
      secondsLeft: left.length === 0 ? undefined : Math.max(...left),
    };
  };
}

const count = (value: number) => Math.round(value).toLocaleString("en-US");

export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** Describes a backfill in one line. */
export function describeBackfill(sample: Sample, pace: Pace, startBlock: number): string {
  const indexed = Math.max(startBlock, sample.indexedBlock ?? startBlock);
  const whole = Math.max(1, sample.headBlock - startBlock);
  // blocks without events advance only the number of fetched blocks
  const done = Math.max(indexed - startBlock, Math.min(sample.fetchedBlocks, whole));
  const share = ((done / whole) * 100).toFixed(done === whole ? 0 : 1);
  const speed = pace.eventsPerSecond === undefined ? "" : `, ${count(pace.eventsPerSecond)} events/s`;
  const left = pace.secondsLeft === undefined ? "" : `, ${duration(pace.secondsLeft)} left`;
  return `indexing history: ${count(done)} of ${count(whole)} blocks done (${share} %), ${count(whole - done)} to do${speed}${left}`;
}

/** Describes an indexer at the head in one line. */
export function describeLive(sample: Sample, nowMs: number): string {
  const lag =
    sample.indexedAt === undefined
      ? ""
      : `, ${duration(Math.max(0, nowMs / 1000 - sample.indexedAt))} behind the clock`;
  return `live at block ${count(sample.indexedBlock ?? 0)} (head ${count(sample.headBlock)})${lag}, ${count(sample.events)} events`;
}
