/** Measures the whole verifier in its own process: from settlements on chain to verdicts in Postgres. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { ChainTables, hash, utf8Hex } from "../../api/testing/worlds/chainTables.ts";
import type { Hosted } from "./blobHost.ts";

const root = path.resolve(import.meta.dirname, "../..");
const REGISTRY = `0x${"aa".repeat(20)}`;
const LOOK_EVERY_MS = 100;

export class RecordingVerifier {
  private constructor(
    private readonly tables: ChainTables,
    private readonly pool: pg.Pool,
    private readonly verifier: ChildProcess,
  ) {}

  /** Starts a verifier that knows the nodes and has nothing to do. @param url - of an empty database. */
  static async start(url: string, { keys, url: aggregator }: Hosted): Promise<RecordingVerifier> {
    const tables = await ChainTables.create(url);
    await tables.setHead("og", 1_000_000, 1_800_100_000);
    for (const [index, { teeId, publicKey }] of keys.entries()) {
      await tables.insert("og", "registryEvent", {
        ...{ blockNumber: 1, logIndex: index, kind: "registered" },
        ...{ registry: REGISTRY, teeId },
      });
      await tables.insert("og", "node", { registry: REGISTRY, teeId, publicKey });
    }
    const verifier = spawn(
      path.join(root, "node_modules/node/bin/node"),
      ["--import", "tsx", path.join(root, "workers/verifier/main.ts")],
      {
        cwd: root,
        env: {
          PATH: process.env.PATH,
          DATABASE_URL: url,
          TEE_REGISTRY_ADDRESSES: REGISTRY,
          WALRUS_AGGREGATOR_URLS: aggregator,
          WALRUS_ALLOW_PRIVATE: "true",
          LOG_LEVEL: "warn",
        },
        stdio: ["ignore", "inherit", "inherit"],
      },
    );
    const pool = new pg.Pool({ connectionString: url, max: 2 });
    const recording = new RecordingVerifier(tables, pool, verifier);
    await recording.#until("select count(*) >= $1 as done from proofs.node_key, proofs.registration", [
      keys.length * keys.length,
    ]);
    return recording;
  }

  /** Settles batches, all at once, and waits until nothing is left to do. @returns seconds. */
  async settle(batches: Hosted["batches"], batchSize: number): Promise<number> {
    const { rows } = await this.pool.query<{ block: number }>(
      "select coalesce(max(number), 1)::int as block from og.block",
    );
    const first = (rows[0]?.block ?? 1) + 1;
    const began = performance.now();
    const client = this.tables.client;
    await client.query("begin");
    for (const [index, { root: merkleRoot, blobId }] of batches.entries()) {
      const blockNumber = first + index;
      await this.tables.block("og", blockNumber, 1_800_000_000 + blockNumber);
      await this.tables.insert("og", "settlement", {
        ...{ blockNumber, logIndex: 0, kind: "batch", txHash: hash(`${blockNumber}`), relayer: REGISTRY },
        ...{ merkleRoot, batchSize, blobIdHex: utf8Hex(blobId), settledAt: 1_800_000_000 + blockNumber },
      });
    }
    await client.query("commit; notify published");
    await this.#until(
      `select (select count(*) from proofs.settled where verdict = 'verified') = (select count(*) from og.settlement)
         and not exists (select from proofs.dirty) as done`,
      [],
    );
    return (performance.now() - began) / 1000;
  }

  /** Forgets what was settled. */
  async reset(): Promise<void> {
    await this.pool.query(`truncate og.settlement, og.block, proofs.job, proofs.dirty, proofs.batch, proofs.leaf,
      proofs.signature, proofs.inference, proofs.settled, proofs.bucket_part, proofs.uncounted,
      proofs.node_bucket, proofs.model_bucket, proofs.relayer_bucket`);
    await this.pool.query("vacuum analyze");
  }

  /** Of the verifier's process, megabytes; of all it ever had, with `VmHWM`. */
  memory(field: "VmRSS" | "VmHWM"): number {
    const status = readFileSync(`/proc/${this.verifier.pid}/status`, "utf8");
    return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.verifier.once("exit", resolve));
    this.verifier.kill("SIGTERM");
    await ended;
    await this.pool.end();
    await this.tables.close();
  }

  async #until(question: string, values: readonly unknown[]): Promise<void> {
    for (;;) {
      if (this.verifier.exitCode !== null)
        throw new Error(`the verifier ended with ${this.verifier.exitCode}`);
      const { rows } = await this.pool.query<{ done: boolean }>(question, [...values]);
      if (rows[0]?.done === true) return;
      await sleep(LOOK_EVERY_MS);
    }
  }
}
