/** A lane claims and runs jobs of its kind while it has free slots, independently of other lanes. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../../config/log.ts";
import type { Claims, JobKind, JobOf, Lane } from "./jobs/claims.ts";
import { WakeSignal } from "./wakeSignal.ts";

const POLL_EVERY_MS = 1_000;

export interface LaneSettings<Kind extends JobKind> extends Lane<Kind> {
  /** How many units of work run concurrently. */
  readonly slots: number;
  /** Jobs in one unit of work. */
  readonly jobsPerSlot: number;
  /** Milliseconds until claiming makes sense again; zero when it does now. */
  readonly pauseMs?: () => number;
  /** Resolves when the jobs are recorded. */
  readonly work: (jobs: readonly JobOf[Kind][]) => Promise<void>;
}

export class LaneRunner<Kind extends JobKind> {
  #active = 0;
  readonly #signal = new WakeSignal();

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
    this.#signal.wake();
  }

  /** Runs until `signal` aborts and the work in progress has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const { slots, jobsPerSlot, pauseMs = () => 0 } = this.lane;
    while (!signal.aborted) {
      for (let ms = pauseMs(); ms > 0 && !signal.aborted; ms = pauseMs()) await this.#signal.wait(ms, signal);
      const free = slots - this.#active;
      // a few claims of many jobs are cheaper than many claims of a few
      const claimed = free < Math.min(4, slots) ? [] : await this.#claim(free * jobsPerSlot);
      for (let from = 0; from < claimed.length; from += jobsPerSlot)
        void this.#work(claimed.slice(from, from + jobsPerSlot));
      if (claimed.length === 0) await this.#signal.wait(POLL_EVERY_MS, signal);
    }
    while (this.#active > 0) await sleep(20);
  }

  async #claim(limit: number): Promise<readonly JobOf[Kind][]> {
    try {
      return await this.claims.claim(this.lane, limit);
    } catch (error) {
      this.log.warn(
        `cannot claim ${this.lane.kind} jobs: ${error instanceof Error ? error.message : error}; retrying`,
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
      this.claims.drop(
        this.lane.kind,
        jobs.map(({ key }) => key),
      );
      this.#signal.wake();
    }
  }
}
