/** Sizes of the histories, as variables of the environment shorten them. */
import type { HistorySize } from "./history/size.ts";

/** How many times larger the larger history is. */
const GROWTH = 10;

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * The smaller history's size and the larger one's: `BENCH_ROWS` over `BENCH_DAYS`.
 * @throws {RangeError} for what the smaller one would hold a fraction of.
 */
export function historySizes(variables: Variables): readonly [HistorySize, HistorySize] {
  const rows = shareable("BENCH_ROWS", variables.BENCH_ROWS ?? "10000000");
  const days = shareable("BENCH_DAYS", variables.BENCH_DAYS ?? "300");
  return [
    { rows: rows / GROWTH, days: days / GROWTH },
    { rows, days },
  ];
}

function shareable(name: string, text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && value > 0 && value % GROWTH === 0) return value;
  throw new RangeError(
    `${name}: "${text}" is not a whole multiple of ${GROWTH} above 0; the smaller history holds a ${GROWTH}th of it`,
  );
}
