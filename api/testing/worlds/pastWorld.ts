/**
 * The world of `movingWorld.ts`, with inferences that are settled late or twice, are first seen without a valid signature, or are
 * settled before their node is registered. For tests only.
 */
import { inferenceId } from "../../../proofs/inference.ts";
import { leafHash, MerkleTree } from "../../../proofs/merkle.ts";
import { sumBuckets } from "../../../workers/verifier/derive/buckets.ts";
import { deriveVerdicts } from "../../../workers/verifier/derive/verdicts.ts";
import { formatEventId } from "../../queries/state/eventId.ts";
import { DAILY_CAPS } from "../testApi.ts";
import { address, type ChainTables, hash, OG_CHAIN_ID } from "./chainTables.ts";
import { MovingWorld } from "./movingWorld.ts";
import { MODELS, NODES, sumUpInferences, sumUpNetwork } from "./networkWorld.ts";
import { nodeNamed, REGISTRY } from "./registryHistory.ts";

interface Signed {
  readonly id: `0x${string}`;
  readonly teeId: `0x${string}`;
  readonly inputHash: `0x${string}`;
  readonly outputHash: `0x${string}`;
  readonly timestamp: bigint;
}

const HOUR = 3_600;

export class PastWorld {
  readonly #moving: MovingWorld;
  readonly #signed: Signed[] = [];
  #settled = 0;

  constructor(private readonly tables: ChainTables) {
    this.#moving = new MovingWorld(tables);
  }

  async begin(): Promise<void> {
    await this.#moving.begin();
    await this.grow(3);
  }

  /** Some of what is settled: inferences, and a settlement's event id. */
  get known(): { readonly inferences: readonly string[]; readonly settlement: string } {
    return {
      inferences: [0, 1, 3, 5].flatMap((index) => this.#signed[index]?.id ?? []),
      settlement: formatEventId({
        chainId: OG_CHAIN_ID,
        txHash: hash("past settlement 1"),
        logIndex: 101,
      }),
    };
  }

  get newest(): { readonly blockNumber: number; readonly at: number } {
    return this.#moving.newest("og");
  }

  /** Blocks of both chains, with all that the verifier finds out about them. */
  async grow(blocks: number): Promise<void> {
    for (let block = 0; block < blocks; block++) {
      for (const chain of ["base", "og"] as const)
        await this.#moving.move({ kind: "grow", chain, blocks: 1 });
      await this.#settleMore();
    }
    await this.#moving.move({ kind: "judge" });
    await this.#sumUp();
  }

  #sign(name: string, secondsAgo: number): Signed {
    const text = `past ${this.#signed.length}`;
    const fields = {
      teeId: nodeNamed(name).teeId,
      inputHash: hash(text),
      outputHash: hash(`${text} out`),
      timestamp: BigInt(this.newest.at - secondsAgo),
    };
    const signed = { ...fields, id: inferenceId(fields) };
    this.#signed.push(signed);
    return signed;
  }

  async #settleMore(): Promise<void> {
    const turn = this.#signed.length;
    const node = NODES[turn % NODES.length] ?? "a";
    const fresh = [
      this.#sign(node, 1),
      this.#sign(node, 40 * (turn % 400)),
      this.#sign("b", -5_000),
      // some of these are registered later
      this.#sign(`moving ${3 * (1 + (turn % 12))}`, 100),
    ];
    const old = (back: number) => this.#signed[Math.max(0, this.#signed.length - back)];
    const [first, second] = fresh;
    // one that nobody signed yet, and some that were settled before
    await this.#settleBatch([...fresh.slice(1), old(9), old(31)], [true, true, true, true, true]);
    if (first !== undefined) await this.#settleBatch([first, second], [false, true]);
    const again = [old(12), old(27)];
    for (const [index, one] of again.entries())
      if (one !== undefined)
        await this.#settleAlone(one, `payload ${index} ${turn % 3}`, MODELS[(turn + index) % 3] ?? null);
    const late = old(14);
    if (late !== undefined) await this.#settleBatch([late], [true]);
  }

  async #place(kind: string, more: object) {
    const { blockNumber, at } = this.newest;
    this.#settled += 1;
    const place = {
      blockNumber,
      logIndex: 100 + this.#settled,
      txHash: hash(`past settlement ${this.#settled}`),
      relayer: address(this.#settled % 2 === 0 ? "relayer" : "settler"),
      settledAt: at,
    };
    await this.tables.insert("og", "settlement", {
      ...place,
      kind,
      relay: address("relay"),
      eventSignature: kind,
      ...more,
    });
    const { rows } = await this.tables.client.query<{ hash: string }>(
      "select hash from og.block where number = $1",
      [blockNumber],
    );
    return { ...place, kind, chainId: OG_CHAIN_ID, blockHash: rows[0]?.hash };
  }

  async #settleBatch(leaves: readonly (Signed | undefined)[], valid: readonly boolean[]): Promise<void> {
    const held = leaves.flatMap((leaf, index) =>
      leaf === undefined ? [] : [{ leaf, valid: valid[index] ?? true }],
    );
    const batchKey = hash(`past batch ${this.#settled}`);
    const tree = new MerkleTree(
      held.map(({ leaf, valid }) => leafHash({ ...leaf, signature: valid ? "0x51" : "0x52" })),
    );
    const merkleRoot = tree.root;
    const place = await this.#place("batch", { merkleRoot, batchSize: held.length, blobIdHex: "0x01" });
    await this.tables.insertProof("batch", {
      ...{ key: batchKey, merkleRoot, blobIdHex: "0x01", state: "proven", leafCount: held.length },
      tree: Buffer.from(tree.bytes),
      latestSignedAt: Math.max(...held.map(({ leaf }) => Number(leaf.timestamp))),
    });
    for (const [leafIndex, { leaf, valid }] of held.entries()) {
      const signatureKey = await this.#know(leaf, valid);
      await this.tables.insertProof("leaf", {
        ...{ batchKey, leafIndex, inferenceId: leaf.id, signatureKey, teeId: leaf.teeId, valid },
      });
    }
    await this.#settle(place, { batchKey, batchSize: held.length });
  }

  async #settleAlone(inference: Signed, payload: string, model: string | null): Promise<void> {
    const { id, teeId, inputHash, outputHash, timestamp } = inference;
    const claimedPayer = address("payer-b");
    const place = await this.#place("individual", {
      ...{ teeId, inputHash, outputHash, claimedPayer, signedAt: String(timestamp) },
      ...{ signature: `0x${"51"}`, blobIdHex: "0x02" },
    });
    const signatureKey = await this.#know(inference, true);
    const payloadKey = hash(`${payload} ${id.slice(2, 12)}`);
    const told = { model, promptTokens: 5 + (this.#settled % 7), completionTokens: 9 };
    await this.tables.insertProof("payload", {
      ...{ key: payloadKey, inferenceId: id, blobIdHex: payloadKey, state: "matched", ...told },
    });
    await this.tables.client.query(
      `update proofs.inference i set model = p.model, prompt_tokens = p.prompt_tokens, completion_tokens = p.completion_tokens
       from (select * from proofs.payload where inference_id = $1 order by blob_id_hex limit 1) p where i.id = $1`,
      [id],
    );
    await this.#settle(place, {
      inferenceId: id,
      signatureKey,
      payloadKey,
      claimedPayer,
      signedAt: Number(timestamp),
    });
  }

  /** @returns the key of the one valid signature there is, or of one that is not. */
  async #know({ id, teeId, inputHash, outputHash, timestamp }: Signed, valid: boolean): Promise<string> {
    const { tables } = this;
    const key = hash(`${valid ? "good" : "bad"}${id.slice(2, 20)}`);
    await tables.insertProof("inference", {
      ...{ id, teeId, inputHash, outputHash, timestamp: String(timestamp), signedAt: Number(timestamp) },
    });
    await tables.insertProof("signature", {
      ...{ key, inferenceId: id, teeId, signature: valid ? "0x51" : "0x52", valid },
    });
    await tables.client.query(
      "update proofs.inference set signature_valid = (select bool_or(valid) from proofs.signature where inference_id = $1) where id = $1",
      [id],
    );
    return key;
  }

  async #settle(
    place: { readonly blockNumber: number; readonly logIndex: number },
    content: object,
  ): Promise<void> {
    await this.tables.insertProof("settled", { ...place, ...content, verdict: "pending" });
    await this.#register();
    await deriveVerdicts(this.tables.client, [{ chainId: OG_CHAIN_ID, ...place }]);
  }

  /** Nodes register where they did first. */
  async #register(): Promise<void> {
    await this.tables.client.query(
      `insert into proofs.registration (chain_id, tee_id, registry, block_number, log_index)
       select distinct on (tee_id) chain_id, tee_id, registry, block_number, log_index from og.registry_event
       where kind = 'registered' and registry = $1 order by tee_id, block_number, log_index on conflict do nothing`,
      [REGISTRY],
    );
  }

  /** All sums and running totals, from the rows they are of. */
  async #sumUp(): Promise<void> {
    const { tables } = this;
    const { client } = tables;
    await client.query(`
      update og.settlement s set settlements_so_far = t.settlements, latency_seconds_so_far = t.latency from (
        select block_number, log_index, count(*) over place as settlements,
          sum(greatest(0, least(86400, settled_at - signed_at))) over place as latency
        from og.settlement where kind = 'individual'
        window place as (partition by tee_id order by block_number, log_index)) t
      where t.block_number = s.block_number and t.log_index = s.log_index`);
    await tables.sumSettlements();
    await sumUpNetwork(tables);
    await tables.sumPayments(DAILY_CAPS);
    await sumUpInferences(tables);
    const { rows } = await client.query<{ key: string; startAt: number }>(
      `select distinct relayer as key, (settled_at - settled_at % ${HOUR})::float8 as "startAt" from proofs.settled`,
    );
    await sumBuckets(client, "relayer", rows, OG_CHAIN_ID);
  }
}
