/** How much is fuzzed, and how a failure is met again. For tests only. */
import type fc from "fast-check";

/** Requests of each kind, at least. */
export const REST_REQUESTS = 15_000;
export const GRAPHQL_REQUESTS = 10_000;

/** Asked at once: the answers of one process to many. */
export const AT_ONCE = 8;

const TIMES = Number(process.env.FUZZ_TIMES ?? "1");

/** For vitest. */
export const FUZZ_TIMEOUT_MS = 240_000 * Math.max(1, TIMES);

/**
 * The same requests every time, unless `FUZZ_SEED` says otherwise; with the `FUZZ_PATH` that a failure shows, only those
 * that failed. `FUZZ_TIMES` multiplies how many there are.
 */
export function fuzzing(requests: number): fc.Parameters<unknown> {
  const { FUZZ_SEED = "20241", FUZZ_PATH } = process.env;
  return {
    seed: Number(FUZZ_SEED),
    numRuns: Math.ceil((requests * TIMES) / AT_ONCE),
    ...(FUZZ_PATH === undefined ? {} : { path: FUZZ_PATH }),
  };
}
