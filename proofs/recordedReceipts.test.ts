/** Receipts for what the real contracts emitted on the recorded chain, checked against that chain. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { type Log, parseEventLogs } from "viem";
import { describe, expect, it } from "vitest";
import { InferenceSettlementRelayAbi } from "../abis/InferenceSettlementRelay.ts";
import { TEERegistryAbi } from "../abis/TEERegistry.ts";
import { decodeTeeRecord } from "../abis/teeRecord.ts";
import { hasRecording, recordingDirectory, recordingMeta } from "../test/recorded/recording.ts";
import { readBatchBlob } from "./batchBlob.ts";
import { blobIdOf } from "./blobId.ts";
import { checkReceipt } from "./checkReceipt.ts";
import type { Hex } from "./hex.ts";
import { inferenceId, type SignedInference } from "./inference.ts";
import { leafHash, MerkleTree } from "./merkle.ts";
import { RECEIPT_VERSION, type Receipt } from "./receipt.ts";
import { checkReceiptOnChain } from "./receiptOnChain.ts";
import { hashOf, rpcOf } from "./testing/receipts.ts";

type Settlement = Receipt["settlement"];
/** As JSON-RPC spells it: what viem's type calls a number is still hex, for which `Number` is the same. */
type MinedLog = Log<bigint, number, false>;
interface Line {
  readonly block: Readonly<Record<"hash" | "number" | "timestamp", Hex>>;
  readonly receipts: readonly { readonly transactionHash: Hex; readonly logs: readonly MinedLog[] }[];
}

const read = (name: string) => gunzipSync(readFileSync(path.join(recordingDirectory, name))).toString();

/** The chain's answers, its logs in order, and its blocks' times. */
function readChain() {
  const answers = new Map<string, unknown>([["eth_chainId", "0x29f4"]]);
  const logs: MinedLog[] = [];
  const times = new Map<Hex, number>();
  for (const line of read("og.jsonl.gz").split("\n").filter(Boolean)) {
    const { block, receipts } = JSON.parse(line) as Line;
    const { hash, number, timestamp } = block;
    answers.set(hash, { hash, number, timestamp });
    times.set(hash, Number(timestamp));
    for (const receipt of receipts) {
      // The recording is large, and most of it is about other contracts.
      const ours = receipt.logs.filter(({ address }) => address === relay || address === registry);
      if (ours.length > 0) answers.set(receipt.transactionHash, receipt);
      logs.push(...ours);
    }
  }
  return { answers, logs, times };
}

const { registry, relay } = hasRecording ? recordingMeta().og.contracts : { registry: null, relay: null };
const { answers, logs, times } = hasRecording
  ? readChain()
  : { answers: new Map<string, unknown>(), logs: [], times: new Map<Hex, number>() };

const placeOf = (log: MinedLog) => ({
  txHash: log.transactionHash,
  logIndex: Number(log.logIndex),
  blockNumber: Number(log.blockNumber),
});
const timeOf = (log: MinedLog) => times.get(log.blockHash) ?? Number.NaN;

function registrations() {
  const { calls } = JSON.parse(read("og-calls.json.gz")) as {
    calls: { fn: string; reg?: boolean; data: Hex; result: Hex }[];
  };
  const keys = new Map(
    calls
      .filter(({ fn, reg }) => fn === "getTEE" && reg)
      .map(({ data, result }) => [`0x${data.slice(10)}`, decodeTeeRecord(result).publicKey]),
  );
  const found = new Map<Hex, Pick<Receipt, "publicKey" | "registration">>();
  const registered = logs.filter((log) => log.address === registry);
  for (const log of parseEventLogs({ abi: TEERegistryAbi, eventName: "TEERegistered", logs: registered })) {
    const { teeId, owner, teeType } = log.args;
    found.set(teeId, {
      publicKey: keys.get(teeId) ?? null,
      registration: {
        registry: log.address,
        ...placeOf(log),
        registeredAt: timeOf(log),
        owner: owner.toLowerCase() as Hex, // viem gives the checksummed spelling
        teeType,
      },
    });
  }
  return found;
}

function settlementFields(log: MinedLog, blobIdHex: Hex) {
  const place = placeOf(log);
  return {
    id: `10740-${place.txHash}-${place.logIndex}`,
    chainId: 10740,
    relay: log.address,
    ...place,
    blockHash: log.blockHash,
    settledAt: timeOf(log),
    blobIdHex,
  };
}

const nodes = hasRecording ? registrations() : new Map<Hex, Pick<Receipt, "publicKey" | "registration">>();

function receiptOf(leaf: SignedInference, settlement: Settlement, merkle: Receipt["merkle"]): Receipt {
  return {
    version: RECEIPT_VERSION,
    inferenceId: inferenceId(leaf),
    leaf: { ...leaf, timestamp: String(leaf.timestamp) },
    settlement,
    merkle,
    ...(nodes.get(leaf.teeId) ?? { publicKey: null, registration: null }),
    nodeAtSigning: { status: null, pcr: null },
    verdicts: { signature: "valid", settlement: "verified", reason: null },
    asOf: { chainId: 10740, blockNumber: 2803, blockTime: 0, proofs: null },
  };
}

/** The receipts of everything that the relay settled. */
function* recordedReceipts(): Generator<Receipt> {
  const settlements = parseEventLogs({
    abi: InferenceSettlementRelayAbi,
    eventName: ["IndividualSettlement", "BatchSettlement"],
    logs: logs.filter((log) => log.address === relay),
  });
  for (const log of settlements) {
    if (log.eventName === "IndividualSettlement") {
      const { ethAddress, walrusBlobId, ...leaf } = log.args;
      const claimedPayer = ethAddress.toLowerCase() as Hex; // viem gives the checksummed spelling
      const fields = settlementFields(log, walrusBlobId);
      yield receiptOf(leaf, { kind: "individual", ...fields, claimedPayer }, null);
      continue;
    }
    // The legacy event of that name has no blob.
    if (!("walrusBlobId" in log.args)) continue;
    const { merkleRoot, batchSize, walrusBlobId } = log.args;
    const file = path.join(recordingDirectory, "blobs", blobIdOf(walrusBlobId) ?? "none");
    const blob = existsSync(file) ? readBatchBlob(readFileSync(file), merkleRoot) : { leaves: [] };
    if ("invalid" in blob || blob.leaves.length === 0) continue;
    const tree = new MerkleTree(blob.leaves.map(leafHash));
    const fields = settlementFields(log, walrusBlobId);
    for (const [index, leaf] of blob.leaves.entries())
      yield receiptOf(
        leaf,
        { kind: "batch", ...fields, merkleRoot, batchSize: String(batchSize) },
        { path: tree.path(index) },
      );
  }
}

describe.skipIf(!hasRecording)("receipts of the recorded chain", () => {
  it("hold exactly for the leaves and settlements that count, by themselves and on chain", async () => {
    const outcomes: Record<string, number> = {};
    const rpc = rpcOf(answers);
    for (const receipt of recordedReceipts()) {
      const alone = checkReceipt(receipt);
      const check = alone.ok ? await checkReceiptOnChain(receipt, rpc) : alone;
      const outcome = `${receipt.settlement.kind} ${check.ok ? "ok" : check.reason}`;
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
    const truth = JSON.parse(read("truth-og.json.gz")) as {
      individual: unknown[];
      batches: { leaves: [Hex, number, string][] }[];
    };
    const leaves = truth.batches.flatMap((batch) => batch.leaves);
    const count = (reason: string) => leaves.filter(([, , other]) => other === reason).length;
    expect(outcomes).toEqual({
      "individual ok": truth.individual.length,
      "batch ok": count("ok"),
      "batch signature-invalid": count("bad_signature"),
      // No key is known of a node that no registry has shown.
      "batch key-missing": count("unknown_tee"),
      "batch registered-after-settlement": count("registered_later"),
    });
    // Thousands of receipts: seconds where others use the cores, too.
  }, 60_000);

  it("do not hold on another chain's answers", async () => {
    const [receipt] = recordedReceipts();
    if (!receipt) throw new Error("the recording has no settlement");
    const forked = new Map(answers).set(receipt.settlement.txHash, {
      ...Object(answers.get(receipt.settlement.txHash)),
      blockHash: hashOf("fork"),
    });
    const check = await checkReceiptOnChain(receipt, rpcOf(forked));
    expect(check).toMatchObject({ ok: false, reason: "block-mismatch" });
  });
});
