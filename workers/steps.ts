/**
 * Tells the supervisor about a worker's step that does not end, such as a request that is never answered. The
 * supervisor then replaces the worker. Between steps a worker is idle, for as long as it likes.
 */

const TICK_MS = 1_000;

/** What the supervisor is sent: see supervisor/watchdog.ts. */
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
  // nobody listens when the worker was started by itself
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
   * Runs one step. Steps of one name may overlap; each end, and each call of `advanced`, counts as progress of all.
   * @param maxQuietSeconds - without progress for longer, the step is stuck.
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

  /** A tick counts for two intervals at most: a machine that was suspended did not keep a step waiting. */
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
