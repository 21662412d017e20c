/** A pool of checking threads: parsing, hashing and RSA run off the main thread and on every core. */
import { Worker } from "node:worker_threads";
import { keccak256Hex } from "../../../proofs/keccak.ts";
import type { ShownKey } from "./knownKeys.ts";
import { type AnswerTo, type Task, transferable } from "./tasks.ts";
import type { FromThread, ToThread } from "./thread.ts";

/** A thread whose blob needs more is terminated, and only its task fails. */
const MAX_HEAP_MEGABYTES = 1024;
/** Before an idle thread that died is replaced: whatever killed it may kill the next one too. */
const RESTART_DELAY_MS = 1_000;

/** Thrown when a check ended without a result: its thread died, or the check itself has a bug. */
export class CheckError extends Error {
  readonly code = "check-failed";
  override readonly name = "CheckError";
}

interface Job {
  readonly task: Task;
  readonly resolve: (answer: AnswerTo[Task["kind"]]) => void;
  readonly reject: (error: CheckError) => void;
}

interface Thread {
  readonly worker: Worker;
  job: Job | undefined;
}

const post = (worker: Worker, message: ToThread, transfer: ArrayBuffer[] = []) =>
  worker.postMessage(message, transfer);

export class Checkers {
  readonly #threads = new Set<Thread>();
  readonly #queue: Job[] = [];
  readonly #keys = new Map<string, ShownKey>();
  #closed = false;

  constructor(readonly size: number) {
    for (let i = 0; i < size; i++) this.#start();
  }

  /** Sends keys to every thread, for the tasks that follow. */
  addKeys(keys: readonly ShownKey[]): void {
    const fresh = keys.filter(
      ({ teeId, publicKey }) => !this.#keys.has(teeId) && keccak256Hex(publicKey) === teeId,
    );
    if (fresh.length === 0) return;
    for (const key of fresh) this.#keys.set(key.teeId, key);
    for (const { worker } of this.#threads) post(worker, { keys: fresh });
  }

  get knownKeys(): number {
    return this.#keys.size;
  }

  /**
   * Runs a task on the next free thread. The task's buffers are transferred: the caller can no longer read them.
   * @throws {CheckError} when the task ends without a result.
   */
  perform<T extends Task>(task: T): Promise<AnswerTo[T["kind"]]> {
    return new Promise((resolve, reject) => {
      // a task's answer is of its kind
      this.#queue.push({ task, resolve: resolve as Job["resolve"], reject });
      this.#dispatch();
    });
  }

  /** Terminates the threads; running and queued tasks are rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#queue.splice(0)) reject(new CheckError("stopping"));
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  #start(): void {
    const worker = new Worker(new URL("./thread.ts", import.meta.url), {
      // tests do not run under the loader that the processes use
      execArgv: ["--import", "tsx"],
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MEGABYTES },
    });
    const thread: Thread = { worker, job: undefined };
    this.#threads.add(thread);
    if (this.#keys.size > 0) post(worker, { keys: [...this.#keys.values()] });
    worker.on("message", (message: FromThread) => {
      const job = thread.job;
      thread.job = undefined;
      if ("answer" in message) job?.resolve(message.answer);
      else job?.reject(new CheckError(message.error));
      this.#dispatch();
    });
    let failure = "the thread ended";
    worker.on("error", (error) => {
      failure = `the thread ended: ${error.message}`;
    });
    worker.once("exit", () => {
      this.#threads.delete(thread);
      thread.job?.reject(new CheckError(failure));
      setTimeout(
        () => {
          if (this.#closed) return;
          this.#start();
          this.#dispatch();
        },
        thread.job === undefined ? RESTART_DELAY_MS : 0,
      );
    });
  }

  #dispatch(): void {
    for (const thread of this.#threads) {
      if (thread.job !== undefined) continue;
      const job = this.#queue.shift();
      if (job === undefined) return;
      thread.job = job;
      post(thread.worker, { task: job.task }, transferable(job.task));
    }
  }
}
