const LARGEST = BigInt(Number.MAX_SAFE_INTEGER);

/** Clamps a uint256 into 0 … 2^53-1, where JavaScript and int8 columns are exact. */
export function clampToSafe(value: bigint): number {
  if (value < 0n) return 0;
  return Number(value > LARGEST ? LARGEST : value);
}
