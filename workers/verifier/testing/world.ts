/** A hand-made chain with its blobs, and verifiers in this process. For tests only. */
import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import pg from "pg";
import { ChainTables, hash, OG_CHAIN_ID, utf8Hex } from "../../../api/testing/worlds/chainTables.ts";
import { createLog } from "../../../config/log.ts";
import type { Hex } from "../../../proofs/hex.ts";
import { hexOf } from "../../../proofs/hex.ts";
import type { SignedInference } from "../../../proofs/inference.ts";
import { PAYLOAD_LIMITS } from "../../../proofs/payloadLimits.ts";
import { type Enclave, LEAF_ENCODING, newEnclave, signInference } from "../../../proofs/testing/leaves.ts";
import { connectionPool } from "../connections.ts";
import { Aggregators } from "../fetch/aggregators.ts";
import { HttpGet } from "../fetch/httpGet.ts";
import { LargeBlobSlots } from "../fetch/memoryHold.ts";
import type { RetrySchedule } from "../jobs/schedule.ts";
import { Verifier } from "../verifier.ts";
import { BlobServer } from "./blobServer.ts";
import { isFinished, unfinished } from "./verifierTables.ts";

export const REGISTRY: Hex = `0x${"aa".repeat(20)}`;
export const EARLIER_REGISTRY: Hex = `0x${"bb".repeat(20)}`;
export const RELAYER: Hex = `0x${"cc".repeat(20)}`;
export const RELAY: Hex = `0x${"ab".repeat(20)}`;
const OWNER: Hex = `0x${"ee".repeat(20)}`;
const GENESIS = 1_700_000_000;

export interface Place {
  readonly blockNumber: number;
  readonly logIndex?: number;
  readonly fork?: string;
}

/** Dumps these leaves as a batch blob. */
export function dumpOf(leaves: readonly SignedInference[]): { root: Hex; bytes: Buffer } {
  const tree = StandardMerkleTree.of(
    leaves.map((leaf) => [
      leaf.teeId,
      leaf.inputHash,
      leaf.outputHash,
      leaf.signature,
      leaf.timestamp.toString(),
    ]),
    [...LEAF_ENCODING],
  );
  // a hex string by the library's own type
  return { root: tree.root as Hex, bytes: Buffer.from(JSON.stringify(tree.dump())) };
}

/** A new inference of an enclave; its hashes are derived from its number. */
export const infer = (enclave: Enclave, number: number, timestamp = GENESIS + number): SignedInference =>
  signInference(enclave, {
    inputHash: hash(`input ${number}`),
    outputHash: hash(`output ${number}`),
    timestamp: BigInt(timestamp),
  });

export class World {
  readonly #verifiers: { stopping: AbortController; running: Promise<void>; pool: pg.Pool; http: HttpGet }[] =
    [];

  #registry = REGISTRY;

  private constructor(
    private readonly url: string,
    readonly tables: ChainTables,
    readonly pool: pg.Pool,
    readonly blobs: BlobServer,
  ) {}

  /** @param url - of an empty database. */
  static async create(url: string): Promise<World> {
    return new World(
      url,
      await ChainTables.create(url),
      new pg.Pool({ connectionString: url, max: 3 }),
      await BlobServer.start(),
    );
  }

  /** Empties the chain and the verifier's tables, with the head beyond every block that tests add. */
  async reset(): Promise<void> {
    await this.tables.clear();
    await this.pool.query(`truncate proofs.job, proofs.dirty, proofs.revision, proofs.batch, proofs.leaf, proofs.signature,
      proofs.inference, proofs.payload, proofs.settled, proofs.node_bucket, proofs.bucket_part, proofs.uncounted, proofs.model_bucket, proofs.relayer_bucket,
      proofs.node_key, proofs.registration`);
    this.blobs.blobs.clear();
    this.blobs.asked.length = 0;
    await this.setHead(1_000_000);
  }

  async setHead(blockNumber: number, readiness: "ready" | "not-ready" = "ready"): Promise<void> {
    await this.tables.setHead("og", blockNumber, GENESIS + blockNumber, readiness);
  }

  /** Registers a key; with `keyShown: false` as if the registry's record could not be read. */
  async register(
    enclave: Enclave,
    place: Place,
    { registry = REGISTRY, keyShown = true }: { registry?: Hex; keyShown?: boolean } = {},
  ): Promise<void> {
    await this.#block(place);
    await this.tables.insert("og", "registryEvent", {
      ...positionOf(place),
      registry,
      kind: "registered",
      teeId: enclave.teeId,
      account: OWNER,
      teeType: 0,
      txHash: hash(`register${place.fork ?? ""}${place.blockNumber}`),
      timestamp: GENESIS + place.blockNumber,
    });
    await this.tables.insert("og", "node", {
      registry,
      teeId: enclave.teeId,
      owner: OWNER,
      registeredBlock: place.blockNumber,
      publicKey: keyShown ? hexOf(enclave.publicKeyDer) : null,
    });
  }

  async settleBatch(
    place: Place,
    batch: { root: Hex; size: number; blobId: string | Hex; relayer?: Hex },
  ): Promise<void> {
    await this.#block(place);
    await this.tables.insert("og", "settlement", {
      ...this.#settlement(place),
      kind: "batch",
      relayer: batch.relayer ?? RELAYER,
      merkleRoot: batch.root,
      batchSize: batch.size,
      blobIdHex: batch.blobId.startsWith("0x") ? batch.blobId : utf8Hex(batch.blobId),
    });
    await this.tables.sumSettlements(GENESIS + place.blockNumber);
  }

  /** Settles a batch whose blob proves it. @returns its root and blob id. */
  async settleLeaves(
    place: Place,
    leaves: readonly SignedInference[],
  ): Promise<{ root: Hex; blobId: string }> {
    const { root, bytes } = dumpOf(leaves);
    const blobId = this.blobs.put(bytes);
    await this.settleBatch(place, { root, size: leaves.length, blobId });
    return { root, blobId };
  }

  async settleIndividually(place: Place, inference: SignedInference, blobId: string | Hex): Promise<void> {
    await this.#block(place);
    await this.tables.insert("og", "settlement", {
      ...this.#settlement(place),
      kind: "individual",
      relayer: RELAYER,
      teeId: inference.teeId,
      claimedPayer: `0x${"dd".repeat(20)}`,
      inputHash: inference.inputHash,
      outputHash: inference.outputHash,
      signedAt: inference.timestamp.toString(),
      signature: inference.signature,
      blobIdHex: blobId.startsWith("0x") ? blobId : utf8Hex(blobId),
    });
    await this.tables.sumSettlements(GENESIS + place.blockNumber);
  }

  /** Removes everything from a block on, as a reorg does. */
  async rewind(fromBlock: number): Promise<void> {
    for (const [table, column] of [
      ["settlement", "block_number"],
      ["registry_event", "block_number"],
      ["node", "registered_block"],
      ["block", "number"],
    ])
      await this.pool.query(`delete from og.${table} where ${column} >= $1`, [fromBlock]);
    await this.tables.sumSettlements();
  }

  /** Starts a verifier on this database; `stopVerifiers` stops it. */
  start(
    { schedule, aggregators }: { schedule?: Partial<RetrySchedule>; aggregators?: readonly string[] } = {},
    registry: Hex = REGISTRY,
  ): void {
    this.#registry = registry;
    const pool = connectionPool(this.url);
    const http = new HttpGet({ allowPrivate: true });
    const stopping = new AbortController();
    const verifier = new Verifier(
      pool,
      {
        chainId: OG_CHAIN_ID,
        registry,
        threads: 1,
        leaseSeconds: 5,
        batchLimits: { maxBytes: 1024 * 1024, maxLeaves: 200 },
        payloadLimits: PAYLOAD_LIMITS,
        holder: `test ${this.#verifiers.length}`,
        databaseUrl: this.url,
      },
      {
        aggregators: new Aggregators(
          aggregators ?? [this.blobs.url],
          http,
          { maxBytes: 1024 * 1024, connectMs: 3_000, stallMs: 5_000, totalMs: 8_000 },
          { nowMs: Date.now, random: Math.random },
        ),
        largeBlobs: new LargeBlobSlots(1),
        schedule: {
          ...{ absenceDelays: [0.1, 0.1], unavailableDelay: 100_000, recheckDelay: 100_000 },
          ...schedule,
        },
        random: Math.random,
      },
      createLog({ LOG_LEVEL: "warn", LOG_FORMAT: "pretty" }, "verifier"),
    );
    this.#verifiers.push({ stopping, pool, http, running: verifier.run(stopping.signal) });
  }

  /** Makes verifiers compare the whole chain now, and waits until there is nothing left to do. */
  async finished(withinMs = 15_000): Promise<void> {
    await this.pool.query("notify published");
    const deadline = Date.now() + withinMs;
    for (;;) {
      const left = await unfinished(this.pool, this.#registry);
      if (isFinished(left)) return;
      if (Date.now() > deadline) throw new Error(`not finished in ${withinMs} ms: ${JSON.stringify(left)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async stopVerifiers(): Promise<void> {
    for (const { stopping, running, pool, http } of this.#verifiers.splice(0)) {
      stopping.abort(new Error("the test is over"));
      await running;
      http.close();
      await pool.end();
    }
  }

  async close(): Promise<void> {
    await this.stopVerifiers();
    this.blobs.stop();
    await this.pool.end();
    await this.tables.close();
  }

  #settlement(place: Place) {
    return {
      ...positionOf(place),
      relay: RELAY,
      settledAt: GENESIS + place.blockNumber,
      txHash: hash(`tx${place.fork ?? ""}${place.blockNumber}`),
    };
  }

  async #block({ blockNumber, fork }: Place): Promise<void> {
    const { rows } = await this.pool.query("select from og.block where number = $1", [blockNumber]);
    if (rows.length === 0) await this.tables.block("og", blockNumber, GENESIS + blockNumber, fork);
  }
}

const positionOf = ({ blockNumber, logIndex = 0 }: Place) => ({ blockNumber, logIndex });

export { newEnclave };
