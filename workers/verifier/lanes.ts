/** A lane claims jobs of its kind for as long as it has room, and never waits for another lane. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../../config/log.ts";
import { Bell } from "./bell.ts";
import type { Claims, JobKind, JobOf, Lane } from "./jobs/claims.ts";

const LOOK_EVERY_MS = 1_000;

export interface LaneSettings<Kind extends JobKind> extends Lane<Kind> {
  /** Pieces of work at once. */
  readonly slots: number;
  /** Jobs in one piece of work. */
  readonly jobsPerSlot: number;
  /** Milliseconds for which there is no sense in claiming; zero when there is. */
  readonly pauseMs?: () => number;
  /** Resolves when the jobs are recorded. */
  readonly work: (jobs: readonly JobOf[Kind][]) => Promise<void>;
}

export class LaneRunner<Kind extends JobKind> {
  #active = 0;
  readonly #bell = new Bell();

  constructor(
    private readonly claims: Claims,
    private readonly lane: LaneSettings<Kind>,
    private readonly log: Log,
  ) {}

  get isBusy(): boolean {
    return this.#active > 0;
  }

  /** Makes it look for jobs at once. */
  wake(): void {
    this.#bell.ring();
  }

  /** Resolves after `signal` aborts, when nothing is under way any more. */
  async run(signal: AbortSignal): Promise<void> {
    const { slots, jobsPerSlot, pauseMs = () => 0 } = this.lane;
    while (!signal.aborted) {
      for (let ms = pauseMs(); ms > 0 && !signal.aborted; ms = pauseMs()) await this.#bell.wait(ms, signal);
      const free = slots - this.#active;
      // few claims of many jobs are cheaper than many of few
      const claimed = free < Math.min(4, slots) ? [] : await this.#claim(free * jobsPerSlot);
      for (let from = 0; from < claimed.length; from += jobsPerSlot)
        void this.#work(claimed.slice(from, from + jobsPerSlot));
      if (claimed.length === 0) await this.#bell.wait(LOOK_EVERY_MS, signal);
    }
    while (this.#active > 0) await sleep(20);
  }

  async #claim(limit: number): Promise<readonly JobOf[Kind][]> {
    try {
      return await this.claims.claim(this.lane, limit);
    } catch (error) {
      this.log.warn(
        `cannot claim ${this.lane.kind} jobs: ${error instanceof Error ? error.message : error}; trying again`,
      );
      return [];
    }
  }

  async #work(jobs: readonly JobOf[Kind][]): Promise<void> {
    this.#active++;
    try {
      await this.lane.work(jobs);
    } finally {
      this.#active--;
      this.claims.letGo(
        this.lane.kind,
        jobs.map(({ key }) => key),
      );
      this.#bell.ring();
    }
  }
}
