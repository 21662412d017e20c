/** Starts anvil from npm and talks to it. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, createServer, request } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { z } from "zod";
import { closeServer, listen } from "./listen.ts";

/** Thrown when the node answers a call with an error; `cause` holds the answer. */
export class RpcError extends Error {
  readonly code = "rpc";
}

/** Thrown when anvil does not come up or dies. */
export class AnvilError extends Error {
  readonly code = "anvil";
}

export interface AnvilOptions {
  readonly port: number;
  readonly chainId: number;
  /** Number and unix time of the first block. */
  readonly firstBlock: number;
  readonly firstTimestamp: number;
  /** Emptied at the start; holds the states of old blocks that do not fit into memory, and the process id. */
  readonly stateDirectory: string;
}

const answerSchema = z.object({
  result: z.unknown().optional(),
  error: z.object({ message: z.string(), data: z.unknown().optional() }).optional(),
});

const START_TIMEOUT_MS = 20_000;
/**
 * The number of old states on disk, about 0.3 MB each. Beyond that the oldest are dropped, and calls at their blocks fail:
 * after the default history, this takes about four hours of live blocks.
 */
const PERSISTED_STATES = 6000;
const BLOCK_GAS_LIMIT = 1_000_000_000;

/** A running anvil that mines only on request. */
export class Anvil {
  readonly url: string;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #process: ChildProcess;
  #exited: string | undefined;
  readonly #exitListeners: ((error: AnvilError) => void)[] = [];
  #nextId = 1;

  private constructor(readonly options: AnvilOptions) {
    this.url = `http://127.0.0.1:${options.port}`;
    this.#process = spawn(
      anvilBinary(),
      [
        ["--port", options.port],
        ["--chain-id", options.chainId],
        ["--number", options.firstBlock],
        ["--timestamp", options.firstTimestamp],
        ["--gas-limit", BLOCK_GAS_LIMIT],
        ["--gas-price", 0],
        ["--block-base-fee-per-gas", 0],
        ["--order", "fifo"],
        ["--cache-path", options.stateDirectory],
        ["--max-persisted-states", PERSISTED_STATES],
        ["--no-mining", "--auto-impersonate"],
        ["--disable-console-log", "--quiet"],
      ]
        .flat()
        .map(String),
      // not in the terminal's process group: Ctrl-C stops what reads the chain first, then the chain
      { stdio: ["ignore", "ignore", "pipe"], detached: true },
    );
    let complaint = "";
    this.#process.stderr?.on("data", (chunk: Buffer) => {
      complaint = (complaint + chunk.toString()).slice(-2000);
    });
    this.#process.on("error", (error) => {
      this.#exited = error.message;
    });
    this.#process.on("exit", (code, signal) => {
      this.#exited = `exit code ${code}, signal ${signal}. ${complaint}`.trim();
      for (const listener of this.#exitListeners)
        listener(new AnvilError(`anvil on port ${options.port} ended: ${this.#exited}`));
    });
    if (this.#process.pid !== undefined)
      writeFileSync(pidFile(options), `${this.#process.pid} ${process.pid}`);
  }

  /** Starts anvil. @throws {AnvilError} when it does not answer in time or the port is taken. */
  static async start(options: AnvilOptions): Promise<Anvil> {
    await endLeftover(options);
    rmSync(options.stateDirectory, { recursive: true, force: true });
    mkdirSync(options.stateDirectory, { recursive: true });
    // Asked first: another anvil on the port would answer in ours' name until ours gives up.
    await requireFreePort(options.port);
    const anvil = new Anvil(options);
    const deadline = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      if (anvil.#exited !== undefined)
        throw new AnvilError(
          `anvil on port ${options.port} ended: ${anvil.#exited} If the port is taken, give another one.`,
        );
      try {
        const chainId = Number(await anvil.call("eth_chainId", []));
        if (chainId !== options.chainId)
          throw new AnvilError(`port ${options.port} serves chain ${chainId}; give another port`);
        return anvil;
      } catch (error) {
        if (error instanceof AnvilError || Date.now() > deadline) {
          await anvil.stop();
          throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  /** Calls back when the process ends, wanted or not. */
  onExit(listener: (error: AnvilError) => void): void {
    this.#exitListeners.push(listener);
  }

  /** Whether the process still runs. */
  get running(): boolean {
    return this.#exited === undefined;
  }

  /** @throws {RpcError} with anvil's message. */
  async call(method: string, params: readonly unknown[]): Promise<unknown> {
    const body = JSON.stringify({ jsonrpc: "2.0", id: this.#nextId++, method, params });
    const { result, error } = answerSchema.parse(JSON.parse(await this.#post(body)));
    if (error) throw new RpcError(`${method}: ${error.message}`, { cause: error });
    return result;
  }

  /** Ends the process, waits until it is gone, and removes its states. */
  async stop(): Promise<void> {
    this.#agent.destroy();
    if (this.running) await this.#end();
    rmSync(this.options.stateDirectory, { recursive: true, force: true });
  }

  async #end(): Promise<void> {
    const exited = new Promise((resolve) => this.#process.once("exit", resolve));
    // SIGTERM takes seconds, and there is nothing for it to save
    this.#process.kill("SIGKILL");
    await exited;
  }

  #post(body: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const outgoing = request(
        this.url,
        {
          method: "POST",
          agent: this.#agent,
          headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("end", () => resolve(Buffer.concat(chunks).toString()));
          response.on("error", reject);
        },
      );
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }
}

const pidFile = ({ stateDirectory }: AnvilOptions) => join(stateDirectory, "anvil.pid");

/**
 * Ends an anvil that a killed parent left running, if /proc shows that it is ours, and waits until its port is free, which
 * is a moment after the process is gone.
 * @throws {AnvilError} when its parent is alive: the directory is in use.
 */
async function endLeftover(options: AnvilOptions): Promise<void> {
  const leftover = findLeftover(options);
  if (!leftover) return;
  if (leftover.hasItsParent)
    throw new AnvilError(
      `${options.stateDirectory} is in use by process ${leftover.pid}; stop it, or give another data directory`,
    );
  process.kill(leftover.pid, "SIGKILL");
  const deadline = Date.now() + 5000;
  while (Date.now() < deadline && !(await isPortFree(options.port)))
    await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Finds the anvil that an earlier start left in the directory, if it still runs. */
function findLeftover(options: AnvilOptions): { pid: number; hasItsParent: boolean } | undefined {
  try {
    const [pid = 0, parent] = readFileSync(pidFile(options), "utf8").split(" ").map(Number);
    if (!readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(options.stateDirectory)) return undefined;
    // the parent's id follows "pid (name) state"; an orphan has a new parent
    const [, currentParent] = / \([^)]*\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    return { pid, hasItsParent: Number(currentParent) === parent };
  } catch {
    // No such file or process: nothing is left over.
    return undefined;
  }
}

const isPortFree = (port: number): Promise<boolean> =>
  requireFreePort(port).then(
    () => true,
    () => false,
  );

/** @throws {PortError} */
async function requireFreePort(port: number): Promise<void> {
  const probe = createServer();
  await listen(probe, port);
  await closeServer(probe);
}

/** Finds the native binary: npm's wrapper script would remain as a second process and swallow signals. */
function anvilBinary(): string {
  const require = createRequire(import.meta.url);
  const wrapper = createRequire(require.resolve("@foundry-rs/anvil/package.json"));
  const platform = `@foundry-rs/anvil-${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}`;
  return join(dirname(wrapper.resolve(`${platform}/package.json`)), "bin", "anvil");
}
