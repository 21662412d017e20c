/** The entry point of a checking thread: runs tasks one at a time, and learns keys in between. */
import { parentPort } from "node:worker_threads";
import { KnownKeys, type ShownKey } from "./knownKeys.ts";
import { type AnswerTo, perform, type Task, transferable } from "./tasks.ts";

/** To a thread. */
export type ToThread = { readonly keys: readonly ShownKey[] } | { readonly task: Task };
/** From a thread: the answer to its task, or why there is none. */
export type FromThread = { readonly answer: AnswerTo[Task["kind"]] } | { readonly error: string };

const port = parentPort;
if (port === null) throw new Error("thread.ts runs only as a worker thread; checkers.ts starts it");
const keys = new KnownKeys();

port.on("message", (message: ToThread) => {
  if ("keys" in message) {
    keys.add(message.keys);
    return;
  }
  try {
    const answer = perform(message.task, keys);
    port.postMessage({ answer } satisfies FromThread, transferable(answer));
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    port.postMessage({ error: text } satisfies FromThread);
  }
});
