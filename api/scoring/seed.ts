/** Reproducible uniform numbers from a seed. */
import { hash } from "node:crypto";

const NUMBERS_PER_HASH = 4;
const HEX_PER_NUMBER = 16;
/** 13 hex digits are the 52 bits that a double holds of a number below 1 without rounding. */
const HEX_USED = 13;
const RANGE = 2 ** (4 * HEX_USED);

/**
 * `count` numbers in [0, 1). The hex SHA-256 of `<seed>:<n>`, n = 0, 1, …, gives four: of each of its four runs of 16
 * digits, the first 13 as an integer, divided by 2^52.
 */
export function seededUniforms(seed: string, count: number): readonly number[] {
  const numbers: number[] = [];
  for (let block = 0; numbers.length < count; block++) {
    const digits = hash("sha256", `${seed}:${block}`, "hex");
    for (let index = 0; index < NUMBERS_PER_HASH && numbers.length < count; index++) {
      const from = index * HEX_PER_NUMBER;
      numbers.push(Number.parseInt(digits.slice(from, from + HEX_USED), 16) / RANGE);
    }
  }
  return numbers;
}
