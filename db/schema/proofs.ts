/**
 * What the verifier found out. Verdicts belong to contents: a batch is its root and blob id, a signature is its signed
 * values and bytes, a payload is an inference and a blob id. `settled` joins them to the settlements on chain and is
 * rewritten when the chain or a verdict changes; the buckets are sums over both, always recomputed, never incremented.
 *
 * Indexes for equality alone are hash indexes: a third of the size, and every leaf is written to several.
 *
 * Rows but for `job` and `dirty` are functions of chain and blobs: two runs that saw the same hold the same rows, whatever
 * the order of arrival (`checkedAt` and `revision` apart).
 */
import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  customType,
  index,
  integer,
  numeric,
  pgSchema,
  primaryKey,
  text,
  timestamp,
} from "drizzle-orm/pg-core";

export const proofs = pgSchema("proofs");

/** 0x-prefixed lower-case hex. */
const hex = (name: string) => text(name).$type<`0x${string}`>();
const int8 = (name: string) => bigint(name, { mode: "number" });
const uint256 = (name: string) => numeric(name, { precision: 78, scale: 0, mode: "bigint" });
const moment = (name: string) => timestamp(name, { withTimezone: true });
const bytes = customType<{ data: Uint8Array }>({ dataType: () => "bytea" });

/** Work to do, one row per content; deleted when it is done for good. */
export const job = proofs.table(
  "job",
  {
    /** `batch`, `signature` or `payload`. */
    kind: text("kind").notNull(),
    /** The key of `batch`, `signature` or `payload`. */
    key: hex("key").notNull(),
    /** Not before. */
    runAt: moment("run_at").notNull(),
    /** Tries so far, whatever came of them. */
    attempts: integer("attempts").notNull().default(0),
    /** Tries that every aggregator answered with "there is no such blob": they decide when it is `unavailable`. */
    absences: integer("absences").notNull().default(0),
    /** Who works on it, and until when others leave it alone. Null: nobody. */
    leasedBy: text("leased_by"),
    leasedUntil: moment("leased_until"),
    lastError: text("last_error"),
    createdAt: moment("created_at").notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.kind, table.key] }),
    // what is due; what was tried before waits in a line of its own
    index("job_due").on(table.kind, sql`(${table.attempts} > 0)`, table.runAt, table.key),
    // a verifier's own jobs
    index("job_lease").on(table.leasedBy).where(sql`${table.leasedBy} is not null`),
  ],
);

/** What must be recomputed, because something it sums over changed in the same transaction. */
export const dirty = proofs.table(
  "dirty",
  {
    /** `settlement`, `node`, `model` or `relayer`: the table is `settled` or the bucket's. */
    kind: text("kind").notNull(),
    /** `chainId-blockNumber-logIndex`, or what the bucket is of. */
    key: text("key").notNull(),
    /** Of a bucket: the start of its hour, unix seconds; else 0. */
    startAt: int8("start_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.kind, table.key, table.startAt] })],
);

/**
 * A key of `dirty` that comes after every node's, and so is taken when all nodes' hours that were marked with it are summed:
 * the migration that made `bucket_part` and `uncounted` marks every hour, and this.
 */
export const PARTS_MISSING = "zz-parts-missing";

/** One row: grows by one with every transaction that changed what readers see. */
export const revision = proofs.table("revision", {
  id: integer("id").primaryKey(),
  value: int8("value").notNull(),
});

/** Public keys by their hash, once any registry has shown them. A hash has one preimage: nothing takes a row back. */
export const nodeKey = proofs.table("node_key", {
  teeId: hex("tee_id").primaryKey(),
  /** DER SPKI as registered; keccak256 of it is the teeId. It may be no key at all. */
  publicKey: hex("public_key").notNull(),
});

/** The earliest registration of a node in the current registry: what is settled from there on counts for it. */
export const registration = proofs.table(
  "registration",
  {
    chainId: integer("chain_id").notNull(),
    teeId: hex("tee_id").notNull(),
    registry: hex("registry").notNull(),
    blockNumber: int8("block_number").notNull(),
    logIndex: integer("log_index").notNull(),
  },
  (table) => [primaryKey({ columns: [table.chainId, table.teeId] })],
);

/** A batch blob, checked against a root. */
export const batch = proofs.table(
  "batch",
  {
    /** keccak256(merkleRoot ‖ the blob id's bytes). */
    key: hex("key").primaryKey(),
    merkleRoot: hex("merkle_root").notNull(),
    /** The event's bytes, whatever they are. */
    blobIdHex: hex("blob_id_hex").notNull(),
    /** `pending`, `proven` (the values give the root), `invalid` or `unavailable`. */
    state: text("state").notNull(),
    /** A stable slug; null while pending without a failure, and when proven. */
    reason: text("reason"),
    /** A sentence with the value and the rule; sanitised. */
    detail: text("detail"),
    /** Null unless proven. */
    leafCount: integer("leaf_count"),
    /** The latest second that a leaf says it was signed at, clamped as an inference's is; null unless proven. */
    latestSignedAt: int8("latest_signed_at"),
    /** Its Merkle tree, as proofs/merkle.ts writes one, so that a leaf's path is read without the other leaves; null unless proven. */
    tree: bytes("tree"),
    checkedAt: moment("checked_at"),
  },
  (table) => [index("batch_root").on(table.merkleRoot)],
);

/** A leaf of a proven batch. */
export const leaf = proofs.table(
  "leaf",
  {
    batchKey: hex("batch_key").notNull(),
    /** Its place among the dump's values, from 0. */
    leafIndex: integer("leaf_index").notNull(),
    inferenceId: hex("inference_id").notNull(),
    signatureKey: hex("signature_key").notNull(),
    /** The inference's and the signature's, once more: a batch is judged, and an hour summed, from its leaves alone. */
    teeId: hex("tee_id").notNull(),
    valid: boolean("valid"),
  },
  (table) => [
    primaryKey({ columns: [table.batchKey, table.leafIndex] }),
    // where an inference was settled, and the batches that a signature's verdict touches
    index("leaf_inference").using("hash", table.inferenceId),
  ],
);

/** A signature over an inference, from a leaf or from an individual settlement. */
export const signature = proofs.table(
  "signature",
  {
    /** keccak256(inference id ‖ the signature's bytes). */
    key: hex("key").primaryKey(),
    inferenceId: hex("inference_id").notNull(),
    teeId: hex("tee_id").notNull(),
    signature: hex("signature").notNull(),
    /** By the key that the teeId is the hash of; null while no registry has shown that key. */
    valid: boolean("valid"),
  },
  (table) => [
    index("signature_inference").using("hash", table.inferenceId),
    // what to check when a key becomes known
    index("signature_undecided").on(table.teeId, table.key).where(sql`${table.valid} is null`),
  ],
);

/** One inference: its signed values, and what its payloads say. */
export const inference = proofs.table(
  "inference",
  {
    /** keccak256(abi.encode(teeId, inputHash, outputHash, timestamp)). */
    id: hex("id").primaryKey(),
    teeId: hex("tee_id").notNull(),
    inputHash: hex("input_hash").notNull(),
    outputHash: hex("output_hash").notNull(),
    /** Unix seconds as signed, whatever they are. */
    timestamp: uint256("timestamp").notNull(),
    /** The same clamped to 2^53-1, to sort and sum by. */
    signedAt: int8("signed_at").notNull(),
    /** True when one of its signatures is valid, false when all are invalid, else null. */
    signatureValid: boolean("signature_valid"),
    /** From the payload, sanitised; of several, that of the smallest blob id. Null when unknown. */
    model: text("model"),
    promptTokens: int8("prompt_tokens"),
    completionTokens: int8("completion_tokens"),
  },
  (table) => [
    // /v1/nodes/:teeId/inferences, /v1/inferences?teeId=, the node's buckets
    index("inference_node").on(table.teeId, table.signedAt, table.id),
    // /v1/inferences
    index("inference_time").on(table.signedAt, table.id),
    // /v1/inferences?signatureValid=false and ?counted=false, of a node and of all
    index("inference_node_not_valid")
      .on(table.teeId, table.signatureValid, table.signedAt, table.id)
      .where(sql`${table.signatureValid} is not true`),
    index("inference_not_valid")
      .on(table.signatureValid, table.signedAt, table.id)
      .where(sql`${table.signatureValid} is not true`),
    // /v1/inferences?inputHash=
    index("inference_input").using("hash", table.inputHash),
    // /v1/inferences?outputHash=
    index("inference_output").using("hash", table.outputHash),
    // /v1/inferences?model=, the model's buckets
    index("inference_model").on(table.model, table.signedAt, table.id).where(sql`${table.model} is not null`),
    // the nodes that ran a model
    index("inference_model_node")
      .on(table.model, table.teeId, table.signedAt)
      .where(sql`${table.model} is not null`),
  ],
);

/** The payload blob that an individual settlement names for an inference. */
export const payload = proofs.table(
  "payload",
  {
    /** keccak256(inference id ‖ the blob id's bytes). */
    key: hex("key").primaryKey(),
    inferenceId: hex("inference_id").notNull(),
    blobIdHex: hex("blob_id_hex").notNull(),
    /** `pending`, `matched` (hashes recomputed and equal), `unmatched` (readable, but not shown to be this inference's), `invalid` or `unavailable`. */
    state: text("state").notNull(),
    reason: text("reason"),
    detail: text("detail"),
    model: text("model"),
    promptTokens: int8("prompt_tokens"),
    completionTokens: int8("completion_tokens"),
    /** Whether recomputed content hashes equal the signed ones; null where they cannot be recomputed. */
    inputMatches: boolean("input_matches"),
    outputMatches: boolean("output_matches"),
    checkedAt: moment("checked_at"),
  },
  (table) => [index("payload_inference").on(table.inferenceId)],
);

/** A settlement on chain with the verdict of its content. Legacy ones, which carry no signature, have no row. */
export const settled = proofs.table(
  "settled",
  {
    chainId: integer("chain_id").notNull(),
    blockNumber: int8("block_number").notNull(),
    logIndex: integer("log_index").notNull(),
    blockHash: hex("block_hash").notNull(),
    txHash: hex("tx_hash").notNull(),
    /** `individual` or `batch`. */
    kind: text("kind").notNull(),
    relayer: hex("relayer").notNull(),
    /** Block time, unix seconds. */
    settledAt: int8("settled_at").notNull(),
    /** Of a batch. */
    batchKey: hex("batch_key"),
    batchSize: uint256("batch_size"),
    /** Of an individual. */
    inferenceId: hex("inference_id"),
    /**
     * The inference's, once more: a payer's inferences are listed by it. Of a batch the latest of its leaves', null unless it
     * is proven.
     */
    signedAt: int8("signed_at"),
    signatureKey: hex("signature_key"),
    payloadKey: hex("payload_key"),
    claimedPayer: hex("claimed_payer"),
    /** `pending`, `verified`, `partial`, `invalid` or `unavailable`. */
    verdict: text("verdict").notNull(),
    reason: text("reason"),
    leafCount: integer("leaf_count"),
    /** Signature valid, and the node registered at or before this settlement. */
    validLeaves: integer("valid_leaves"),
    /** Signature invalid. */
    invalidLeaves: integer("invalid_leaves"),
    /** The rest: no such node then, or no key to check with. */
    unknownLeaves: integer("unknown_leaves"),
    /** The revision that the verdict is of; 0 while nothing was found out. */
    revision: int8("revision").notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.chainId, table.blockNumber, table.logIndex] }),
    // verdicts that changed since a revision
    index("settled_revision")
      .on(table.revision, table.blockNumber, table.logIndex)
      .where(sql`${table.revision} > 0`),
    // /v1/settlements?verdict=
    index("settled_verdict").on(table.verdict, table.blockNumber, table.logIndex),
    // where a batch was settled
    index("settled_batch").on(table.batchKey),
    // where an individual inference was settled
    index("settled_inference").on(table.inferenceId),
    // /v1/inferences?payer=
    index("settled_payer")
      .on(table.claimedPayer, table.signedAt, table.inferenceId)
      .where(sql`${table.claimedPayer} is not null`),
    // what was settled before the second it says it was signed at: nobody honest does, so these are few
    index("settled_ahead").on(table.signedAt).where(sql`${table.signedAt} > ${table.settledAt}`),
    index("settled_signature").on(table.signatureKey),
    index("settled_payload").on(table.payloadKey),
    // /v1/relayers/:address and its buckets
    index("settled_relayer").on(table.relayer, table.settledAt),
  ],
);

const sums = {
  /** Distinct inferences with a valid signature, settled on chain after the node's registration. */
  inferences: int8("inferences").notNull(),
  /** Of those whose payload is known; null when of none. */
  promptTokens: int8("prompt_tokens"),
  completionTokens: int8("completion_tokens"),
};

/**
 * How a node's hour came about: what inferences that were signed in it add to its sums, by the settlements between which
 * they add it. One counts from its first settlement that counts on; the model and tokens it counts with are those of the best
 * payload that was posted by then. So the rows without an end sum to the node's bucket, by model to the models' buckets; and
 * to what they were after any block, with today's verdicts, the rows that begin by it and do not end by it.
 */
export const bucketPart = proofs.table(
  "bucket_part",
  {
    teeId: hex("tee_id").notNull(),
    /** The start of the hour they were signed in. */
    startAt: int8("start_at").notNull(),
    model: text("model"),
    /** They add it after this block … */
    fromBlock: int8("from_block").notNull(),
    /** … and no more after this one; null when they still do. */
    untilBlock: int8("until_block"),
    /** Block times. */
    fromAt: int8("from_at").notNull(),
    untilAt: int8("until_at"),
    ...sums,
  },
  (table) => [
    // the hours that were not yet what they are at a moment: one look-up, however late inferences are settled
    index("bucket_part_changing").using(
      "gist",
      sql`int8range(${table.startAt}, greatest(${table.startAt}, ${table.fromAt}, ${table.untilAt}), '[]')`,
    ),
    // what a node's, or a model's, hour was at a moment
    index("bucket_part_node").on(table.teeId, table.startAt),
    index("bucket_part_model").on(table.model, table.startAt).where(sql`${table.model} is not null`),
    // hours that were settled in before they began: nobody honest does, so these are few
    index("bucket_part_ahead").on(table.startAt).where(sql`${table.fromAt} < ${table.startAt}`),
  ],
);

/** Inferences with a valid signature that a settlement held before one counted, or that never counted. Few. */
export const uncounted = proofs.table(
  "uncounted",
  {
    inferenceId: hex("inference_id").primaryKey(),
    teeId: hex("tee_id").notNull(),
    /** The inference's, once more. */
    signedAt: int8("signed_at").notNull(),
  },
  (table) => [
    // /v1/inferences?counted=false, of a node and of all
    index("uncounted_node").on(table.teeId, table.signedAt, table.inferenceId),
    index("uncounted_time").on(table.signedAt, table.inferenceId),
  ],
);

/** A node's inferences by the hour they were signed in. A day is the sum of its hours. */
export const nodeBucket = proofs.table(
  "node_bucket",
  { teeId: hex("tee_id").notNull(), startAt: int8("start_at").notNull(), ...sums },
  (table) => [
    primaryKey({ columns: [table.teeId, table.startAt] }),
    index("node_bucket_time").on(table.startAt),
  ],
);

/** A model's inferences by the hour they were signed in. */
export const modelBucket = proofs.table(
  "model_bucket",
  { model: text("model").notNull(), startAt: int8("start_at").notNull(), ...sums },
  (table) => [primaryKey({ columns: [table.model, table.startAt] })],
);

/** A relayer's settlements by the hour they were settled in. */
export const relayerBucket = proofs.table(
  "relayer_bucket",
  {
    relayer: hex("relayer").notNull(),
    startAt: int8("start_at").notNull(),
    individuals: int8("individuals").notNull(),
    batches: int8("batches").notNull(),
    pending: int8("pending").notNull(),
    verified: int8("verified").notNull(),
    partial: int8("partial").notNull(),
    invalid: int8("invalid").notNull(),
    unavailable: int8("unavailable").notNull(),
    validLeaves: int8("valid_leaves").notNull(),
    invalidLeaves: int8("invalid_leaves").notNull(),
    unknownLeaves: int8("unknown_leaves").notNull(),
  },
  (table) => [primaryKey({ columns: [table.relayer, table.startAt] })],
);
