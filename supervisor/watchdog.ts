/**
 * Finds a child process that still exists but no longer works: its event loop is blocked, a step of its work does not
 * end, or its server does not answer. A process that has nothing to do, or that retries because an RPC or Postgres is
 * down, keeps turning its event loop and ends its steps, so it is left alone.
 */
import type { ChildProcess } from "node:child_process";

const TICK_MS = 1_000;
const CHECK_EVERY_MS = 2_000;
const CHECK_TIMEOUT_MS = 3_000;

export interface WatchSettings {
  /** The longest time without a sign that the event loop turns. */
  readonly maxSilentMs: number;
  /** The same before the first sign: a start may take long on a busy machine. */
  readonly maxStartMs?: number;
  /** A question that the process answers when it works. It counts once it was answered for the first time. */
  readonly check?: {
    /** As in messages: "GET /health". */
    readonly title: string;
    /** Rejects when there is no answer by the time the signal aborts. */
    readonly ask: (signal: AbortSignal) => Promise<unknown>;
    readonly maxSilentMs: number;
  };
}

const MAX_START_MS = 300_000;

/** Why a process is to be replaced. */
export interface Stuck {
  readonly reason: string;
  readonly silentMs: number;
}

/** What a child says about itself: see reportAlive.mjs and workers/steps.ts. */
type Message =
  | { readonly kind: "alive" }
  | { readonly kind: "stalled"; readonly step: string; readonly seconds: number };

const isMessage = (message: unknown): message is Message =>
  typeof message === "object" &&
  message !== null &&
  "kind" in message &&
  (message.kind === "alive" ||
    (message.kind === "stalled" &&
      "step" in message &&
      typeof message.step === "string" &&
      "seconds" in message &&
      typeof message.seconds === "number"));

const seconds = (ms: number) => Math.round(ms / 1_000);

/**
 * Watches one process until the returned function is called, and reports once.
 *
 * Silence is counted in ticks of this process, each of which counts for two intervals at most: while this process or the
 * whole machine is suspended, nobody could have been heard.
 */
export function watch(
  child: ChildProcess,
  { maxSilentMs, maxStartMs = MAX_START_MS, check }: WatchSettings,
  onStuck: (stuck: Stuck) => void,
): () => void {
  const done = new AbortController();
  let started = false;
  let silentMs = 0;
  let answered = false;
  let unansweredMs = 0;

  const report = (stuck: Stuck) => {
    if (done.signal.aborted) return;
    stop();
    onStuck(stuck);
  };
  const hear = (message: unknown) => {
    if (!isMessage(message)) return;
    started = true;
    silentMs = 0;
    if (message.kind === "stalled")
      report({
        reason: `"${message.step}" has made no progress for ${message.seconds} s`,
        silentMs: message.seconds * 1_000,
      });
  };

  let tickedAt = performance.now();
  const ticks = setInterval(() => {
    const now = performance.now();
    const passedMs = Math.min(now - tickedAt, 2 * TICK_MS);
    tickedAt = now;
    silentMs += passedMs;
    if (answered) unansweredMs += passedMs;
    if (check !== undefined && unansweredMs > check.maxSilentMs)
      report({
        reason: `it has not answered ${check.title} for ${seconds(unansweredMs)} s`,
        silentMs: unansweredMs,
      });
    else if (silentMs > (started ? maxSilentMs : maxStartMs))
      report({ reason: `its event loop has not turned for ${seconds(silentMs)} s`, silentMs });
  }, TICK_MS);

  let checking = false;
  const checks = setInterval(async () => {
    if (check === undefined || checking) return;
    checking = true;
    try {
      await check.ask(AbortSignal.any([done.signal, AbortSignal.timeout(CHECK_TIMEOUT_MS)]));
      answered = true;
      unansweredMs = 0;
    } catch {
      // the silence goes on
    } finally {
      checking = false;
    }
  }, CHECK_EVERY_MS);

  const stop = () => {
    done.abort();
    clearInterval(ticks);
    clearInterval(checks);
    child.off("message", hear);
  };
  child.on("message", hear);
  return stop;
}
