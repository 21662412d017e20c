/** Keeps a child process running: restarts it when it exits, and replaces it when it hangs. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Log } from "../config/log.ts";
import { PROJECT } from "./programs.ts";
import { type WatchSettings, watch } from "./watchdog.ts";

const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 30_000;
/** A process that ran this long was healthy: the back-off starts over. */
const HEALTHY_AFTER_MS = 60_000;
/** A stuck process rarely reacts to SIGTERM, so it is killed after this. */
const REPLACED_WITHIN_MS = 5_000;

export interface ProcessSettings {
  /** As in messages: "the API". */
  readonly title: string;
  readonly program: string;
  /** Called before every start, after `beforeStart`. */
  readonly args: () => readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Runs it in its own process group, so that Ctrl-C in a terminal reaches only the supervisor. */
  readonly detached: boolean;
  readonly onLine: (line: string) => void;
  /** Awaited before every start, the first included. @throws when `signal` aborts. */
  readonly beforeStart?: (signal: AbortSignal) => Promise<void>;
  readonly stopWithinMs?: number;
  /** When the process counts as stuck; it must load reportAlive.mjs. Without this it is not watched. */
  readonly watch?: WatchSettings;
}

export interface KeptProcess {
  /** Sends SIGTERM, then SIGKILL after `stopWithinMs`; resolves when the process has ended. */
  readonly stop: () => Promise<void>;
  /** Kills it and its descendants at once. */
  readonly kill: () => void;
  /** Ends a hanging process, which is then restarted; does nothing while none runs. */
  readonly replace: (reason: string) => void;
  readonly pid: () => number | undefined;
}

/** How a process ended, for messages. */
export const endOf = (code: number | null, signal: NodeJS.Signals | null): string =>
  signal === null ? `exit code ${code}` : signal;

export function keepRunning(settings: ProcessSettings, log: Log): KeptProcess {
  const { title, stopWithinMs = 10_000 } = settings;
  const stopping = new AbortController();
  let child: ChildProcess | undefined;
  let ended: Promise<unknown> = Promise.resolve();
  let delayMs = FIRST_DELAY_MS;
  let timer: NodeJS.Timeout | undefined;
  let unwatch = () => {};
  /** How long the running process had hung when its replacement began. */
  let stuckMs: number | undefined;

  const signalAll = (signal: NodeJS.Signals) => {
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      process.kill(settings.detached && signal === "SIGKILL" ? -child.pid : child.pid, signal);
    } catch {} // it has just ended
  };

  const replace = (reason: string, silentMs = 0) => {
    const replaced = child;
    const gone = replaced?.pid === undefined || replaced.exitCode !== null || replaced.signalCode !== null;
    if (gone || stuckMs !== undefined || stopping.signal.aborted) return;
    stuckMs = silentMs;
    unwatch();
    log.warn(`${title} is being replaced: ${reason}`);
    signalAll("SIGTERM");
    const insist = setTimeout(
      () => {
        if (child === replaced) signalAll("SIGKILL");
      },
      Math.min(stopWithinMs, REPLACED_WITHIN_MS),
    );
    replaced.once("close", () => clearTimeout(insist));
  };

  const again = (reason: string, ranMs: number) => {
    if (stopping.signal.aborted) return;
    if (ranMs > HEALTHY_AFTER_MS) delayMs = FIRST_DELAY_MS;
    log.warn(`${title} ended (${reason}); restarting it in ${delayMs / 1000} s`);
    timer = setTimeout(start, delayMs);
    delayMs = Math.min(MAX_DELAY_MS, delayMs * 2);
  };

  const start = async () => {
    try {
      await settings.beforeStart?.(stopping.signal);
    } catch (error) {
      if (!stopping.signal.aborted) again(error instanceof Error ? error.message : String(error), 0);
      return;
    }
    if (stopping.signal.aborted) return;
    const startedAt = Date.now();
    const current = spawn(settings.program, settings.args(), {
      cwd: PROJECT,
      env: settings.env,
      detached: settings.detached,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    child = current;
    stuckMs = undefined;
    if (settings.watch !== undefined)
      unwatch = watch(current, settings.watch, (stuck) => replace(stuck.reason, stuck.silentMs));
    for (const stream of [current.stdout, current.stderr])
      if (stream !== null) createInterface({ input: stream }).on("line", settings.onLine);
    ended = new Promise((resolve) => {
      current.once("error", (error) => {
        unwatch();
        again(error.message, 0);
        resolve(undefined);
      });
      current.once("close", (code, signal) => {
        unwatch();
        // a process that hung from the start was never healthy, however long it took to notice
        const ranMs = Date.now() - startedAt - (stuckMs ?? 0);
        if (current.pid !== undefined) again(endOf(code, signal), ranMs);
        resolve(undefined);
      });
    });
  };

  void start();

  return {
    pid: () => child?.pid,
    replace: (reason) => replace(reason),
    stop: async () => {
      stopping.abort(new Error(`${title} is being stopped`));
      unwatch();
      clearTimeout(timer);
      signalAll("SIGTERM");
      const insist = setTimeout(() => {
        log.warn(`${title} did not stop within ${stopWithinMs / 1000} s; killing it`);
        signalAll("SIGKILL");
      }, stopWithinMs);
      await ended;
      clearTimeout(insist);
    },
    kill: () => {
      stopping.abort(new Error(`${title} is being killed`));
      unwatch();
      clearTimeout(timer);
      signalAll("SIGKILL");
    },
  };
}
