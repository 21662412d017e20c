/** Fields of inferences, their receipts, models, and inferences that ran on chain. */
import { count, HOUR, hash32, lengthAndHash, rangeFilter, rare, SAMPLES, time, type Words } from "./word.ts";

const { bytes, inference, now, payer, settlement, teeId } = SAMPLES;

/** How an inference's id is made. */
const INFERENCE_ID = "keccak256(abi.encode(teeId, inputHash, outputHash, timestamp))";

export const INFERENCE_WORDS: Words = {
  inferenceId: hash32(`The inference's id, ${INFERENCE_ID}`, inference),
  "Inference.id": hash32(`The inference's id, ${INFERENCE_ID}`, inference),
  "getInference.id": hash32("The inference's id", inference),
  "getReceipt.id": hash32("The inference's id", inference),
  inputHash: hash32("keccak256 of the canonical request", bytes(32, "1a907c5e")),
  outputHash: hash32("keccak256 of the answer's content", bytes(32, "0a7b07c5")),
  signedAt: time("When the enclave signed", 60),
  "Inference.signedAt": time("When the enclave signed", 60, "when that is beyond 2^53-1"),
  signature: {
    says: "RSA-PSS signature by the enclave over input hash, output hash and time; lists show its first 4,096 bytes: a genuine one has 256.",
    sample: bytes(24, "51673d00"),
  },
  "Inference.signature": {
    says: "RSA-PSS signature by the enclave over input hash, output hash and time, a valid one where there is one; lists show its first 4,096 bytes: a genuine one has 256.",
  },
  ...lengthAndHash("signature", "inferenceId", "modelCid"),
  signatureValid: {
    says: "Whether the signature is the node's; null while no registry has shown the node's key. False says nothing about the node: anyone can post a leaf in its name.",
  },
  counted: {
    says: "Whether it counts wherever inferences are counted, and has a receipt: a valid signature of it was settled at or after its node's registration.",
  },
  uncountedReason: {
    says: "Why it does not count: `unknown-node` when its node was not registered where it was settled, `invalid-signature`, `unknown-key` while no registry has shown the node's key, `pending` until it is checked. Null when it counts.",
  },
  nodeAtSigning: {
    says: "The node in the second of signing, in the first configured registry that had it by then; null when none had, or the second is not indexed yet.",
  },
  "Inference.settlements": { says: "Where it was settled." },
  "settlements.id": { says: "The settlement: `chainId-txHash-logIndex`.", sample: settlement },
  "Inference.teeId": hash32("The node that it names", teeId),
  "nodeAtSigning.registry": {
    says: "The first configured registry that had the node by then.",
    sample: SAMPLES.registry,
  },
  "nodeAtSigning.pcrHash": hash32(
    "Hash of the PCRs, the enclave's measurements",
    SAMPLES.pcr,
    "when the record could not be read",
  ),
  leafIndex: { says: "Its leaf in the batch, from 0; null for an individual settlement.", sample: 5 },
  claimedPayers: { says: "Who paid, as these settlements claim; nobody signed it.", sample: payer },

  // Models and tokens
  model: { says: "The model, as payloads name it, sanitised.", sample: "openai/gpt-5" },
  promptTokens: count("Tokens of the request, as payloads claim", 412, "when none does"),
  completionTokens: count("Tokens of the answer, as payloads claim", 96, "when none does"),
  inferences: count("Distinct inferences with a valid signature of a node that was registered by then", 42),
  "Model.promptTokens": count("Tokens of their requests, as payloads claim", 412, "when none does"),
  "Model.completionTokens": count("Tokens of their answers, as payloads claim", 96, "when none does"),
  "Model.nodes": count("Distinct nodes that ran it", 3),
  "Model.firstSeenAt": time(
    "When the first of its inferences was signed",
    480 * HOUR,
    "when that is beyond 2^53-1",
  ),
  "Model.lastSeenAt": time("When the last of its inferences was signed", 60, "when that is beyond 2^53-1"),
  models: count("Distinct models that payloads name", 6),

  // On chain
  onchainInferences: count("On-chain inferences and workflow results", 85),
  "OnchainInference.kind": { says: "What was run.", sample: "chat" },
  mode: { says: "How it is proved; null when only the hub spoke, or the number has no name.", sample: "tee" },
  modelCid: {
    says: "The model's CID, sanitised.",
    sample: "QmRLzw5Q4y1cZNgPpFvVmTFbqZmrm1s8BcJ7RsYw6Xz9Wd",
  },
  modelCidHex: rare("Raw bytes of the CID, when `modelCid` is not exactly what they say; at most 4,096."),
  "OnchainInference.inferenceId": { says: "The precompile's own id for it, sanitised.", sample: "id-1" },
  inferenceIdHex: rare(
    "Raw bytes of that id, when `inferenceId` is not exactly what they say; at most 4,096.",
  ),
  caller: { says: "Sender of the transaction, or the caller of a workflow.", sample: bytes(20, "ca11e400") },
  hub: { says: "The hub's event that followed; null without one." },
  "hub.address": { says: "The hub's contract.", sample: bytes(20, "0ab00b00") },
  "hub.event": { says: "Name of the event.", sample: "LLMChatResult" },
  content: rare("Request and response."),
  "content.request": { says: "What was asked; its shape depends on `kind`." },
  "content.response": { says: "What was answered; its shape depends on `kind`." },
  "content.result": {
    says: "What the event of the hub or of the workflow says; its shape depends on `kind`.",
  },
  "content.shortened": { says: "Whether texts or lists were cut." },

  // Receipts
  "Receipt.settlement": { says: "Where it was settled." },
  "verdicts.settlement": { says: "This index's verdict on the settlement.", sample: "verified" },
  "leaf.timestamp": { says: "When the enclave signed, unix seconds.", sample: String(now - 60) },

  // Filters
  "InferenceFilter.teeId": hash32("Inferences that name this node", teeId),
  "InferenceFilter.payer": { says: "Inferences of which a settlement claims this payer.", sample: payer },
  "InferenceFilter.inputHash": hash32("With this hash of the request", bytes(32, "1a907c5e")),
  "InferenceFilter.outputHash": hash32("With this hash of the answer", bytes(32, "0a7b07c5")),
  "InferenceFilter.model": { says: "Run with this model, by its exact name.", sample: "openai/gpt-5" },
  "InferenceFilter.signatureValid": { says: "Only those whose signature is valid, or invalid." },
  "InferenceFilter.counted": { says: "Only those that count, or that do not." },
  ...rangeFilter("InferenceFilter", "Signed"),
  "OnchainInferenceFilter.mode": { says: "How they are proved.", sample: "tee" },
  "OnchainInferenceFilter.kind": { says: "What was run.", sample: "chat" },
  "OnchainInferenceFilter.modelCid": { says: "The model's CID, exactly." },
  ...rangeFilter("OnchainInferenceFilter", "Run"),
};
