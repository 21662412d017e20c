/**
 * Reports a stuck step to the supervisor, such as a request that never gets an answer; the supervisor then replaces the
 * worker. Between steps a worker may be idle for as long as it likes.
 */

const TICK_MS = 1_000;

/** The message to the supervisor: see supervisor/watchdog.ts. */
interface Stall {
  readonly kind: "stalled";
  readonly step: string;
  readonly seconds: number;
}

interface Step {
  active: number;
  quietMs: number;
  readonly maxQuietMs: number;
}

const send = (stall: Stall) => {
  // there is no supervisor when the worker was started on its own
  if (process.send !== undefined && process.connected) process.send(stall, undefined, undefined, () => {});
};

export class Steps {
  readonly #steps = new Map<string, Step>();
  #tickedAt = performance.now();
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly report: (stall: Stall) => void = send) {
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  /**
   * Runs one step. Steps of the same name may overlap; when one ends or calls `advanced`, all of them have made progress.
   * @param maxQuietSeconds - a step without progress for longer than this is stuck.
   */
  async run<T>(
    name: string,
    maxQuietSeconds: number,
    work: (advanced: () => void) => Promise<T>,
  ): Promise<T> {
    const step = this.#steps.get(name) ?? { active: 0, quietMs: 0, maxQuietMs: maxQuietSeconds * 1_000 };
    this.#steps.set(name, step);
    const advanced = () => {
      step.quietMs = 0;
    };
    if (step.active++ === 0) advanced();
    try {
      return await work(advanced);
    } finally {
      step.active--;
      advanced();
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A tick counts for two intervals at most, so that the time a machine was suspended does not. */
  #tick(): void {
    const now = performance.now();
    const passedMs = Math.min(now - this.#tickedAt, 2 * TICK_MS);
    this.#tickedAt = now;
    for (const [name, step] of this.#steps) {
      if (step.active === 0) continue;
      step.quietMs += passedMs;
      if (step.quietMs > step.maxQuietMs)
        this.report({ kind: "stalled", step: name, seconds: Math.round(step.quietMs / 1_000) });
    }
  }
}
