/** The access log: failures by default, slow requests too, and everything at debug. */
import type { Log } from "../../config/log.ts";
import type { ObservedRequest, RequestObserver } from "../http/observeRequests.ts";

/** Monitoring polls these every few seconds, and learns of a failure from the answer. */
const PROBES = new Set(["/health", "/ready"]);
/** No request within the limits takes so long on an idle machine. */
const SLOW_MS = 1_000;
/** Three times what `Retry-After` asks clients to wait while the index is incomplete. */
const QUIET_MS = 15_000;

const INDEXING_NOTE = "further refusals for this reason are logged at debug until they stop";

export function accessLog(log: Log, quietMs = QUIET_MS): RequestObserver {
  const indexing = new IndexingRefusals(log, quietMs);
  return {
    started: () => {},
    ended: (request) => {
      const { outcome, code, ...told } = request;
      const level = code === "indexing" ? indexing.levelOf(request) : levelOf(request);
      log[level]("request", {
        ...told,
        ...(code !== null && { code }),
        ...(outcome === "cut" && { outcome }),
        ...(code === "indexing" && level === "warn" && { note: INDEXING_NOTE }),
      });
    },
  };
}

type Level = "debug" | "info" | "warn";

function levelOf({ route, status, code, begunAfterMs }: ObservedRequest): Level {
  if (route !== null && PROBES.has(route)) return "debug";
  // `maxLag` is the caller's bound: an answer that is too old for it is no failure.
  if (status >= 500 && code !== "stale") return "warn";
  return begunAfterMs >= SLOW_MS ? "info" : "debug";
}

/**
 * While the index is incomplete, every request of every client is refused for the same reason. The first refusal is logged as a
 * warning and the others at debug, until none has occurred for `quietMs`.
 */
class IndexingRefusals {
  readonly #log: Log;
  readonly #quietMs: number;
  #refused = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(log: Log, quietMs: number) {
    this.#log = log;
    this.#quietMs = quietMs;
  }

  levelOf(request: ObservedRequest): Level {
    const level = levelOf(request);
    if (level !== "warn") return level;
    this.#refused += 1;
    if (this.#timer !== undefined) {
      this.#timer.refresh();
      return "debug";
    }
    this.#timer = setTimeout(() => this.#end(), this.#quietMs).unref();
    return "warn";
  }

  #end(): void {
    this.#log.info("requests are no longer refused because the index is incomplete", {
      refused: this.#refused,
    });
    this.#refused = 0;
    this.#timer = undefined;
  }
}
