/** Fields of settlements and of the leaves of batches. */
import { MAX_LIST_BYTES } from "../queries/reading/page.ts";
import {
  count,
  hash32,
  lengthAndHash,
  listedBytes,
  rangeFilter,
  rare,
  SAMPLES,
  time,
  type Words,
} from "./word.ts";

const { bytes, inference, now, payer, relayer, teeId, transaction } = SAMPLES;

export const SETTLEMENT_WORDS: Words = {
  kind: { says: "Which kind.", sample: "individual" },
  "Settlement.kind": { says: "How it was recorded.", sample: "individual" },
  relay: { says: "The contract that emitted the event.", sample: bytes(20, "5e771e00") },
  relayer: { says: "Sender of the transaction.", sample: relayer },
  settledAt: time("Block time of the settlement", 46),
  "Settlement.teeId": hash32("Of an individual settlement: the node that it names", teeId),
  "Settlement.inferenceId": hash32("Of an individual settlement: the inference's id", inference),
  claimedPayer: { says: "Who paid, by the relayer's word: nobody signed it.", sample: payer },
  merkleRoot: hash32("Of a batch: the Merkle root of its leaves", bytes(32, "be2c1e00")),
  batchSize: count("Of a batch: its number of leaves, by the relayer's word", 128),
  blobId: {
    says: "Id of the Walrus blob, 43 characters of base64url; null when the event has none.",
    sample: "Zm9yIGV4YW1wbGUgYSBXYWxydXMgYmxvYiBpZCBoZXJ",
  },
  blobIdHex: rare(`Raw bytes of the event, when they are no blob id; ${listedBytes(MAX_LIST_BYTES)}.`),
  ...lengthAndHash("blobId"),

  // What checking showed
  verdict: {
    says: "What checking showed. `verified`: every signature is valid. `partial`: the root is right, but some leaves do not count or their number differs from `batchSize`. `invalid`: the blob's values do not give the root, or the signature is invalid. `unavailable`: the blob cannot be fetched. `unverifiable`: a legacy event without a signature.",
    sample: "verified",
  },
  reason: rare("A stable code for the cause; null when there is nothing to explain."),
  "Settlement.reason": rare("A stable code: why the verdict is not `verified`; null when it is."),
  "Settlement.detail": {
    says: "The reason as a sentence, with the value and the rule; null without a reason.",
  },
  leafCount: count("Of a batch whose blob gives its root: leaves in the blob", 128),
  validLeaves: count(
    "Of a batch whose blob gives its root: leaves with a valid signature of a node that was registered at or before the settlement",
    128,
  ),
  invalidLeaves: count(
    "Of a batch whose blob gives its root: leaves with an invalid signature, which is the relayer's fault",
    0,
  ),
  payload: {
    says: "Of an individual settlement: what became of the blob that it names. `matched`: its contents hash to what was signed. It has no part in the verdict.",
  },
  "payload.state": { says: "What became of it.", sample: "matched" },

  // Leaves
  leaves: { says: "Leaves of the batch." },
  "Leaf.leafIndex": { says: "Its position among the blob's values, from 0.", sample: 5 },
  "Leaf.teeId": hash32("The node that the leaf names", teeId),
  "Leaf.signature": {
    says: "The leaf's signature, at most its first 4,096 bytes: a genuine one has 256.",
  },
  "Leaf.timestamp": {
    says: "When the enclave signed, unix seconds: a uint256 in decimal, exactly as signed.",
    sample: String(now - 60),
  },
  "Leaf.verdict": {
    says: "What checking showed. `valid`: signed by the node, which was registered by then. `invalid`: not signed by it, which is the relayer's fault. `unknown-node`: no registry has shown the node's key, or it was registered after the settlement.",
    sample: "valid",
  },
  "leaves.valid": count("Leaves with a valid signature of a registered node", 1_280),
  "leaves.invalid": count("Leaves with an invalid signature", 0),
  unknownNode: count("Leaves that name no node that was registered by then", 0),

  // Counts
  settlements: { says: "Settlements, by kind." },
  individual: count("Settlements of one inference each", 310),
  batch: count("Merkle roots of many inferences", 12),
  legacy: count("Events of earlier contracts", 0),
  claimedLeaves: count("Leaves of batches, by the relayers' word", 1_536),
  verdicts: { says: "Settlements, by verdict." },
  "verdicts.pending": count("Not checked yet", 2),
  "verdicts.verified": count("Every signature is valid", 318),
  "verdicts.partial": count("Some leaves count, some do not", 1),
  "verdicts.invalid": count("The contents do not prove what was announced", 0),
  "verdicts.unavailable": count("The blob cannot be fetched", 1),
  "verdicts.unverifiable": count("There is nothing to check", 0),

  // Filters
  "SettlementFilter.kind": { says: "How they were recorded.", sample: "individual" },
  "SettlementFilter.teeId": hash32("Individual settlements that name this node", teeId),
  "SettlementFilter.payer": { says: "Settlements that claim this payer.", sample: payer },
  "SettlementFilter.verdict": { says: "What checking showed.", sample: "verified" },
  "SettlementFilter.merkleRoot": hash32("Batches with this root", bytes(32, "be2c1e00")),
  "SettlementFilter.txHash": hash32("Settled by this transaction", transaction),
  "SettlementFilter.blobId": {
    says: "Settlements that name this Walrus blob, 43 characters of base64url.",
  },
  "SettlementFilter.inferenceId": hash32(
    "Individual settlements of this inference, and batches with a leaf of it",
    inference,
  ),
  ...rangeFilter("SettlementFilter", "Settled"),
  "BatchLeafFilter.verdict": { says: "What checking showed.", sample: "valid" },
};
