/** Runs the API as users do: in its own process, on an existing database. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../db/freePort.ts";
import { COMMON_PAYEE, EARLIER_REGISTRY, OPG, REGISTRY, USDC } from "./history/cast.ts";

const root = path.resolve(import.meta.dirname, "../..");
const READY_WITHIN_MS = 60_000;

export class ApiProcess {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
  ) {}

  /** @param nodeFlags - of the process, before the program. */
  static async start(databaseUrl: string, nodeFlags: readonly string[] = []): Promise<ApiProcess> {
    const port = await freePort();
    const child = spawn(
      path.join(root, "node_modules/node/bin/node"),
      [...nodeFlags, "--import", "tsx", path.join(root, "api/server.ts")],
      {
        cwd: root,
        env: {
          PATH: process.env.PATH,
          DATABASE_URL: databaseUrl,
          API_PORT: String(port),
          METRICS_PORT: "0",
          RATE_LIMIT_PER_MINUTE: "0",
          // the history ends in the past
          MAX_LAG_SECONDS: String(365 * 86_400),
          TEE_REGISTRY_ADDRESSES: `${REGISTRY},${EARLIER_REGISTRY}`,
          EXTRA_PAYEE_ADDRESSES: COMMON_PAYEE,
          OPG_ADDRESS: OPG,
          USDC_ADDRESS: USDC,
          LOG_LEVEL: "error",
        },
        stdio: ["ignore", "inherit", "inherit"],
      },
    );
    const api = new ApiProcess(`http://127.0.0.1:${port}`, child);
    try {
      await api.#ready();
    } catch (error) {
      await api.stop();
      throw error;
    }
    return api;
  }

  /** Waits for a selection: it needs the snapshot, which is ready last. */
  async #ready(): Promise<void> {
    const deadline = Date.now() + READY_WITHIN_MS;
    while (Date.now() < deadline) {
      if (this.child.exitCode !== null)
        throw new Error(`the API ended with ${this.child.exitCode}; see its log above`);
      const answer = await fetch(`${this.url}/v1/select?seed=1`).catch(() => null);
      await answer?.body?.cancel();
      if (answer?.status === 200) return;
      await sleep(100);
    }
    throw new Error(`the API did not answer within ${READY_WITHIN_MS / 1_000} s`);
  }

  /** Resident memory: current and peak. */
  memory(): { readonly nowMegabytes: number; readonly peakMegabytes: number } {
    const status = readFileSync(`/proc/${this.child.pid}/status`, "utf8");
    const megabytes = (name: string) =>
      Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / 1_024;
    return { nowMegabytes: megabytes("VmRSS"), peakMegabytes: megabytes("VmHWM") };
  }

  /** Resets the peak to the current value. */
  forgetPeak(): void {
    writeFileSync(`/proc/${this.child.pid}/clear_refs`, "5");
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const ended = new Promise<void>((resolve) => this.child.once("exit", () => resolve()));
    this.child.kill("SIGTERM");
    await ended;
  }
}
