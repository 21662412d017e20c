/**
 * The verifier's findings. Verdicts belong to contents: a batch is identified by its root and blob id, a signature by its
 * signed values and bytes, a payload by an inference and a blob id. `settled` joins them to the settlements on chain and is
 * rewritten when the chain or a verdict changes. The buckets are sums over both, always recomputed, never incremented.
 *
 * Indexes that serve equality only are hash indexes: they take a third of the space, and every leaf is in several.
 *
 * Except for `job` and `dirty`, rows are a function of chain and blobs: two runs over the same input hold the same rows,
 * whatever the order of arrival, apart from `checkedAt` and `revision`.
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

/** Work to do, one row per content; deleted when it is finished. */
export const job = proofs.table(
  "job",
  {
    /** `batch`, `signature` or `payload`. */
    kind: text("kind").notNull(),
    /** The key of `batch`, `signature` or `payload`. */
    key: hex("key").notNull(),
    /** Not to be run before. */
    runAt: moment("run_at").notNull(),
    /** Attempts so far, whatever their outcome. */
    attempts: integer("attempts").notNull().default(0),
    /** Attempts for which no aggregator had the blob: they decide when it is `unavailable`. */
    absences: integer("absences").notNull().default(0),
    /** Which verifier works on it, and until when its lease lasts. Null: none. */
    leasedBy: text("leased_by"),
    leasedUntil: moment("leased_until"),
    lastError: text("last_error"),
    createdAt: moment("created_at").notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.kind, table.key] }),
    // due jobs; new ones and those tried before are claimed separately
    index("job_due").on(table.kind, sql`(${table.attempts} > 0)`, table.runAt, table.key),
    // a verifier's own jobs
    index("job_lease").on(table.leasedBy).where(sql`${table.leasedBy} is not null`),
  ],
);

/** What must be recomputed, marked in the transaction that changed its inputs. */
export const dirty = proofs.table(
  "dirty",
  {
    /** `settlement`, `node`, `model` or `relayer`: the table is `settled` or the bucket's. */
    kind: text("kind").notNull(),
    /** `chainId-blockNumber-logIndex` of a settlement, or the bucket's node, model or relayer. */
    key: text("key").notNull(),
    /** For a bucket, the start of its hour in unix seconds; otherwise 0. */
    startAt: int8("start_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.kind, table.key, table.startAt] })],
);

/**
 * A key of `dirty` that sorts after every node's. The migration that creates `bucket_part` and `uncounted` marks every hour
 * and this key, so that it is taken only after all of those hours were recomputed.
 */
export const PARTS_MISSING = "zz-parts-missing";

/** One row, advanced by every transaction that changes what readers see. */
export const revision = proofs.table("revision", {
  id: integer("id").primaryKey(),
  value: int8("value").notNull(),
});

/** Public keys by their hash, once any registry has published them. A hash has one preimage, so rows are never removed. */
export const nodeKey = proofs.table("node_key", {
  teeId: hex("tee_id").primaryKey(),
  /** DER SPKI as registered; its keccak256 is the teeId. It may not be a valid key. */
  publicKey: hex("public_key").notNull(),
});

/** A node's earliest registration in the current registry: settlements from there on count for it. */
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
    /** The event's bytes, unchecked. */
    blobIdHex: hex("blob_id_hex").notNull(),
    /** `pending`, `proven` (the values give the root), `invalid` or `unavailable`. */
    state: text("state").notNull(),
    /** A stable slug; null while pending without a failure, and when proven. */
    reason: text("reason"),
    /** A sentence with the value and the rule; sanitised. */
    detail: text("detail"),
    /** Null unless proven. */
    leafCount: integer("leaf_count"),
    /** The latest signing time of its leaves, clamped like an inference's; null unless proven. */
    latestSignedAt: int8("latest_signed_at"),
    /** Its Merkle tree in the format of proofs/merkle.ts, so that a leaf's path needs no other leaf; null unless proven. */
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
    /** Its zero-based position in the dump's values. */
    leafIndex: integer("leaf_index").notNull(),
    inferenceId: hex("inference_id").notNull(),
    signatureKey: hex("signature_key").notNull(),
    /** Copied from the inference and the signature, so that verdicts and sums need only the leaves. */
    teeId: hex("tee_id").notNull(),
    valid: boolean("valid"),
  },
  (table) => [
    primaryKey({ columns: [table.batchKey, table.leafIndex] }),
    // where an inference was settled, and which batches a signature's verdict affects
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
    /** Checked against the key whose hash is the teeId; null while no registry has published that key. */
    valid: boolean("valid"),
  },
  (table) => [
    index("signature_inference").using("hash", table.inferenceId),
    // signatures to check once a key becomes known
    index("signature_undecided").on(table.teeId, table.key).where(sql`${table.valid} is null`),
  ],
);

/** One inference: its signed values, and model and tokens from its payloads. */
export const inference = proofs.table(
  "inference",
  {
    /** keccak256(abi.encode(teeId, inputHash, outputHash, timestamp)). */
    id: hex("id").primaryKey(),
    teeId: hex("tee_id").notNull(),
    inputHash: hex("input_hash").notNull(),
    outputHash: hex("output_hash").notNull(),
    /** Unix seconds as signed, unchecked. */
    timestamp: uint256("timestamp").notNull(),
    /** The same clamped to 2^53-1, for sorting and sums. */
    signedAt: int8("signed_at").notNull(),
    /** True when one of its signatures is valid, false when all are invalid, otherwise null. */
    signatureValid: boolean("signature_valid"),
    /** From its best payload, sanitised; ties go to the smallest blob id. Null when unknown. */
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

/** A settlement on chain with the verdict of its content. Legacy settlements carry no signature and have no row. */
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
    /** For batches only. */
    batchKey: hex("batch_key"),
    batchSize: uint256("batch_size"),
    /** For individual settlements only. */
    inferenceId: hex("inference_id"),
    /**
     * Copied from the inference, because a payer's inferences are listed by it. For a batch, the latest of its leaves'; null
     * unless it is proven.
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
    /** The rest: the node was not registered by then, or its key is not known. */
    unknownLeaves: integer("unknown_leaves"),
    /** The revision of the verdict; 0 before the first one. */
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
    // settled before their own signing time: no honest relayer does that, so these are few
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
  /** Summed over those whose payload is known; null when none is. */
  promptTokens: int8("prompt_tokens"),
  completionTokens: int8("completion_tokens"),
};

/**
 * The history of a node's hour: what the inferences signed in it add to its sums, and between which blocks. An inference
 * counts from its first settlement that counts; its model and tokens are those of the best payload posted by then. The rows
 * without an end add up to the node's bucket and, by model, to the models' buckets. The sums after any earlier block, with
 * today's verdicts, are over the rows that had begun and not ended by that block.
 */
export const bucketPart = proofs.table(
  "bucket_part",
  {
    teeId: hex("tee_id").notNull(),
    /** The start of the hour in which the inferences were signed. */
    startAt: int8("start_at").notNull(),
    model: text("model"),
    /** They count as of this block … */
    fromBlock: int8("from_block").notNull(),
    /** … and no longer as of this one; null when they still do. */
    untilBlock: int8("until_block"),
    /** Block times. */
    fromAt: int8("from_at").notNull(),
    untilAt: int8("until_at"),
    ...sums,
  },
  (table) => [
    // hours that changed after a given time: one look-up, however late inferences are settled
    index("bucket_part_changing").using(
      "gist",
      sql`int8range(${table.startAt}, greatest(${table.startAt}, ${table.fromAt}, ${table.untilAt}), '[]')`,
    ),
    // a node's, or a model's, hour as of a given time
    index("bucket_part_node").on(table.teeId, table.startAt),
    index("bucket_part_model").on(table.model, table.startAt).where(sql`${table.model} is not null`),
    // hours with settlements from before they began: no honest relayer does that, so these are few
    index("bucket_part_ahead").on(table.startAt).where(sql`${table.fromAt} < ${table.startAt}`),
  ],
);

/** Inferences with a valid signature that never counted, or were settled before a settlement of them counted. Few. */
export const uncounted = proofs.table(
  "uncounted",
  {
    inferenceId: hex("inference_id").primaryKey(),
    teeId: hex("tee_id").notNull(),
    /** Copied from the inference. */
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
