/** Reproducible randomness: the same seed and label give the same stream, independently of other streams. */
import { createHash } from "node:crypto";
import type { Hex } from "viem";

export class SeededRandom {
  #block = Buffer.alloc(0);
  #used = 0;
  #counter = 0;

  constructor(readonly seed: string) {}

  /** Derives an independent stream, so that one actor's draws never shift another's. */
  fork(label: string): SeededRandom {
    return new SeededRandom(`${this.seed}/${label}`);
  }

  bytes(length: number): Buffer {
    const parts: Buffer[] = [];
    for (let missing = length; missing > 0; ) {
      if (this.#used === this.#block.length) {
        this.#block = createHash("sha256")
          .update(`${this.seed}#${this.#counter++}`)
          .digest();
        this.#used = 0;
      }
      const part = this.#block.subarray(this.#used, this.#used + missing);
      this.#used += part.length;
      missing -= part.length;
      parts.push(part);
    }
    return Buffer.concat(parts);
  }

  hex(length: number): Hex {
    return `0x${this.bytes(length).toString("hex")}`;
  }

  /** Uniform in [0, 1), 48 bits. */
  unit(): number {
    return this.bytes(6).readUIntBE(0, 6) / 2 ** 48;
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  /** A whole number, both ends included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.unit() * (max - min + 1));
  }

  /** Exponentially distributed: the wait for the next event of a Poisson process. */
  wait(mean: number): number {
    return -Math.log(1 - this.unit()) * mean;
  }

  /** @throws {RangeError} when there is nothing to pick from. */
  pick<T>(from: readonly T[]): T {
    const index = this.integer(0, from.length - 1);
    if (index >= from.length || index < 0) throw new RangeError("nothing to pick from: the list is empty");
    // In range by the check above; T itself may include undefined.
    return from[index] as T;
  }
}
