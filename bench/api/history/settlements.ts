/**
 * Settlements with the verifier's findings, streamed in chain order: ids, keys and Merkle roots are computed as in production,
 * so that receipts and queries across objects work.
 */
import { createCipheriv } from "node:crypto";
import { OG_CHAIN_ID, utf8Hex } from "../../../api/testing/worlds/chainTables.ts";
import { type Hex, hexOf } from "../../../proofs/hex.ts";
import { batchKey, payloadKey, signatureFacts } from "../../../proofs/inference.ts";
import { leafHash, MerkleTree } from "../../../proofs/merkle.ts";
import { CopySink } from "./bulk.ts";
import { MODELS, payer, RARE_MODEL, RELAY, RELAYERS } from "./cast.ts";
import type { NodeRow } from "./registry.ts";
import {
  BEGINS,
  type Counts,
  countsOf,
  DAY,
  type HistorySize,
  LARGEST_SHARE,
  LEAVES_PER_BATCH,
  ogBlockAt,
} from "./size.ts";

const CHAIN = OG_CHAIN_ID;
/** How many of the newest settlements the verifier has not seen yet, and for how many it waits for the blob. */
const UNSEEN = 30;
const PENDING = 200;
/** One in this many inferences is settled again. */
const REPEATED_EVERY = 100;

/** Random bytes, the same ones every time. */
class Randomness {
  readonly #cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16, 7), Buffer.alloc(16));

  bytes(length: number): Buffer {
    return this.#cipher.update(Buffer.alloc(length));
  }

  hex(length: number): Hex {
    return hexOf(this.bytes(length));
  }

  /** At least 0, less than 1. */
  share(): number {
    return this.bytes(4).readUInt32LE() / 2 ** 32;
  }
}

const open = (url: string) => ({
  settlement: CopySink.open(url, "og.settlement", [
    "chain_id",
    "block_number",
    "log_index",
    "relay",
    "kind",
    "event_signature",
    "tx_hash",
    "settled_at",
    "relayer",
    "tee_id",
    "claimed_payer",
    "input_hash",
    "output_hash",
    "signed_at",
    "signature",
    "merkle_root",
    "batch_size",
    "blob_id",
    "blob_id_hex",
    "settlements_so_far",
    "latency_seconds_so_far",
  ]),
  inference: CopySink.open(url, "proofs.inference", [
    "id",
    "tee_id",
    "input_hash",
    "output_hash",
    "timestamp",
    "signed_at",
    "signature_valid",
    "model",
    "prompt_tokens",
    "completion_tokens",
  ]),
  signature: CopySink.open(url, "proofs.signature", ["key", "inference_id", "tee_id", "signature", "valid"]),
  leaf: CopySink.open(url, "proofs.leaf", [
    "batch_key",
    "leaf_index",
    "inference_id",
    "signature_key",
    "tee_id",
    "valid",
  ]),
  batch: CopySink.open(url, "proofs.batch", [
    "key",
    "merkle_root",
    "blob_id_hex",
    "state",
    "reason",
    "detail",
    "leaf_count",
    "tree",
    "checked_at",
  ]),
  payload: CopySink.open(url, "proofs.payload", [
    "key",
    "inference_id",
    "blob_id_hex",
    "state",
    "reason",
    "model",
    "prompt_tokens",
    "completion_tokens",
    "checked_at",
  ]),
  settled: CopySink.open(url, "proofs.settled", [
    "chain_id",
    "block_number",
    "log_index",
    "block_hash",
    "tx_hash",
    "kind",
    "relayer",
    "settled_at",
    "batch_key",
    "batch_size",
    "inference_id",
    "signature_key",
    "payload_key",
    "claimed_payer",
    "signed_at",
    "verdict",
    "reason",
    "leaf_count",
    "valid_leaves",
    "invalid_leaves",
    "unknown_leaves",
  ]),
});
type Sinks = { readonly [Name in keyof ReturnType<typeof open>]: Awaited<ReturnType<typeof open>[Name]> };

/** What a node signed. */
interface Signing {
  readonly teeId: Hex;
  readonly inputHash: Hex;
  readonly outputHash: Hex;
  readonly timestamp: bigint;
  readonly signature: Hex;
  readonly id: Hex;
  readonly key: Hex;
}

const CHECKED_AT = "2026-06-01 00:00:00+00";
export const blockHash = (number: number): Hex => `0x${number.toString(16).padStart(64, "b")}`;
/** As COPY reads it: the backslash of a bytea is itself escaped. */
const byteaOf = (bytes: Uint8Array): string => `\\\\x${Buffer.from(bytes).toString("hex")}`;
const NO_SIGNING = { tee_id: null, input_hash: null, output_hash: null, signed_at: null, signature: null };

class SettlementWriter {
  readonly #random = new Randomness();
  readonly #totals = new Map<string, { settlements: number; latency: number }>();
  readonly #logs = new Map<number, number>();
  #oldestLogBlock = 0;
  #last: Signing | null = null;

  constructor(
    private readonly sinks: Sinks,
    private readonly nodes: readonly NodeRow[],
    private readonly payers: number,
    private readonly counts: Counts,
  ) {}

  async #write<Name extends keyof Sinks>(
    name: Name,
    row: Parameters<Sinks[Name]["write"]>[0],
  ): Promise<void> {
    // Each sink takes the rows of its own columns; the union of all is more than the compiler follows.
    await (this.sinks[name] as { write(row: unknown): Promise<unknown> | undefined }).write(row);
  }

  /** The next free log of the block at a second. */
  #place(settledAt: number) {
    const blockNumber = ogBlockAt(settledAt);
    if (blockNumber > this.#oldestLogBlock) {
      this.#logs.clear();
      this.#oldestLogBlock = blockNumber;
    }
    const logIndex = this.#logs.get(blockNumber) ?? 0;
    this.#logs.set(blockNumber, logIndex + 1);
    return {
      chain_id: CHAIN,
      block_number: blockNumber,
      log_index: logIndex,
      tx_hash: this.#random.hex(32),
      settled_at: settledAt,
    };
  }

  /** The largest node signs its share, the others by their place; those that were not there yet leave it to the largest. */
  #nodeAt(time: number): NodeRow {
    const largest = this.nodes[0];
    if (largest === undefined) throw new Error("a history has nodes");
    const share = this.#random.share();
    const chosen = this.nodes[1 + Math.floor((this.counts.nodes - 1) * this.#random.share() ** 2)];
    const there = chosen !== undefined && chosen.registeredAt < time - 3_600 && chosen.stopsAt > time;
    return share < LARGEST_SHARE || !there ? largest : chosen;
  }

  #payer(): Hex {
    const share = this.#random.share();
    return payer(share < LARGEST_SHARE ? 0 : 1 + Math.floor((this.payers - 1) * this.#random.share() ** 2));
  }

  #relayer(): Hex {
    const share = this.#random.share();
    return RELAYERS[share < 0.6 ? 0 : share < 0.9 ? 1 : 2];
  }

  #sign(teeId: Hex, signedAt: number): Signing {
    const inputHash = this.#random.hex(32);
    const outputHash = this.#random.hex(32);
    const signature = this.#random.hex(256);
    const fields = { teeId, inputHash, outputHash, timestamp: BigInt(signedAt), signature };
    const { inferenceId: id, signatureKey: key } = signatureFacts(fields);
    return { ...fields, id, key };
  }

  async #writeSigning(
    { id, key, teeId, inputHash, outputHash, timestamp, signature }: Signing,
    valid: boolean | null,
    { model, prompt, completion }: { model: string | null; prompt: number | null; completion: number | null },
  ): Promise<void> {
    await this.#write("inference", {
      ...{
        id,
        tee_id: teeId,
        input_hash: inputHash,
        output_hash: outputHash,
        timestamp,
        signed_at: timestamp,
      },
      ...{ signature_valid: valid, model, prompt_tokens: prompt, completion_tokens: completion },
    });
    await this.#write("signature", { key, inference_id: id, tee_id: teeId, signature, valid });
  }

  async legacy(settledAt: number): Promise<void> {
    await this.#write("settlement", {
      ...this.#place(settledAt),
      ...{
        relay: RELAY,
        kind: "legacy",
        event_signature: "Settlement(bytes32,bytes32)",
        relayer: this.#relayer(),
      },
      ...NO_SIGNING,
      ...{ input_hash: this.#random.hex(32), output_hash: this.#random.hex(32), claimed_payer: null },
      ...{ merkle_root: null, batch_size: null, blob_id: null, blob_id_hex: null },
      ...{ settlements_so_far: null, latency_seconds_so_far: null },
    });
  }

  /** @param age - how many settlements are newer. @param past - share of the history that is older. */
  async individual(settledAt: number, ordinal: number, age: number, past: number): Promise<void> {
    const again = ordinal % REPEATED_EVERY === REPEATED_EVERY - 1 ? this.#last : null;
    const latency = 5 + Math.floor(120 * this.#random.share() ** 3);
    const node = this.#nodeAt(settledAt);
    const signing = again ?? this.#sign(node.teeId, settledAt - latency);
    this.#last = signing;
    const { teeId, id, key } = signing;
    const totals = this.#totals.get(teeId) ?? { settlements: 0, latency: 0 };
    totals.settlements += 1;
    totals.latency += settledAt - Number(signing.timestamp);
    this.#totals.set(teeId, totals);
    const blobId = this.#random.bytes(32).toString("base64url");
    const blobIdHex = utf8Hex(blobId);
    const place = this.#place(settledAt);
    const shared = { ...place, kind: "individual", relayer: this.#relayer(), claimed_payer: this.#payer() };
    await this.#write("settlement", {
      ...shared,
      ...{
        relay: RELAY,
        event_signature: "IndividualSettlement(bytes32,address,bytes32,bytes32,uint256,bytes,bytes)",
      },
      ...{
        tee_id: teeId,
        input_hash: signing.inputHash,
        output_hash: signing.outputHash,
        signed_at: signing.timestamp,
      },
      ...{
        signature: signing.signature,
        merkle_root: null,
        batch_size: null,
        blob_id: blobId,
        blob_id_hex: blobIdHex,
      },
      ...{ settlements_so_far: totals.settlements, latency_seconds_so_far: totals.latency },
    });
    if (age < UNSEEN) return;
    const pending = age < PENDING;
    // The relay checks signatures: an invalid one is a rarity of the beginning.
    const valid = pending ? null : !(past < 0.1 && ordinal % 1_000 === 7);
    const chance = this.#random.share();
    const state = pending
      ? "pending"
      : chance < 0.8
        ? "matched"
        : chance < 0.95
          ? "unmatched"
          : "unavailable";
    const known = state === "matched" || state === "unmatched";
    const model = !known
      ? null
      : past < 0.05 && ordinal % 200 === 3
        ? RARE_MODEL
        : (MODELS[Math.floor(MODELS.length * this.#random.share() ** 2)] ?? null);
    const tokens = known
      ? {
          prompt: 50 + Math.floor(2_000 * this.#random.share()),
          completion: 20 + Math.floor(800 * this.#random.share()),
        }
      : { prompt: null, completion: null };
    const ofPayload = payloadKey(id, blobIdHex);
    if (again === null) await this.#writeSigning(signing, valid, { model, ...tokens });
    await this.#write("payload", {
      ...{ key: ofPayload, inference_id: id, blob_id_hex: blobIdHex, state, model },
      ...{ reason: state === "unmatched" ? "hash-mismatch" : null, checked_at: pending ? null : CHECKED_AT },
      ...{ prompt_tokens: tokens.prompt, completion_tokens: tokens.completion },
    });
    await this.#write("settled", {
      ...shared,
      ...{ block_hash: blockHash(place.block_number), batch_key: null, batch_size: null, inference_id: id },
      ...{ signature_key: key, payload_key: ofPayload, signed_at: signing.timestamp, leaf_count: null },
      verdict: valid === null ? "pending" : valid ? "verified" : "invalid",
      reason: valid === false ? "signature-invalid" : null,
      ...{ valid_leaves: valid ? 1 : 0, invalid_leaves: valid === false ? 1 : 0, unknown_leaves: 0 },
    });
  }

  async batch(settledAt: number, ordinal: number, age: number, past: number, size: number): Promise<void> {
    const place = this.#place(settledAt);
    const signings = Array.from({ length: size }, (_, index) =>
      this.#sign(this.#nodeAt(settledAt).teeId, settledAt - 10 - Math.floor((600 * index) / size)),
    );
    const tree = new MerkleTree(signings.map(leafHash));
    const { root } = tree;
    const blobId = this.#random.bytes(32).toString("base64url");
    const blobIdHex = utf8Hex(blobId);
    const shared = {
      ...place,
      kind: "batch",
      relayer: this.#relayer(),
      batch_size: size,
      claimed_payer: null,
    };
    await this.#write("settlement", {
      ...shared,
      ...NO_SIGNING,
      ...{ relay: RELAY, event_signature: "BatchSettlement(bytes32,uint256,bytes)", merkle_root: root },
      ...{ blob_id: blobId, blob_id_hex: blobIdHex, settlements_so_far: null, latency_seconds_so_far: null },
    });
    if (age < UNSEEN) return;
    const verdict =
      age < PENDING
        ? "pending"
        : past < 0.3 && ordinal % 500 === 11
          ? "invalid"
          : ordinal % 100 === 50
            ? "unavailable"
            : ordinal % 200 === 20
              ? "partial"
              : "verified";
    const proven = verdict === "partial" || verdict === "verified";
    const reason =
      verdict === "invalid" ? "root-mismatch" : verdict === "partial" ? "leaves-not-valid" : null;
    const key = batchKey(root, blobIdHex);
    await this.#write("batch", {
      ...{ key, merkle_root: root, blob_id_hex: blobIdHex, reason, leaf_count: proven ? size : null },
      state: proven ? "proven" : verdict,
      detail: verdict === "invalid" ? "The values give another root." : null,
      tree: proven ? byteaOf(tree.bytes) : null,
      checked_at: verdict === "pending" ? null : CHECKED_AT,
    });
    const wrong = verdict === "partial" ? 1 : 0;
    await this.#write("settled", {
      ...shared,
      ...{
        block_hash: blockHash(place.block_number),
        batch_key: key,
        inference_id: null,
        signature_key: null,
      },
      ...{ payload_key: null, signed_at: null, verdict, reason, leaf_count: proven ? size : null },
      ...{ valid_leaves: proven ? size - wrong : null, invalid_leaves: proven ? wrong : null },
      unknown_leaves: proven ? 0 : null,
    });
    if (!proven) return;
    for (const [index, signing] of signings.entries()) {
      const valid = index >= wrong;
      await this.#writeSigning(signing, valid, { model: null, prompt: null, completion: null });
      await this.#write("leaf", {
        ...{ batch_key: key, leaf_index: index, inference_id: signing.id, signature_key: signing.key },
        ...{ tee_id: signing.teeId, valid },
      });
    }
  }
}

/** All settlements, evenly over the history; legacy ones in its first fifth. */
export async function writeSettlements(
  url: string,
  size: HistorySize,
  nodes: readonly NodeRow[],
): Promise<void> {
  const counts = countsOf(size);
  const opened = open(url);
  const names = Object.keys(opened) as (keyof Sinks)[]; // an object literal's own keys
  const sinks = Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await opened[name]])),
  ) as Sinks; // the names are the sinks' own
  const writer = new SettlementWriter(sinks, nodes, counts.payers, counts);
  const { individuals, batches, legacy, largestBatch } = counts;
  const total = individuals + batches + legacy;
  const seconds = size.days * DAY - 7_200;
  const due = (of: number, share: number) => Math.floor(of * Math.min(1, share));
  for (let event = 0, made = { individual: 0, batch: 0, legacy: 0 }; event < total; event++) {
    const past = (event + 1) / total;
    const settledAt = BEGINS + 7_200 + Math.floor((past - 0.5 / total) * seconds);
    const age = total - 1 - event;
    if (made.batch < due(batches, past)) {
      // The largest batch takes the place of as many usual ones' leaves, in the middle of the history.
      const leaves = made.batch === Math.floor(batches / 2) ? largestBatch : LEAVES_PER_BATCH;
      await writer.batch(settledAt, made.batch++, age, past, leaves);
    } else if (made.legacy < due(legacy, 5 * past)) {
      made.legacy += 1;
      await writer.legacy(settledAt);
    } else await writer.individual(settledAt, made.individual++, age, past);
  }
  await Promise.all(names.map((name) => sinks[name].close()));
}

/** What is summed over settlements and inferences, in the order of time in which it would have come, and what nodes carry of it. */
export const SUMS_OF_SETTLEMENTS: readonly string[] = [
  `insert into proofs.node_bucket (tee_id, start_at, inferences, prompt_tokens, completion_tokens)
   select tee_id, signed_at - signed_at % 3600, count(*), sum(prompt_tokens), sum(completion_tokens)
   from proofs.inference where signature_valid group by 1, 2 order by 2, 1`,
  `insert into proofs.model_bucket (model, start_at, inferences, prompt_tokens, completion_tokens)
   select model, signed_at - signed_at % 3600, count(*), sum(prompt_tokens), sum(completion_tokens)
   from proofs.inference where signature_valid and model is not null group by 1, 2 order by 2, 1`,
  // each counts from its first settlement on, with the one payload that it has
  `insert into proofs.bucket_part (tee_id, start_at, model, from_block, from_at, inferences, prompt_tokens, completion_tokens)
   select i.tee_id, i.signed_at - i.signed_at % 3600, i.model, first.place[1], first.place[2], count(*), sum(i.prompt_tokens),
     sum(i.completion_tokens)
   from (
     select id, min(place) as place from (
       select l.inference_id as id, array[s.block_number, s.settled_at] as place
       from proofs.leaf l join proofs.settled s using (batch_key) where l.valid
       union all
       select s.inference_id, array[s.block_number, s.settled_at] from proofs.settled s where s.inference_id is not null
     ) held group by id
   ) first join proofs.inference i using (id) where i.signature_valid group by 1, 2, 3, 4, 5 order by 2, 4, 1, 3`,
  `insert into proofs.relayer_bucket (relayer, start_at, individuals, batches, pending, verified, partial, invalid,
     unavailable, valid_leaves, invalid_leaves, unknown_leaves)
   select relayer, settled_at - settled_at % 3600, count(*) filter (where kind = 'individual'),
     count(*) filter (where kind = 'batch'),
     ${["pending", "verified", "partial", "invalid", "unavailable"].map((verdict) => `count(*) filter (where verdict = '${verdict}')`).join(", ")},
     coalesce(sum(valid_leaves), 0), coalesce(sum(invalid_leaves), 0), coalesce(sum(unknown_leaves), 0)
   from proofs.settled group by 1, 2 order by 2, 1`,
  `update og.node_liveness l set settlements = s.settlements, settlement_latency_seconds = s.latency
   from (select tee_id, max(settlements_so_far) as settlements, max(latency_seconds_so_far) as latency
     from og.settlement where settlements_so_far is not null group by 1) s where s.tee_id = l.tee_id`,
  "delete from proofs.revision",
  "insert into proofs.revision values (1, 1000)",
];
