/** Receipts that hold, with real keys, and the chain they are on. */
import { encodeAbiParameters, encodeEventTopics, numberToHex, parseAbi, toHex } from "viem";
import { type Hex, hexOf } from "../hex.ts";
import { inferenceId, type SignedInference } from "../inference.ts";
import { keccak256Hex } from "../keccak.ts";
import { leafHash, MerkleTree } from "../merkle.ts";
import { RECEIPT_VERSION, type Receipt } from "../receipt.ts";
import type { Rpc } from "../receiptOnChain.ts";
import { type Enclave, signInference } from "./leaves.ts";

/** A hash that stands for something. */
export const hashOf = (what: string): Hex => keccak256Hex(Buffer.from(what));
const addressOf = (what: string): Hex => `0x${hashOf(what).slice(26)}`;

const CHAIN_ID = 10740;
const SETTLED_AT = 1_793_500_000;

export function signedInferences(enclave: Enclave, count: number): SignedInference[] {
  return Array.from({ length: count }, (_, i) =>
    signInference(enclave, {
      inputHash: hashOf(`input ${i}`),
      outputHash: hashOf(`output ${i}`),
      timestamp: BigInt(SETTLED_AT - 60 + i),
    }),
  );
}

function receiptOf(enclave: Enclave, leaf: SignedInference): Omit<Receipt, "settlement" | "merkle"> {
  return {
    version: RECEIPT_VERSION,
    inferenceId: inferenceId(leaf),
    leaf: { ...leaf, timestamp: String(leaf.timestamp) },
    publicKey: hexOf(enclave.publicKeyDer),
    registration: {
      registry: addressOf("registry"),
      txHash: hashOf("registration"),
      logIndex: 2,
      blockNumber: 30,
      registeredAt: SETTLED_AT - 5000,
      owner: addressOf("owner"),
      teeType: 0,
    },
    nodeAtSigning: { status: "active", pcr: { hash: hashOf("pcr"), version: "v1.2", approved: true } },
    verdicts: { signature: "valid", settlement: "verified", reason: null },
    asOf: { chainId: CHAIN_ID, blockNumber: 50, blockTime: SETTLED_AT + 60, proofs: 7 },
  };
}

function settlementOf(name: string) {
  const txHash = hashOf(`settlement ${name}`);
  return {
    id: `${CHAIN_ID}-${txHash}-5`,
    chainId: CHAIN_ID,
    relay: addressOf("relay"),
    txHash,
    logIndex: 5,
    blockNumber: 41,
    blockHash: hashOf("block 41"),
    settledAt: SETTLED_AT,
    blobIdHex: toHex("A".repeat(43)),
  };
}

/** The receipt of the leaf at `index` of a batch of all of them. */
export function batchReceipt(
  enclave: Enclave,
  leaves: readonly SignedInference[],
  index: number,
  name = "batch",
): Receipt {
  const leaf = leaves[index];
  if (!leaf) throw new RangeError(`no leaf ${index}`);
  const tree = new MerkleTree(leaves.map(leafHash));
  return {
    ...receiptOf(enclave, leaf),
    settlement: {
      kind: "batch",
      ...settlementOf(name),
      merkleRoot: tree.root,
      batchSize: String(leaves.length),
    },
    merkle: { path: tree.path(index) },
  };
}

export const individualReceipt = (enclave: Enclave, leaf: SignedInference): Receipt => ({
  ...receiptOf(enclave, leaf),
  settlement: { kind: "individual", ...settlementOf("individual"), claimedPayer: addressOf("payer") },
  merkle: null,
});

const abi = parseAbi([
  "event IndividualSettlement(bytes32 indexed teeId, address indexed ethAddress, bytes32 inputHash, bytes32 outputHash, uint256 timestamp, bytes walrusBlobId, bytes signature)",
  "event BatchSettlement(bytes32 indexed merkleRoot, uint256 batchSize, bytes walrusBlobId)",
  "event TEERegistered(bytes32 indexed teeId, address indexed owner, uint8 teeType)",
]);
const types = (signature: string) => signature.split(" ").map((type) => ({ type }));

function settlementEvent({ leaf, settlement }: Receipt) {
  if (settlement.kind === "batch")
    return {
      topics: encodeEventTopics({
        abi,
        eventName: "BatchSettlement",
        args: { merkleRoot: settlement.merkleRoot },
      }),
      data: encodeAbiParameters(types("uint256 bytes"), [BigInt(settlement.batchSize), settlement.blobIdHex]),
    };
  return {
    topics: encodeEventTopics({
      abi,
      eventName: "IndividualSettlement",
      args: { teeId: leaf.teeId, ethAddress: settlement.claimedPayer },
    }),
    data: encodeAbiParameters(types("bytes32 bytes32 uint256 bytes bytes"), [
      leaf.inputHash,
      leaf.outputHash,
      BigInt(leaf.timestamp),
      settlement.blobIdHex,
      leaf.signature,
    ]),
  };
}

/** A node's answers on the chain of a receipt, its logs encoded by viem. */
export function chainOf(receipt: Receipt): Map<string, unknown> {
  const { settlement, registration } = receipt;
  if (!registration) throw new Error("a receipt without registration is on no chain");
  const transaction = (
    { txHash, blockNumber, logIndex }: { txHash: Hex; blockNumber: number; logIndex: number },
    blockHash: Hex,
    log: object,
  ) => ({
    transactionHash: txHash,
    status: "0x1",
    blockNumber: numberToHex(blockNumber),
    blockHash,
    logs: [
      { logIndex: numberToHex(logIndex + 1), address: settlement.relay, topics: [], data: "0x" },
      { logIndex: numberToHex(logIndex), ...log },
    ],
  });
  const block = (hash: Hex, number: number, timestamp: number) => ({
    hash,
    number: numberToHex(number),
    timestamp: numberToHex(timestamp),
  });
  const registeredIn = hashOf(`block ${registration.blockNumber}`);
  const registered = {
    address: registration.registry,
    topics: encodeEventTopics({
      abi,
      eventName: "TEERegistered",
      args: { teeId: receipt.leaf.teeId, owner: registration.owner },
    }),
    data: encodeAbiParameters(types("uint8"), [registration.teeType]),
  };
  return new Map<string, unknown>([
    ["eth_chainId", numberToHex(settlement.chainId)],
    [
      settlement.txHash,
      transaction(settlement, settlement.blockHash, {
        address: settlement.relay,
        ...settlementEvent(receipt),
      }),
    ],
    [registration.txHash, transaction(registration, registeredIn, registered)],
    [settlement.blockHash, block(settlement.blockHash, settlement.blockNumber, settlement.settledAt)],
    [registeredIn, block(registeredIn, registration.blockNumber, registration.registeredAt)],
  ]);
}

/** Answers by the first parameter, or by the method when there is none; unknown is null. */
export const rpcOf =
  (answers: ReadonlyMap<string, unknown>): Rpc =>
  async (method, params) =>
    answers.get(String(params[0] ?? method)) ?? null;

/** The paths of all values in a document that hold no others. */
export function scalarsOf(document: unknown, path: readonly (string | number)[] = []): (string | number)[][] {
  if (typeof document !== "object" || document === null) return [[...path]];
  return Object.entries(document).flatMap(([key, value]) => scalarsOf(value, [...path, key]));
}

/** The same with one value replaced. */
export function replaced<T>(document: T, path: readonly (string | number)[], value: unknown): T {
  const [key, ...rest] = path;
  if (key === undefined) return value as T; // a test's mutation, of any shape
  const copy: Record<string, unknown> = Array.isArray(document)
    ? (document.slice() as unknown as Record<string, unknown>)
    : { ...(document as Record<string, unknown>) };
  copy[key] = replaced(copy[key], rest, value);
  return copy as T;
}
