/** The buckets of a series: whole UTC hours or days, the last of which may still run. */
import { sql } from "drizzle-orm";
import type { ChainName } from "../../../config/environment.ts";
import { DAY_SECONDS, HOUR_SECONDS } from "../../../src/decode/timeBuckets.ts";
import { ApiError } from "../../errors.ts";
import type { ReadTransaction } from "../reading/database.ts";
import type { Moment, TimeRange } from "../state/moment.ts";
import type { Span } from "../state/spans.ts";

export const SERIES_INTERVALS = ["hour", "day"] as const;
export type SeriesInterval = (typeof SERIES_INTERVALS)[number];

/** Buckets of one answer. */
export const MAX_BUCKETS = 1_000;
/** Buckets up to now when `from` is not given. */
export const DEFAULT_BUCKETS: Readonly<Record<SeriesInterval, number>> = { hour: 24, day: 30 };

const WIDTH_SECONDS: Readonly<Record<SeriesInterval, number>> = { hour: HOUR_SECONDS, day: DAY_SECONDS };

export interface Bucket {
  /** Unix seconds. */
  readonly startAt: number;
  readonly endAt: number;
  /** Whether the chain is past its end: what is said of it then stays, but for what is settled or verified later. */
  readonly complete: boolean;
}

export interface SeriesGrid {
  readonly interval: SeriesInterval;
  readonly widthSeconds: number;
  /** In order of time, without gaps. */
  readonly buckets: readonly Bucket[];
}

/**
 * The buckets that overlap `[from, to)` and have begun at `now`, the chain's newest second.
 * @throws {ApiError} `too-many-buckets`.
 */
export function seriesGrid(interval: SeriesInterval, { from, to }: TimeRange, now: number): SeriesGrid {
  const widthSeconds = WIDTH_SECONDS[interval];
  const startOf = (at: number) => at - (at % widthSeconds);
  const until = Math.min(to ?? now + 1, now + 1);
  const last = startOf(Math.max(0, until - 1));
  const first =
    from === undefined
      ? Math.max(0, last - (DEFAULT_BUCKETS[interval] - 1) * widthSeconds)
      : startOf(Math.min(from, now + widthSeconds));
  const isEmpty = until <= 0 || first > last || (from !== undefined && from >= until);
  const count = isEmpty ? 0 : (last - first) / widthSeconds + 1;
  if (count > MAX_BUCKETS) throw tooMany(interval, count, last - (MAX_BUCKETS - 1) * widthSeconds);
  return {
    interval,
    widthSeconds,
    buckets: Array.from({ length: count }, (_, index) => {
      const startAt = first + index * widthSeconds;
      const endAt = startAt + widthSeconds;
      return { startAt, endAt, complete: endAt <= now };
    }),
  };
}

function tooMany(interval: SeriesInterval, count: number, earliest: number): ApiError {
  const rule = `at most ${MAX_BUCKETS} buckets`;
  return new ApiError(
    "too-many-buckets",
    `from, to: ${count} buckets of one ${interval}; a series has ${rule}. Give from=${earliest} or later${interval === "hour" ? ", or interval=day" : ", or an earlier to"}`,
    { parameter: "from", rule, buckets: count, limit: MAX_BUCKETS, earliestFrom: earliest },
  );
}

/** The buckets as spans, named by their start. */
export const spansOf = ({ buckets }: SeriesGrid): readonly Span[] =>
  buckets.map(({ startAt, endAt }) => ({ name: String(startAt), from: startAt, to: endAt }));

/** The range that the buckets cover. */
export function rangeOf({ buckets }: SeriesGrid): { readonly from: number; readonly to: number } {
  return { from: buckets[0]?.startAt ?? 0, to: buckets.at(-1)?.endAt ?? 0 };
}

/** Place in the grid of the bucket that holds a second of its range. */
export const indexOf = ({ buckets, widthSeconds }: SeriesGrid, at: number): number =>
  Math.floor((at - (buckets[0]?.startAt ?? 0)) / widthSeconds);

/**
 * When something is first known of a chain: at its first indexed event, or now. What was before it is not known to be
 * nothing, since indexing may have begun at a later block than the chain.
 */
export async function readKnownSince(
  transaction: ReadTransaction,
  chain: ChainName,
  { chainId, time }: Moment,
): Promise<number> {
  const [row] = await transaction.rows<{ timestamp: number }>(sql`
    select timestamp from ${sql.identifier(chain)}.block where chain_id = ${chainId} order by timestamp limit 1`);
  return Math.min(time, row?.timestamp ?? time);
}
