/**
 * Detects a child process that hangs: its event loop is blocked, a step of its work makes no progress, or its server does not
 * answer. A process that is idle, or that retries because an RPC or Postgres is down, shows none of these signs and is left
 * alone.
 */
import type { ChildProcess } from "node:child_process";

const TICK_MS = 1_000;
const CHECK_EVERY_MS = 2_000;
const CHECK_TIMEOUT_MS = 3_000;

export interface WatchSettings {
  /** The longest time without an "alive" message. */
  readonly maxSilentMs: number;
  /** The same before the first message: starting may take long on a busy machine. */
  readonly maxStartMs?: number;
  /** A request that a working process answers. Failures count only after its first success. */
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

/** A child's messages: see reportAlive.mjs and workers/steps.ts. */
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
 * Watches one process until the returned function is called; reports at most once.
 *
 * Silence is measured in ticks of this process, each counting for two intervals at most, so that the time during which this
 * process or the whole machine was suspended does not count.
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
      report({ reason: `its event loop has been blocked for ${seconds(silentMs)} s`, silentMs });
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
      // unansweredMs keeps growing
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
