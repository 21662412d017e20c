/** `tsx devnet/main.ts`: runs the devnet until it is told to stop. Progress goes to stderr, the result to stdout. */
import { once } from "node:events";
import { parseArgs } from "node:util";
import { readEnvironment } from "../config/environment.ts";
import { startDevnet } from "./devnet.ts";

const USAGE = `tsx devnet/main.ts [--seed N] [--days N] [--data-dir D] [--og-port N] [--base-port N] [--blob-port N]
  [--control-port N] [--end-at UNIX_SECONDS] [--heartbeat-seconds N] [--live-heartbeat-seconds N] [--live-rate N]
  [--no-live]`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      days: { type: "string" },
      "data-dir": { type: "string" },
      "og-port": { type: "string" },
      "base-port": { type: "string" },
      "blob-port": { type: "string" },
      "control-port": { type: "string" },
      "end-at": { type: "string" },
      "heartbeat-seconds": { type: "string" },
      "live-heartbeat-seconds": { type: "string" },
      "live-rate": { type: "string" },
      "no-live": { type: "boolean", default: false },
    },
  });
  const number = (name: Exclude<keyof typeof values, "no-live" | "data-dir">, max: number, whole = true) => {
    const text = values[name];
    if (text === undefined) return undefined;
    const value = Number(text);
    if (text.trim() === "" || !(value >= 0 && value <= max) || (whole && !Number.isInteger(value)))
      throw new UsageError(`--${name} ${text}: give a ${whole ? "whole " : ""}number from 0 to ${max}`);
    return value;
  };

  const startedAt = Date.now();
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopping.abort());
  const devnet = await startDevnet({
    seed: number("seed", 2 ** 31),
    days: number("days", 30, false),
    dataDirectory: values["data-dir"] ?? readEnvironment(process.env).DATA_DIR,
    ogPort: number("og-port", 65_535),
    basePort: number("base-port", 65_535),
    blobPort: number("blob-port", 65_535),
    controlPort: number("control-port", 65_535),
    endAt: number("end-at", 2 ** 40),
    heartbeatIntervalSeconds: number("heartbeat-seconds", 86_400),
    liveHeartbeatSeconds: number("live-heartbeat-seconds", 86_400),
    liveRate: number("live-rate", 1000, false),
    live: !values["no-live"],
    signal: stopping.signal,
    onProgress: (line) => process.stderr.write(`devnet ${line}\n`),
    onFailure: (error) => {
      process.stderr.write(`devnet stopped: ${error.message}\n`);
      process.exitCode = 1;
      stopping.abort();
    },
  }).catch((error: unknown) => {
    if (stopping.signal.aborted) return undefined;
    throw error;
  });
  if (!devnet) return;
  const { stop: _, nodes: __, registry: ___, ...facts } = devnet;
  process.stdout.write(
    `devnet ready ${JSON.stringify({ ...facts, secondsTaken: (Date.now() - startedAt) / 1000 })}\n`,
  );
  if (!stopping.signal.aborted) await once(stopping.signal, "abort");
  await devnet.stop();
}

/** Thrown for arguments that make no sense. */
class UsageError extends Error {}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  if (error instanceof UsageError || (error instanceof TypeError && "code" in error))
    process.stderr.write(`${USAGE}\n`);
  process.exitCode = 1;
});
