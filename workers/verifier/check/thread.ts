/** A checking thread: takes tasks one after the other, and keys in between. */
import { parentPort } from "node:worker_threads";
import { KnownKeys, type ShownKey } from "./knownKeys.ts";
import { type AnswerTo, perform, type Task, transferable } from "./tasks.ts";

/** To a thread. */
export type ToThread = { readonly keys: readonly ShownKey[] } | { readonly task: Task };
/** From a thread: the answer to the task it had, or why there is none. */
export type FromThread = { readonly answer: AnswerTo[Task["kind"]] } | { readonly error: string };

const port = parentPort;
if (port === null) throw new Error("thread.ts is started as a worker thread, by checkers.ts");
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
