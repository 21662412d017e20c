/** Detects connections whose client reads so slowly that it would never finish. */
import { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** What a client has to read of what is pending for it. */
export interface ThroughputFloor {
  readonly windowMs: number;
  readonly minBytes: number;
}

/** 4 kB a second over a minute: slower than any real network. */
export const THROUGHPUT_FLOOR: ThroughputFloor = { windowMs: 60_000, minBytes: 240_000 };

interface Progress {
  readonly acceptedBytes: number;
  readonly pendingBytes: number;
}

/**
 * The bytes of a connection that the kernel has accepted, and those that still wait. Node reports a write as done only when all
 * of it is; its progress is known to the socket's handle alone, which has no type.
 */
function progressOf(socket: Duplex): Progress | null {
  if (!(socket instanceof Socket)) return null;
  const handle: unknown = Reflect.get(socket, "_handle");
  if (typeof handle !== "object" || handle === null) return null;
  const [written, pending]: unknown[] = [
    Reflect.get(handle, "bytesWritten"),
    Reflect.get(handle, "writeQueueSize"),
  ];
  return typeof written === "number" && typeof pending === "number"
    ? { acceptedBytes: written - pending, pendingBytes: pending }
    : null;
}

/** The start of a window throughout which bytes were pending. */
interface WindowStart {
  readonly at: number;
  readonly acceptedBytes: number;
}

export class SlowReaderDetector {
  readonly #floor: ThroughputFloor;
  readonly #windows = new WeakMap<Duplex, WindowStart>();

  constructor(floor: ThroughputFloor) {
    this.#floor = floor;
  }

  /**
   * Samples a connection; called at regular intervals.
   * @returns whether it is too slow: bytes were pending throughout a window in which fewer than the minimum were accepted.
   */
  isTooSlow(socket: Duplex, now: number): boolean {
    const progress = progressOf(socket);
    if (progress === null || progress.pendingBytes === 0) {
      this.#windows.delete(socket);
      return false;
    }
    const { acceptedBytes } = progress;
    const window = this.#windows.get(socket);
    if (window !== undefined && now - window.at < this.#floor.windowMs) return false;
    this.#windows.set(socket, { at: now, acceptedBytes });
    return window !== undefined && acceptedBytes - window.acceptedBytes < this.#floor.minBytes;
  }
}
