/** The lifetime of the process, with the controls to end it. */
import type { Lifetime } from "../queries/state/service.ts";

export class StoppableLifetime implements Lifetime {
  readonly #stopping = new AbortController();
  readonly #timeUp = new AbortController();
  readonly stopping = this.#stopping.signal;
  readonly timeUp = this.#timeUp.signal;

  /** Begins the shutdown: requests in flight may still finish. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Ends the grace period: requests in flight have to give up. */
  end(): void {
    this.#timeUp.abort();
  }
}
