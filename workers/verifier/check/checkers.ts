/** The checking threads: parsing, hashing and RSA, off the main thread and on every core. */
import { Worker } from "node:worker_threads";
import { keccak256Hex } from "../../../proofs/keccak.ts";
import type { ShownKey } from "./knownKeys.ts";
import { type AnswerTo, type Task, transferable } from "./tasks.ts";
import type { FromThread, ToThread } from "./thread.ts";

/** A thread that a blob drives beyond it is ended, and only its task with it. */
const MAX_HEAP_MEGABYTES = 1024;
/** Before a thread that died without a task is replaced: what kills it would kill the next one too. */
const PAUSE_MS = 1_000;

/** Thrown when a check ended without a result: the thread died, or what was checked found a mistake of ours. */
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
  readonly #waiting: Job[] = [];
  readonly #keys = new Map<string, ShownKey>();
  #closed = false;

  constructor(readonly size: number) {
    for (let i = 0; i < size; i++) this.#start();
  }

  /** Makes keys known to every thread, for the tasks that follow. */
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
   * Does a task on the next free thread. Its buffers are gone from here afterwards.
   * @throws {CheckError}
   */
  perform<T extends Task>(task: T): Promise<AnswerTo[T["kind"]]> {
    return new Promise((resolve, reject) => {
      // a task's answer is of its kind
      this.#waiting.push({ task, resolve: resolve as Job["resolve"], reject });
      this.#hand();
    });
  }

  /** Ends the threads; what is under way is rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(new CheckError("stopping"));
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  #start(): void {
    const worker = new Worker(new URL("./thread.ts", import.meta.url), {
      // tests run without the loader that the processes run with
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
      this.#hand();
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
          this.#hand();
        },
        thread.job === undefined ? PAUSE_MS : 0,
      );
    });
  }

  #hand(): void {
    for (const thread of this.#threads) {
      if (thread.job !== undefined) continue;
      const job = this.#waiting.shift();
      if (job === undefined) return;
      thread.job = job;
      post(thread.worker, { task: job.task }, transferable(job.task));
    }
  }
}
