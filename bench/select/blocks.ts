/** Writes blocks in real time, and measures how long each takes to change an answer. */
import { setTimeout as sleep } from "node:timers/promises";
import { ChainTables } from "../../api/testing/worlds/chainTables.ts";
import { blockAt, type HistorySize, writeBlock } from "./history.ts";

/** How often the answer is polled. */
const LOOK_MS = 2;
const GIVE_UP_MS = 30_000;

export class LiveChain {
  readonly #tables: ChainTables;
  readonly #size: HistorySize;
  #block: number;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  private constructor(tables: ChainTables, size: HistorySize) {
    this.#tables = tables;
    this.#size = size;
    this.#block = blockAt(size, size.endsAt);
  }

  static async open(url: string, size: HistorySize): Promise<LiveChain> {
    return new LiveChain(await ChainTables.open(url), size);
  }

  /** Writes what has passed since. */
  async catchUp(): Promise<void> {
    while (this.#block < blockAt(this.#size, Date.now() / 1_000)) await this.#next();
  }

  async #next(): Promise<{ readonly block: number; readonly committedAt: number }> {
    this.#block += 1;
    return { block: this.#block, committedAt: await writeBlock(this.#tables, this.#size, this.#block) };
  }

  /** One block every four seconds, until it is stopped. */
  live(): void {
    this.#stopped = false;
    const run = async () => {
      while (!this.#stopped) {
        const due = blockAt(this.#size, Date.now() / 1_000);
        if (this.#block < due) await this.#next();
        else await sleep(50);
      }
    };
    this.#running = run();
  }

  async pause(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /**
   * Milliseconds from a block's commit to the first answer that is from it, for so many blocks.
   * @param everyMs - from one block to the next.
   */
  async measureArrivals(apiUrl: string, blocks: number, everyMs: number): Promise<readonly number[]> {
    const arrivals: number[] = [];
    for (let index = 0; index < blocks; index++) {
      const startedAt = performance.now();
      const { block, committedAt } = await this.#next();
      for (;;) {
        const answer = await fetch(`${apiUrl}/v1/select?seed=arrival&count=1`);
        await answer.arrayBuffer();
        if (Number(answer.headers.get("OG-Block")) >= block) break;
        if (performance.now() - committedAt > GIVE_UP_MS)
          throw new Error(`block ${block} changed no answer within ${GIVE_UP_MS} ms`);
        await sleep(LOOK_MS);
      }
      arrivals.push(performance.now() - committedAt);
      await sleep(Math.max(0, everyMs - (performance.now() - startedAt)));
    }
    return arrivals;
  }

  async close(): Promise<void> {
    await this.pause();
    await this.#tables.close();
  }
}
