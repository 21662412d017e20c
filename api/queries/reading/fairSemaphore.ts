/** A semaphore that divides its permits among clients, however many jobs each of them brings. */
import { Abandoned } from "../../errors.ts";

interface FairSemaphoreOptions {
  readonly permits: number;
  /** One client holds at most so many of them; the others stay free for whoever comes. */
  readonly permitsPerClient?: number;
}

/** How long a job waits for its permit; for as long as it takes by default. */
export interface Waiting {
  readonly waitAtMostMs: number;
  /** What refuses a job that waits longer. */
  readonly refusal: () => Error;
}

interface TakeOptions extends Partial<Waiting> {
  /** Whose job it is; a job without a client is one of a client of its own. */
  readonly client?: string | undefined;
  /** Aborted when the job is not wanted any more. */
  readonly signal?: AbortSignal | undefined;
}

type Client = string | symbol;

/**
 * A free permit goes to the waiting client that holds the fewest, and among those to the one that was served longest ago.
 * So a client with sixty waiting jobs gets no more permits than one with a single job. A client's own jobs are done in order.
 */
export class FairSemaphore {
  readonly #permitsPerClient: number;
  #free: number;
  /** Permits in use, by client. */
  readonly #held = new Map<Client, number>();
  /** Jobs that wait, by client; who was served last is last. */
  readonly #queues = new Map<Client, Set<() => void>>();

  constructor({ permits, permitsPerClient = permits }: FairSemaphoreOptions) {
    this.#free = permits;
    this.#permitsPerClient = permitsPerClient;
  }

  /** How many jobs wait for a permit. */
  get waiting(): number {
    let waiting = 0;
    for (const queue of this.#queues.values()) waiting += queue.size;
    return waiting;
  }

  /**
   * Waits for a permit and does the work with it.
   * @throws {Abandoned} when `signal` is aborted while it waits, or `refusal` when it waits too long.
   */
  async take<T>(work: () => Promise<T>, options: TakeOptions = {}): Promise<T> {
    const owner = options.client ?? Symbol("a client of its own");
    await this.#acquire(owner, options);
    try {
      return await work();
    } finally {
      this.#release(owner);
    }
  }

  #acquire(client: Client, { signal, waitAtMostMs, refusal }: TakeOptions): Promise<void> {
    if (signal?.aborted) return Promise.reject(new Abandoned());
    if (this.#free > 0 && this.#mayHold(client)) {
      this.#grant(client);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const stopWaiting = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        this.#leaveQueue(client, begin);
      };
      const begin = () => {
        stopWaiting();
        resolve();
      };
      const onAbort = () => {
        stopWaiting();
        reject(new Abandoned());
      };
      const timer =
        waitAtMostMs === undefined
          ? undefined
          : setTimeout(() => {
              stopWaiting();
              reject(refusal?.() ?? new Error(`no permit within ${waitAtMostMs} ms`));
            }, waitAtMostMs);
      signal?.addEventListener("abort", onAbort, { once: true });
      const queue = this.#queues.get(client);
      if (queue === undefined) this.#queues.set(client, new Set([begin]));
      else queue.add(begin);
    });
  }

  #mayHold(client: Client): boolean {
    return (this.#held.get(client) ?? 0) < this.#permitsPerClient;
  }

  #grant(client: Client): void {
    this.#free -= 1;
    this.#held.set(client, (this.#held.get(client) ?? 0) + 1);
  }

  #release(client: Client): void {
    this.#free += 1;
    const held = (this.#held.get(client) ?? 1) - 1;
    if (held === 0) this.#held.delete(client);
    else this.#held.set(client, held);
    const next = this.#nextClient();
    if (next === null) return;
    const queue = this.#queues.get(next);
    const [begin] = queue ?? [];
    if (queue === undefined || begin === undefined) return;
    this.#grant(next);
    // To the end of the round.
    this.#queues.delete(next);
    this.#queues.set(next, queue);
    begin();
  }

  #nextClient(): Client | null {
    let next: Client | null = null;
    let fewest = this.#permitsPerClient;
    for (const client of this.#queues.keys()) {
      const held = this.#held.get(client) ?? 0;
      if (held < fewest) [next, fewest] = [client, held];
    }
    return next;
  }

  #leaveQueue(client: Client, begin: () => void): void {
    const queue = this.#queues.get(client);
    queue?.delete(begin);
    if (queue?.size === 0) this.#queues.delete(client);
  }
}
