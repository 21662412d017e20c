/** Real processes that stop working in every way we know of, and some that only look like it. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { afterEach, expect, test } from "vitest";
import { createLog } from "../config/log.ts";
import { askHealth } from "./healthCheck.ts";
import { type KeptProcess, keepRunning } from "./process.ts";
import { PROJECT, SUPERVISED } from "./programs.ts";
import type { WatchSettings } from "./watchdog.ts";

const kept: KeptProcess[] = [];
const servers: http.Server[] = [];
afterEach(async () => {
  for (const process of kept.splice(0)) {
    process.kill();
    await process.stop();
  }
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

function run(script: string, watch: WatchSettings) {
  const output: string[] = [];
  const lines: string[] = [];
  const started = keepRunning(
    {
      title: "the part",
      program: process.execPath,
      args: () => [...SUPERVISED, "--import", "tsx", "--input-type=module", "-e", script],
      env: process.env,
      detached: true,
      stopWithinMs: 500,
      watch,
      onLine: (line) => output.push(line),
    },
    createLog({ LOG_LEVEL: "info", LOG_FORMAT: "pretty" }, "test", (line) => lines.push(line)),
  );
  kept.push(started);
  return { started, output, lines, said: () => lines.join("\n") };
}

async function until(condition: () => boolean, what: () => string): Promise<void> {
  const deadline = Date.now() + 25_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`it did not happen within 25 s:\n${what()}`);
    await sleep(20);
  }
}

const IDLE = "setInterval(() => {}, 1000)";
const begunTwice = ({ output, said }: ReturnType<typeof run>) =>
  until(() => output.filter((line) => line === "begun").length >= 2, said);

test("replaces a process whose event loop is blocked for ever, though it ignores SIGTERM", async () => {
  const part = run(
    `process.on("SIGTERM", () => {}); console.log("begun"); setTimeout(() => { while (true); }, 1500); ${IDLE}`,
    { maxSilentMs: 3_000 },
  );
  await begunTwice(part);
  expect(part.said()).toMatch(/the part is being replaced: its event loop has been blocked for \d+ s/);
  expect(part.said()).toContain("the part ended (SIGKILL); restarting it in 1 s");
});

test("replaces a process that was stopped by a signal", async () => {
  const part = run(`console.log("begun"); ${IDLE}`, { maxSilentMs: 3_000, maxStartMs: 20_000 });
  await until(() => part.output.length === 1, part.said);
  await sleep(1_200); // it was heard by then
  process.kill(part.started.pid() ?? 0, "SIGSTOP");
  await begunTwice(part);
  expect(part.said()).toContain("the part ended (SIGKILL)");
});

test("replaces a worker with a step that never ends, and names the step", async () => {
  const steps = pathToFileURL(`${PROJECT}/workers/steps.ts`).href;
  const part = run(
    `const { Steps } = await import(${JSON.stringify(steps)});
     console.log("begun");
     ${IDLE};
     void new Steps().run("read records", 1, () => new Promise(() => {}));`,
    { maxSilentMs: 60_000 },
  );
  await begunTwice(part);
  expect(part.said()).toMatch(/the part is being replaced: "read records" has made no progress for \d+ s/);
});

test("replaces a server that has stopped answering, though its event loop turns", async () => {
  let answering = true;
  const server = http.createServer((_request, response) => {
    if (answering) response.writeHead(503).end();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // listening on a host
  let asked = 0;
  const part = run(`console.log("begun"); ${IDLE}`, {
    maxSilentMs: 60_000,
    check: {
      title: "GET /health",
      ask: async (signal) => {
        await askHealth("0.0.0.0", port, signal);
        asked++;
      },
      maxSilentMs: 2_000,
    },
  });
  await until(() => asked > 1, part.said);
  expect(part.said()).toBe("");
  answering = false;
  await begunTwice(part);
  expect(part.said()).toMatch(/the part is being replaced: it has not answered GET \/health for \d+ s/);
});

test("leaves alone who is idle, who starts slowly, who retries, and who does not listen yet", async () => {
  const watch: WatchSettings = {
    maxSilentMs: 5_000,
    maxStartMs: 20_000,
    check: {
      title: "GET /health",
      ask: () => Promise.reject(new Error("nobody listens")),
      maxSilentMs: 1_000,
    },
  };
  const steps = pathToFileURL(`${PROJECT}/workers/steps.ts`).href;
  const parts = [
    run(`console.log("begun"); ${IDLE}`, watch),
    run(`for (const end = Date.now() + 6_000; Date.now() < end;); console.log("begun"); ${IDLE}`, watch),
    run(
      `const { Steps } = await import(${JSON.stringify(steps)});
       const steps = new Steps();
       console.log("begun");
       for (;;) {
         await steps.run("fetch", 2, () => Promise.reject(new Error("ECONNREFUSED"))).catch(() => {});
         await new Promise((resolve) => setTimeout(resolve, 100));
       }`,
      watch,
    ),
  ];
  for (const part of parts) await until(() => part.output.length === 1, part.said);
  await sleep(6_000);
  for (const part of parts) {
    expect(part.output).toEqual(["begun"]);
    expect(part.said()).toBe("");
  }
});

test("a replaced process is started again after longer and longer pauses while it never works", async () => {
  const part = run(`process.on("SIGTERM", () => {}); console.log("begun"); while (true);`, {
    maxSilentMs: 1_000,
    maxStartMs: 1_500,
  });
  await until(() => part.said().includes("restarting it in 4 s"), part.said);
  expect(part.said()).toMatch(/in 1 s[\s\S]+in 2 s[\s\S]+in 4 s/);
});

test("others may have a process replaced, once", async () => {
  const part = run(`console.log("begun"); ${IDLE}`, { maxSilentMs: 60_000 });
  await until(() => part.output.length === 1, part.said);
  part.started.replace("the head moves and the checkpoint does not");
  part.started.replace("again");
  await begunTwice(part);
  expect(part.lines.filter((line) => line.includes("is being replaced"))).toEqual([
    expect.stringContaining("the part is being replaced: the head moves and the checkpoint does not"),
  ]);
});
