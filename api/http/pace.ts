/** Cuts connections that take what they are sent so slowly that they would never be done with it. */
import { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** Less is no network's pace: over a minute, 4 kB a second. */
export const MIN_BYTES = 240_000;
export const PACE_WINDOW_MS = 60_000;

interface Progress {
  readonly taken: number;
  readonly pending: number;
}

/**
 * What a connection was sent as far as the kernel took it, and what waits to be taken. Node counts a write as done when all of
 * it is: how far one has come, only the handle knows, which has no type.
 */
function progressOf(socket: Duplex): Progress | null {
  if (!(socket instanceof Socket)) return null;
  const handle: unknown = Reflect.get(socket, "_handle");
  if (typeof handle !== "object" || handle === null) return null;
  const [sent, pending]: unknown[] = [
    Reflect.get(handle, "bytesWritten"),
    Reflect.get(handle, "writeQueueSize"),
  ];
  return typeof sent === "number" && typeof pending === "number" ? { taken: sent - pending, pending } : null;
}

/** The moment since which something waited to be taken, and what had been taken by then. */
interface Since {
  readonly at: number;
  readonly taken: number;
}

export interface PaceOptions {
  readonly windowMs: number;
  readonly leastBytes: number;
}

export class Pace {
  readonly #options: PaceOptions;
  readonly #since = new WeakMap<Duplex, Since>();

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /**
   * Looks at a connection, again and again.
   * @returns whether it is too slow: something waited for it all through a window, in which it took less than it has to.
   */
  isTooSlow(socket: Duplex, now: number): boolean {
    const progress = progressOf(socket);
    if (progress === null || progress.pending === 0) {
      this.#since.delete(socket);
      return false;
    }
    const { taken } = progress;
    const since = this.#since.get(socket);
    if (since !== undefined && now - since.at < this.#options.windowMs) return false;
    this.#since.set(socket, { at: now, taken });
    return since !== undefined && taken - since.taken < this.#options.leastBytes;
  }
}
