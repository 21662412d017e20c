/** The world of `networkWorld.ts` while it grows: new blocks, late verdicts, and reorgs of the newest blocks. For tests only. */
import { inferenceId } from "../../../proofs/inference.ts";
import { OPG } from "../testApi.ts";
import { address, type ChainTables, hash, OG_CHAIN_ID, utf8Hex } from "./chainTables.ts";
import {
  createNetworkWorld,
  HEAD,
  HEAD_BLOCK,
  MODELS,
  NODES,
  OWNERS,
  PAYERS,
  sumUpInferences,
} from "./networkWorld.ts";
import { nodeNamed, PCR, REGISTRY } from "./registryHistory.ts";

export type Chain = "og" | "base";

export type Move =
  | { readonly kind: "grow"; readonly chain: Chain; readonly blocks: number }
  /** The newest blocks are replaced by as many others and one more. */
  | { readonly kind: "reorg"; readonly chain: Chain; readonly depth: number }
  /** The verifier is done with all settlements. */
  | { readonly kind: "judge" };

/** Blocks that may be replaced: `ChainTables` has the sixth newest final. */
export const DEEPEST_REORG = 5;
const FIRST = { og: HEAD_BLOCK, base: 20_000 } as const;
const BLOCK_SECONDS = 3;

/** Columns that say which block a row came with. */
const BLOCK_COLUMNS = ["block_number", "registered_block", "created_block", "added_block"];

export class MovingWorld {
  readonly #heads: Record<Chain, number> = { ...FIRST };
  #forks = 0;
  #revision = 7;
  #made = 0;
  readonly #blockTables: Record<Chain, readonly (readonly [string, string])[]> = { og: [], base: [] };
  /** How often a chain was reorganised. */
  readonly reorgs: Record<Chain, number> = { og: 0, base: 0 };

  constructor(readonly tables: ChainTables) {}

  async begin(): Promise<void> {
    await createNetworkWorld(this.tables);
    for (const chain of ["og", "base"] as const) {
      const { rows } = await this.tables.client.query<{ table: string; column: string }>(
        "select table_name as table, column_name as column from information_schema.columns where table_schema = $1 and column_name = any($2)",
        [chain, BLOCK_COLUMNS],
      );
      this.#blockTables[chain] = rows.map(({ table, column }) => [table, column]);
      await this.#head(chain);
    }
  }

  /** The newest block of a chain, and its second. */
  newest(chain: Chain): { readonly blockNumber: number; readonly at: number } {
    return { blockNumber: this.#heads[chain], at: this.#timeOf(chain) };
  }

  async move(move: Move): Promise<void> {
    if (move.kind === "judge") return this.#judge();
    const { chain } = move;
    if (move.kind === "reorg") {
      await this.#takeBack(chain, move.depth);
      for (let block = 0; block <= move.depth; block++) await this.#add(chain);
    } else for (let block = 0; block < move.blocks; block++) await this.#add(chain);
    await this.#head(chain);
  }

  #timeOf(chain: Chain): number {
    return HEAD + BLOCK_SECONDS * (this.#heads[chain] - FIRST[chain]);
  }

  async #head(chain: Chain): Promise<void> {
    await this.tables.setHead(chain, this.#heads[chain], this.#timeOf(chain));
  }

  async #takeBack(chain: Chain, depth: number): Promise<void> {
    this.reorgs[chain] += 1;
    this.#forks += 1;
    // What the test's world was made with stays.
    const kept = Math.max(FIRST[chain], this.#heads[chain] - depth);
    this.#heads[chain] = kept;
    const statements = this.#blockTables[chain].map(
      ([table, column]) => `delete from ${chain}.${table} where ${column} > ${kept}`,
    );
    await this.tables.client.query(
      [...statements, `delete from ${chain}.block where number > ${kept}`].join(";"),
    );
    if (chain === "base") return;
    await this.tables.client.query(
      "delete from og.node_liveness l where not exists (select from og.node n where n.tee_id = l.tee_id and n.registry = l.registry)",
    );
    await this.#countHeartbeats(0);
  }

  /** Those of the one node that has them, with some that come. */
  async #countHeartbeats(more: number): Promise<number> {
    const { rows } = await this.tables.client.query<{ heartbeats: number }>(
      `update og.node_liveness l set heartbeats = $2 + (select count(*) from og.heartbeat h where h.tee_id = l.tee_id)
       where l.tee_id = $1 returning heartbeats::int`,
      [nodeNamed("a").teeId, more],
    );
    return rows[0]?.heartbeats ?? 0;
  }

  /** A block with rows of every kind that the chain has. */
  async #add(chain: Chain): Promise<void> {
    this.#heads[chain] += 1;
    this.#made += 1;
    const blockNumber = this.#heads[chain];
    const at = this.#timeOf(chain);
    const { tables } = this;
    await tables.block(chain, blockNumber, at, `f${this.#forks}`);
    const event = (logIndex: number) => ({
      blockNumber,
      logIndex,
      txHash: hash(`m${this.#made}-${logIndex}`),
    });
    if (chain === "base") {
      const payer = address(PAYERS[this.#made % PAYERS.length] ?? "");
      await tables.insert("base", "payment", {
        ...event(1),
        scheme: "upto",
        method: "permit2",
        token: OPG,
        payer,
        payee: address("pay-a"),
        amount: "7",
        facilitator: address("facilitator"),
        paidAt: at,
        source: "call",
      });
      const channelId = hash(`moving channel ${this.#made}`);
      await tables.insert("base", "channel", {
        channelId,
        payer,
        payerAuthorizer: payer,
        receiver: address("pay-b"),
        receiverAuthorizer: address("pay-b"),
        token: OPG,
        salt: hash("salt"),
        createdAt: at,
        createdBlock: blockNumber,
        createdLogIndex: 3,
      });
      await tables.insert("base", "channelEvent", {
        ...event(4),
        channelId,
        kind: "deposited",
        sender: payer,
        timestamp: at,
        balanceAfter: "9",
        totalClaimedAfter: "0",
      });
      return;
    }
    const text = `moving ${this.#made}`;
    await tables.insert("og", "settlement", {
      ...event(1),
      relay: address("relay"),
      kind: "individual",
      eventSignature: "individual",
      settledAt: at,
      relayer: address("settler"),
      teeId: nodeNamed(NODES[this.#made % NODES.length] ?? "a").teeId,
      claimedPayer: address("payer-a"),
      inputHash: hash(text),
      outputHash: hash(`${text} out`),
      // Signed long before some that were settled earlier.
      signedAt: String(at - 97 * (this.#made % 50)),
      signature: utf8Hex(text),
      blobIdHex: "0x",
    });
    await tables.insert("og", "heartbeat", {
      ...event(3),
      registry: REGISTRY,
      teeId: nodeNamed("a").teeId,
      receivedAt: at,
      signedAt: at - 2,
      latestSignedAt: at - 2,
      relayer: address("relayer"),
      heartbeatsSoFar: await this.#countHeartbeats(1),
    });
    await tables.insert("og", "onchainInference", {
      ...event(4),
      kind: "chat",
      mode: 2,
      caller: address("caller"),
      timestamp: at,
      inferenceIdHex: "0x",
      modelCidHex: "0x",
    });
    await this.#switch(event(5), at);
    // Nodes are dear to list.
    if (this.#made % 3 === 0) await this.#register(event(6), at);
    const pcr = {
      kind: "pcr-approved",
      pcrHash: hash(`moving pcr ${this.#made}`),
      teeType: 0,
      label: "v",
      labelHex: "0x76",
    };
    await this.#registryEvent(event(7), at, pcr);
  }

  async #registryEvent(event: object, timestamp: number, details: object): Promise<void> {
    await this.tables.insert("og", "registryEvent", {
      ...event,
      registry: REGISTRY,
      timestamp,
      sender: address("admin"),
      signature: "Event()",
      ...details,
    });
  }

  async #switch(event: object, at: number): Promise<void> {
    const kind = this.#made % 2 === 0 ? "disabled" : "enabled";
    await this.#registryEvent(event, at, { kind, teeId: nodeNamed("d").teeId, cause: "owner" });
  }

  async #register(
    event: { readonly blockNumber: number; readonly logIndex: number; readonly txHash: string },
    at: number,
  ): Promise<void> {
    const { teeId, publicKey } = nodeNamed(`moving ${this.#made}`);
    const owner = address(this.#made % 2 === 0 ? `new-owner-${this.#made}` : (OWNERS[0] ?? ""));
    await this.#registryEvent(event, at, { kind: "registered", teeId, teeType: 0, account: owner });
    await this.tables.insert("og", "node", {
      registry: REGISTRY,
      teeId,
      owner,
      teeType: 0,
      registeredAt: at,
      registeredBlock: event.blockNumber,
      registeredLogIndex: event.logIndex,
      registeredTxHash: event.txHash,
      publicKey,
      pcrHash: PCR,
      recordSource: "call",
      statusBlock: event.blockNumber,
      statusLogIndex: event.logIndex,
      statusTxHash: event.txHash,
    });
    await this.tables.insert("og", "nodeLiveness", {
      registry: REGISTRY,
      teeId,
      enabled: true,
      lastHeartbeatAt: at,
      lastSignedAt: at,
      activeFrom: at,
      activeUntil: at + 1_801,
    });
  }

  /** Findings about all settlements that have none; those about rows that a reorg took back stay. */
  async #judge(): Promise<void> {
    const { client } = this.tables;
    this.#revision += 1;
    const { rows } = await client.query<{
      tee_id: `0x${string}`;
      input_hash: `0x${string}`;
      output_hash: `0x${string}`;
      signed_at: string;
      signature: string;
      block_number: string;
      log_index: number;
    }>(`select s.tee_id, s.input_hash, s.output_hash, s.signed_at, s.signature, s.block_number, s.log_index
        from og.settlement s where s.kind = 'individual' and s.signature is not null and not exists (
          select from proofs.settled p join og.block b on b.number = p.block_number and b.hash = p.block_hash
          where p.block_number = s.block_number and p.log_index = s.log_index)`);
    for (const row of rows) {
      const timestamp = BigInt(row.signed_at);
      const id = inferenceId({
        teeId: row.tee_id,
        inputHash: row.input_hash,
        outputHash: row.output_hash,
        timestamp,
      });
      const key = hash(`key${id.slice(2, 20)}`);
      await this.tables.insertProof("inference", {
        id,
        teeId: row.tee_id,
        inputHash: row.input_hash,
        outputHash: row.output_hash,
        timestamp: String(timestamp),
        signedAt: Number(timestamp),
        signatureValid: true,
        model: MODELS[0],
      });
      const payloadKey = hash(`payload${id.slice(2, 20)}`);
      await this.tables.insertProof("payload", {
        ...{ key: payloadKey, inferenceId: id, blobIdHex: "0x", state: "matched", model: MODELS[0] },
      });
      await this.tables.insertProof("signature", {
        key,
        inferenceId: id,
        teeId: row.tee_id,
        signature: row.signature,
        valid: true,
      });
      await client.query(
        `insert into proofs.settled (chain_id, block_number, log_index, block_hash, tx_hash, kind, relayer, settled_at, inference_id,
           signature_key, payload_key, claimed_payer, signed_at, verdict, revision)
         select $1, s.block_number, s.log_index, b.hash, s.tx_hash, s.kind, s.relayer, s.settled_at, $2, $3, $8, s.claimed_payer, $4, 'verified', $5
         from og.settlement s join og.block b on b.number = s.block_number where s.block_number = $6 and s.log_index = $7
         on conflict (chain_id, block_number, log_index) do update set block_hash = excluded.block_hash, tx_hash = excluded.tx_hash,
           inference_id = excluded.inference_id, signature_key = excluded.signature_key, payload_key = excluded.payload_key,
           revision = excluded.revision`,
        [
          OG_CHAIN_ID,
          id,
          key,
          Number(timestamp),
          this.#revision,
          row.block_number,
          row.log_index,
          payloadKey,
        ],
      );
    }
    await sumUpInferences(this.tables);
    await client.query("update proofs.revision set value = $1", [this.#revision]);
  }
}
