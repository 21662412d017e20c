/** A small network with at least one row of every kind: nodes of several operators, settlements with verdicts, payments. For tests only. */

import { encodeAbiParameters, parseAbiParameters } from "viem";
import { inferenceId } from "../../../proofs/inference.ts";
import { leafHash, MerkleTree } from "../../../proofs/merkle.ts";
import { sumBuckets } from "../../../workers/verifier/derive/buckets.ts";
import { COMMON_PAYEE, DAILY_CAPS, OPG } from "../testApi.ts";
import { address, type ChainTables, hash, OG_CHAIN_ID, utf8Hex } from "./chainTables.ts";
import {
  MAX_AGE_SECONDS,
  nodeNamed,
  OTHER_REGISTRY,
  PCR,
  REGISTRY,
  RegistryHistory,
} from "./registryHistory.ts";

/** A whole hour. */
export const T0 = 1_800_000_000;
export const HEAD = T0 + 100_000;
export const HEAD_BLOCK = 10_000;

export const NODES = ["a", "b", "c", "d", "e", "f"] as const;
export const OWNERS = ["owner-a", "owner-b", "owner-c"] as const;
export const PAYERS = ["payer-a", "payer-b", "payer-c", "pay-a"] as const;
export const RELAYERS = ["relayer", "settler"] as const;
export const MODELS = ["llama", 'qwen, "quoted"', "Modell größer"] as const;
export const SECOND_PCR = hash("pcr-two");
export const ROOT = hash("root");

const SETTLEMENTS = 40;
const PAYMENTS = 45;
const FIRST_BLOCK = 2_000;

/** The `index`th of some names, round and round. */
const turn = <T>(names: readonly T[], index: number): T => {
  const name = names[index % names.length];
  if (name === undefined) throw new RangeError("no names");
  return name;
};

/** Fills empty tables. */
export async function createNetworkWorld(tables: ChainTables): Promise<void> {
  await tables.client.query(
    "truncate proofs.batch, proofs.leaf, proofs.signature, proofs.inference, proofs.payload, proofs.settled, proofs.node_key, proofs.registration, proofs.node_bucket, proofs.bucket_part, proofs.uncounted, proofs.model_bucket",
  );
  await tables.client.query(
    "insert into proofs.revision values (1, 7) on conflict (id) do update set value = 7",
  );
  await tables.setHead("og", HEAD_BLOCK, HEAD);
  await tables.setHead("base", 20_000, HEAD + 2);
  const history = new RegistryHistory(tables);
  await makeRegistry(history);
  await makeSpells(tables, history);
  await makeSettlements(tables);
  await makePayments(tables);
  await makeOnchainInferences(tables);
  await sumUpNetwork(tables);
}

async function makeRegistry(history: RegistryHistory): Promise<void> {
  await history.teeType(0, "LLMProxy", T0 - 900);
  await history.teeType(1, "Validator", T0 - 890);
  await history.approvePcr(T0 - 800);
  await history.approvePcr(T0 - 790, SECOND_PCR, "v2\u202e", 1);
  for (const [index, name] of NODES.entries()) {
    const record = {
      owner: address(turn(OWNERS, index)),
      teeType: index % 2,
      pcrHash: index % 2 === 0 ? PCR : SECOND_PCR,
      ...(name === "e" ? { paymentAddress: COMMON_PAYEE } : {}),
      ...(name === "f" ? { registry: OTHER_REGISTRY } : {}),
    };
    await history.register(name, T0 + 100 * index, record, {
      activeFrom: T0 + 100 * index,
      activeUntil: index < 3 ? HEAD + 500 : T0 + 5_000,
    });
  }
  for (let beat = 0; beat < 30; beat++)
    await history.heartbeat(turn(["a", "b", "c"], beat), T0 + 2_000 + 300 * beat, T0 + 1_990 + 300 * beat, {
      relayer: address(turn(RELAYERS, beat >> 2)),
      repeated: beat % 7 === 6,
    });
  await history.event("disabled", T0 + 20_000, { teeId: nodeNamed("d").teeId, cause: "owner" });
  await history.event("enabled", T0 + 21_000, { teeId: nodeNamed("d").teeId });
  await history.revokePcr(T0 + 30_000, SECOND_PCR, 1);
}

/** Two outages of node a, by both notions. */
async function makeSpells(tables: ChainTables, history: RegistryHistory): Promise<void> {
  await tables.insert("og", "heartbeatMaxAge", {
    registry: REGISTRY,
    ordinal: 0,
    valueSeconds: MAX_AGE_SECONDS,
    value: String(MAX_AGE_SECONDS),
    fromBlock: 0,
    fromAt: 0,
    precision: "exact",
  });
  await tables.client.query("update og.node_liveness set active_from = $1 where tee_id = $2", [
    T0 + 60_000,
    nodeNamed("a").teeId,
  ]);
  for (const [ordinal, from] of [T0, T0 + 20_000].entries()) {
    await history.interval("a", ordinal, from, from + 15_000, ordinal === 0 ? "stale" : "max-age");
    await tables.insert("og", "provedGap", {
      registry: REGISTRY,
      teeId: nodeNamed("a").teeId,
      ordinal,
      lastSignedAt: from + 3_000,
      nextSignedAt: from + 9_000,
      maxAgeSeconds: MAX_AGE_SECONDS,
      knownAt: from + 9_000,
    });
  }
}

const KINDS = ["individual", "batch", "individual", "legacy"] as const;
const VERDICTS = ["verified", "invalid", null, "verified"] as const;

async function makeSettlements(tables: ChainTables): Promise<void> {
  for (const name of NODES) {
    const { teeId, publicKey } = nodeNamed(name);
    await put(tables, "node_key", { tee_id: teeId, public_key: publicKey });
  }
  await tables.client.query(
    `insert into proofs.registration (chain_id, tee_id, registry, block_number, log_index)
     select chain_id, tee_id, $1, block_number, log_index from og.registry_event where kind = 'registered'`,
    [REGISTRY],
  );
  for (let index = 0; index < SETTLEMENTS; index++) {
    const blockNumber = FIRST_BLOCK + 10 * index;
    const settledAt = T0 + 40_000 + 100 * index;
    const kind = turn(KINDS, index);
    const relayer = address(turn(RELAYERS, index));
    const shared = { blockNumber, logIndex: index % 3, txHash: hash(`settle${index}`), relayer };
    await tables.block("og", blockNumber, settledAt);
    const event = {
      ...shared,
      relay: address("relay"),
      kind,
      eventSignature: kind,
      settledAt,
    };
    if (kind === "legacy")
      await tables.insert("og", "settlement", {
        ...event,
        inputHash: hash(`in${index}`),
        outputHash: hash(`out${index}`),
      });
    else if (kind === "individual") await settleOne(tables, index, event);
    else await settleBatch(tables, index, event);
  }
  await sumUpInferences(tables);
  await tables.sumSettlements();
}

/** As the verifier sums up inferences by the hour. */
export async function sumUpInferences({ client }: ChainTables): Promise<void> {
  const hours = (key: string) =>
    client.query<{ key: string; startAt: number }>(
      `select distinct ${key} as key, (signed_at - signed_at % 3600)::float8 as "startAt" from proofs.inference
       where signature_valid and ${key} is not null`,
    );
  await sumBuckets(client, "node", (await hours("tee_id")).rows, OG_CHAIN_ID);
  await sumBuckets(client, "model", (await hours("model")).rows, OG_CHAIN_ID);
  await client.query("truncate proofs.dirty");
}

interface SettlementEvent {
  readonly blockNumber: number;
  readonly logIndex: number;
  readonly txHash: string;
  readonly relayer: string;
  readonly settledAt: number;
}

const signed = (name: string, text: string, signedAt: number) => {
  const fields = {
    teeId: nodeNamed(name).teeId,
    inputHash: hash(`in${text}`),
    outputHash: hash(`out${text}`),
    timestamp: BigInt(signedAt),
  };
  return { ...fields, id: inferenceId(fields), signature: utf8Hex(`signature ${text}`) };
};

async function settleOne(tables: ChainTables, index: number, event: SettlementEvent): Promise<void> {
  // Every tenth settles the inference of an earlier one again.
  const which = index % 10 === 8 ? index - 8 : index;
  const { id, signature, timestamp, ...fields } = signed(
    turn(NODES, which),
    String(which),
    T0 + 39_000 + 100 * which,
  );
  const claimedPayer = address(turn(PAYERS, index));
  const verdict = turn(VERDICTS, index);
  await tables.insert("og", "settlement", {
    ...event,
    ...fields,
    claimedPayer,
    signedAt: timestamp.toString(),
    signature,
    ...(index % 6 === 0
      ? { blobId: null, blobIdHex: "0xff00" }
      : { blobId: "b".repeat(43), blobIdHex: utf8Hex("b".repeat(43)) }),
  });
  if (verdict === null) return;
  await know(tables, { id, signature, timestamp, ...fields }, verdict === "verified", turn(MODELS, which));
  await put(tables, "settled", {
    ...placeOf(event, "individual"),
    inference_id: id,
    signature_key: hash(`key${id.slice(2, 20)}`),
    payload_key: hash(`payload${id.slice(2, 20)}`),
    claimed_payer: claimedPayer,
    signed_at: Number(timestamp),
    verdict,
    reason: verdict === "verified" ? null : "signature-invalid",
  });
}

async function settleBatch(tables: ChainTables, index: number, event: SettlementEvent): Promise<void> {
  const leaves = [0, 1, 2].map((place) =>
    signed(turn(NODES, index + place), `${index}-${place}`, T0 + 39_000 + 100 * index + place),
  );
  const root = index % 8 === 5 ? ROOT : new MerkleTree(leaves.map(leafHash)).root;
  await tables.insert("og", "settlement", {
    ...event,
    merkleRoot: root,
    batchSize: index % 8 === 5 ? "9".repeat(30) : "3",
    blobId: "c".repeat(43),
    blobIdHex: utf8Hex("c".repeat(43)),
  });
  if (index % 8 === 5) return;
  const batchKey = hash(`batch${index}`);
  await put(tables, "batch", {
    key: batchKey,
    merkle_root: root,
    blob_id_hex: utf8Hex("c".repeat(43)),
    state: "proven",
    leaf_count: leaves.length,
    tree: Buffer.from(new MerkleTree(leaves.map(leafHash)).bytes),
  });
  for (const [place, leaf] of leaves.entries()) {
    await know(tables, leaf, place < 2, null);
    await put(tables, "leaf", {
      batch_key: batchKey,
      leaf_index: place,
      inference_id: leaf.id,
      signature_key: hash(`key${leaf.id.slice(2, 20)}`),
      tee_id: leaf.teeId,
      valid: place < 2,
    });
  }
  await put(tables, "settled", {
    ...placeOf(event, "batch"),
    batch_key: batchKey,
    batch_size: "3",
    verdict: "partial",
    reason: "leaves-invalid",
    leaf_count: 3,
    valid_leaves: 2,
    invalid_leaves: 1,
    unknown_leaves: 0,
  });
}

const placeOf = ({ blockNumber, logIndex, txHash, relayer, settledAt }: SettlementEvent, kind: string) => ({
  chain_id: OG_CHAIN_ID,
  block_number: blockNumber,
  log_index: logIndex,
  block_hash: hash(`b10ca${blockNumber}`),
  tx_hash: txHash,
  kind,
  relayer,
  settled_at: settledAt,
});

async function know(
  tables: ChainTables,
  { id, teeId, inputHash, outputHash, timestamp, signature }: ReturnType<typeof signed>,
  valid: boolean,
  model: string | null,
): Promise<void> {
  const told = {
    model,
    prompt_tokens: model === null ? null : 12,
    completion_tokens: model === null ? null : 34,
  };
  await put(tables, "inference", {
    id,
    tee_id: teeId,
    input_hash: inputHash,
    output_hash: outputHash,
    timestamp: timestamp.toString(),
    signed_at: Number(timestamp),
    signature_valid: valid,
    ...told,
  });
  if (model !== null)
    await put(tables, "payload", {
      key: hash(`payload${id.slice(2, 20)}`),
      inference_id: id,
      blob_id_hex: "0x",
      state: "matched",
      ...told,
    });
  await put(tables, "signature", {
    key: hash(`key${id.slice(2, 20)}`),
    inference_id: id,
    tee_id: teeId,
    signature,
    valid,
  });
}

/** A row of the verifier's, once. */
async function put(
  { client }: ChainTables,
  table: string,
  row: Readonly<Record<string, unknown>>,
): Promise<void> {
  const names = Object.keys(row);
  await client.query(
    `insert into proofs.${table} (${names.join(", ")}) values (${names.map((_, index) => `$${index + 1}`).join(", ")})
     on conflict do nothing`,
    Object.values(row),
  );
}

const SCHEMES = ["upto", "exact", "batch-settlement"] as const;
const METHODS = ["permit2", "eip3009", "channel"] as const;

async function makePayments(tables: ChainTables): Promise<void> {
  for (let index = 0; index < PAYMENTS; index++) {
    const blockNumber = FIRST_BLOCK + 7 * index;
    const paidAt = T0 + 41_000 + 90 * index;
    await tables.block("base", blockNumber, paidAt);
    await tables.insert("base", "payment", {
      blockNumber,
      logIndex: index % 4,
      scheme: turn(SCHEMES, index),
      method: turn(METHODS, index),
      token: index % 5 === 0 ? address("other-token") : OPG,
      payer: address(turn(PAYERS, index)),
      payee: index % 6 === 5 ? COMMON_PAYEE : address(`pay-${turn(["a", "b", "c"], index)}`),
      amount: String(BigInt(index + 1) * 10n ** 17n),
      permittedAmount: index % 3 === 0 ? String(10n ** 18n) : null,
      facilitator: address(index % 4 === 3 ? "second-facilitator" : "facilitator"),
      paidAt,
      txHash: hash(`pay${index}`),
      source: "call",
    });
  }
  await tables.sumPayments(DAILY_CAPS);
  for (let index = 0; index < 7; index++) {
    const channelId = hash(`channel${index}`);
    await tables.insert("base", "channel", {
      channelId,
      payer: address(turn(PAYERS, index)),
      payerAuthorizer: address("authorizer"),
      receiver: address(`pay-${turn(["a", "b"], index)}`),
      receiverAuthorizer: address("receiver-authorizer"),
      token: OPG,
      withdrawDelaySeconds: 2 ** 39,
      salt: hash("salt"),
      createdAt: T0 + 42_000 + 100 * index,
      createdBlock: 3_000 + index,
      createdLogIndex: 1,
    });
    await tables.insert("base", "channelEvent", {
      channelId,
      blockNumber: 3_000 + index,
      logIndex: 2,
      kind: "deposited",
      sender: address(turn(PAYERS, index)),
      timestamp: T0 + 42_000 + 100 * index,
      txHash: hash(`channel${index}`),
      balanceAfter: String(10n ** 30n),
      totalClaimedAfter: "5",
      ...(index === 2
        ? { pendingWithdrawalAmountAfter: "4", pendingWithdrawalFinalizableAtAfter: T0 + 50_000 }
        : {}),
      ...(index === 4 ? { closedAfter: true } : {}),
    });
  }
}

/** As the indexer sums up, by the hour, what settlements do not. */
export async function sumUpNetwork({ client }: ChainTables): Promise<void> {
  await client.query(`
    insert into og.network_bucket (chain_id, start_at, registrations, individual_settlements, batch_settlements,
      claimed_leaves, legacy_settlements, onchain_inferences, payments)
    select chain_id, at - at % 3600, count(*) filter (where what = 'registered'), 0, 0, 0, 0,
      count(*) filter (where what = 'inferred'), 0
    from (
      select chain_id, timestamp as at, 'registered' as what from og.registry_event where kind = 'registered'
      union all select chain_id, timestamp, 'inferred' from og.onchain_inference
    ) event group by 1, 2
    on conflict (chain_id, start_at) do update
      set registrations = excluded.registrations, onchain_inferences = excluded.onchain_inferences`);
}

async function makeOnchainInferences(tables: ChainTables): Promise<void> {
  const completion = (prompt: string) =>
    encodeAbiParameters(
      parseAbiParameters("string, (uint8, string, string, uint32, string[], uint32), (string)"),
      ["id-1", [1, "QmModel", prompt, 10, ["stop"], 0], ["answer"]],
    );
  for (let index = 0; index < 9; index++) {
    const blockNumber = 4_000 + index;
    await tables.block("og", blockNumber, T0 + 50_000 + 60 * index);
    await tables.insert("og", "onchainInference", {
      blockNumber,
      logIndex: index,
      kind: turn(["completion", "chat", "model", "workflow"], index),
      mode: turn([0, 1, 2, 9, null], index),
      modelCid: turn(["QmModel", "QmOther"], index),
      modelCidHex: utf8Hex(turn(["QmModel", "QmOther\u0000"], index)),
      inferenceId: "id-1",
      inferenceIdHex: utf8Hex("id-1"),
      caller: address(turn(["caller", "other"], index)),
      timestamp: T0 + 50_000 + 60 * index,
      txHash: hash(`infer${index}`),
      requestData: completion(`prompt ${index}`),
      ...(index % 2 === 0
        ? {
            hub: address("hub"),
            hubEvent: "LLMCompletionResult",
            hubLogIndex: index + 1,
            hubData: encodeAbiParameters(parseAbiParameters("(string)"), [["answer"]]),
          }
        : {}),
    });
  }
}
