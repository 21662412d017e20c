import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { createLog } from "../config/log.ts";
import { type KeptProcess, keepRunning } from "./process.ts";
import { SUPERVISED } from "./programs.ts";

const kept: KeptProcess[] = [];
afterEach(async () => {
  for (const process of kept.splice(0)) {
    process.kill();
    await process.stop();
  }
});

function run(script: string, options: { stopWithinMs?: number; args?: string[] } = {}) {
  const output: string[] = [];
  const lines: string[] = [];
  const log = createLog({ LOG_LEVEL: "info", LOG_FORMAT: "pretty" }, "test", (line) => lines.push(line));
  const started = keepRunning(
    {
      title: "the part",
      program: process.execPath,
      args: () => [...(options.args ?? []), "-e", script],
      env: process.env,
      detached: true,
      onLine: (line) => output.push(line),
      ...(options.stopWithinMs === undefined ? {} : { stopWithinMs: options.stopWithinMs }),
    },
    log,
  );
  kept.push(started);
  return { started, output, lines };
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error("it did not happen within 10 s");
    await sleep(20);
  }
}

test("starts a process again when it ends, and says why it ended", async () => {
  const { output, lines } = run("console.log('begun'); process.exit(7)");
  await until(() => output.length >= 2);
  expect(lines[0]).toContain("the part ended (exit code 7); restarting it in 1 s");
});

test("stops a process for good", async () => {
  const { started, output } = run("console.log('begun'); setInterval(() => {}, 1000)");
  await until(() => output.length === 1);
  await started.stop();
  await sleep(1_200);
  expect(output).toHaveLength(1);
});

test("kills a process that does not stop", async () => {
  const script = "process.on('SIGTERM', () => {}); console.log('begun'); setInterval(() => {}, 1000)";
  const { started, output, lines } = run(script, { stopWithinMs: 200 });
  await until(() => output.length === 1);
  await started.stop();
  expect(lines.at(-1)).toContain("the part did not stop within");
});

test("a child ends when its parent's channel closes", async () => {
  const { output } = run(
    "console.log('begun'); setInterval(() => {}, 1000); setTimeout(() => process.disconnect(), 50)",
    {
      args: SUPERVISED,
    },
  );
  await until(() => output.length >= 2); // it ended, so it was started again
});
