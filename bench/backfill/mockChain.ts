/**
 * A chain that exists only as arithmetic: a few registry and relay logs in every block, answered over JSON-RPC
 * as fast as one process can. `tsx mockChain.ts <port> <logs>` serves until it is stopped.
 *
 * Proportions follow a network of 2,000 nodes that heartbeat every 900 s, a block every 4 s, and
 * settlements in batches: of 1,000 logs 900 are heartbeats, 60 individual settlements, 36 batch settlements and 4 status
 * changes. That makes ten logs a block.
 */
import { createServer } from "node:http";
import { encodeAbiParameters, encodeEventTopics, type Hex, keccak256, numberToHex, pad, toHex } from "viem";
import { InferenceSettlementRelayAbi } from "../../abis/InferenceSettlementRelay.ts";
import { TEERegistryAbi } from "../../abis/TEERegistry.ts";
import { GET_TEE_SELECTOR } from "../../abis/teeRecord.ts";

export const REGISTRY = "0x703cb174aeadb35d611858369b4b1111dc9abda6";
export const RELAY = "0xf1dc0d5dcf2a01924fac78185b9227cf3ec839a5";
const BLOCK_SECONDS = 4;
const NODES = 2000;
const LOGS_PER_BLOCK = 10;
const START_SECONDS = 1_780_000_000;

/** @throws {RangeError} when there is no such item. */
function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`no item ${index} of ${items.length}`);
  return item;
}

const publicKeys = Array.from(
  { length: NODES },
  (_, index): Hex =>
    `0x${keccak256(toHex(`key ${index}`))
      .slice(2)
      .padEnd(294 * 2, "ab")}`,
);
const teeIds = publicKeys.map((key) => keccak256(key));
const addressOf = (text: string): Hex => `0x${keccak256(toHex(text)).slice(26)}`;
const owners = teeIds.map((_, index) => addressOf(`owner ${index % 60}`));
const relayers = [0, 1, 2, 3].map((index) => addressOf(`relayer ${index}`));
const nodeByteLengths = { certificate: 900, signature: 256 };
const signature: Hex = `0x${"5a".repeat(nodeByteLengths.signature)}`;

const timestampOf = (block: number) => START_SECONDS + block * BLOCK_SECONDS;
const blockHash = (block: number): Hex => numberToHex(0xb10cn * 2n ** 64n + BigInt(block), { size: 32 });
const txHash = (block: number, index: number): Hex =>
  numberToHex(0x7an * 2n ** 96n + BigInt(block) * 2n ** 16n + BigInt(index), { size: 32 });
const hash32 = (kind: number, sequence: number): Hex =>
  numberToHex(BigInt(kind) * 2n ** 200n + BigInt(sequence), { size: 32 });

const eventTopics = {
  registered: encodeEventTopics({ abi: TEERegistryAbi, eventName: "TEERegistered" })[0],
  heartbeat: encodeEventTopics({ abi: TEERegistryAbi, eventName: "HeartbeatReceived" })[0],
  enabled: encodeEventTopics({ abi: TEERegistryAbi, eventName: "TEEEnabled" })[0],
  disabled: encodeEventTopics({ abi: TEERegistryAbi, eventName: "TEEDisabled" })[0],
  individual: encodeEventTopics({ abi: InferenceSettlementRelayAbi, eventName: "IndividualSettlement" })[0],
  batch: keccak256(toHex("BatchSettlement(bytes32,uint256,bytes)")),
};
const blobId = toHex("mock-chain-blob-id-of-fortythree-characters".slice(0, 43));
const word = (value: number | bigint) => numberToHex(value, { size: 32 });
const individualTail = encodeAbiParameters(
  [{ type: "bytes32" }, { type: "bytes32" }, { type: "uint256" }, { type: "bytes" }, { type: "bytes" }],
  [word(0), word(0), 0n, blobId, signature],
).slice(2 + 3 * 64);
const batchTail = encodeAbiParameters([{ type: "uint256" }, { type: "bytes" }], [20n, blobId]);

interface Log {
  readonly address: Hex;
  readonly topics: readonly Hex[];
  readonly data: Hex;
  readonly sender: Hex;
}

/** Where among a thousand logs a node is disabled, enabled, disabled, enabled. */
const STATUS_SLOTS = [241, 491, 741, 991];

/** The log number `sequence` of the chain, 0-based. */
function logAt(sequence: number): Log {
  const block = Math.floor(sequence / LOGS_PER_BLOCK);
  if (sequence < NODES)
    return {
      address: REGISTRY,
      topics: [eventTopics.registered, at(teeIds, sequence), pad(at(owners, sequence))],
      data: word(0),
      sender: at(owners, sequence),
    };
  const slot = sequence % 1000;
  const node = Math.floor(sequence / 7 + sequence) % NODES;
  const teeId = at(teeIds, node);
  const relayer = at(relayers, sequence % relayers.length);
  const status = STATUS_SLOTS.indexOf(slot);
  if (status !== -1)
    // Two nodes of a thousand logs are disabled, and enabled again 250 logs later.
    return {
      address: REGISTRY,
      topics: [
        status % 2 === 0 ? eventTopics.disabled : eventTopics.enabled,
        at(teeIds, (Math.floor(sequence / 1000) * 2 + Math.floor(status / 2)) % NODES),
      ],
      data: "0x",
      sender: at(owners, node),
    };
  if (slot % 10 === 9 && slot < 600)
    return {
      address: RELAY,
      topics: [eventTopics.individual, teeId, pad(addressOf(`payer ${sequence % 500}`))],
      data: `0x${hash32(1, sequence).slice(2)}${hash32(2, sequence).slice(2)}${word(timestampOf(block) - 30).slice(2)}${individualTail}`,
      sender: relayer,
    };
  if (slot % 10 === 9 && slot < 960)
    return {
      address: RELAY,
      topics: [eventTopics.batch, hash32(3, sequence)],
      data: batchTail,
      sender: relayer,
    };
  return {
    address: REGISTRY,
    topics: [eventTopics.heartbeat, teeId],
    data: word(timestampOf(block) - (sequence % 20)),
    sender: relayer,
  };
}

const bloom = `0x${"f".repeat(512)}`;
const zero32 = word(0);

const fullLog = (log: Log, block: number, index: number) => ({
  address: log.address,
  topics: log.topics,
  data: log.data,
  blockHash: blockHash(block),
  blockNumber: numberToHex(block),
  blockTimestamp: numberToHex(timestampOf(block)),
  transactionHash: txHash(block, index),
  transactionIndex: numberToHex(index),
  logIndex: numberToHex(index),
  removed: false,
});

const heartbeatInput = `0x42830ad8${"00".repeat(32 * 12)}`;

const transaction = (log: Log, block: number, index: number) => ({
  hash: txHash(block, index),
  from: log.sender,
  to: log.address,
  input: heartbeatInput,
  value: "0x0",
  nonce: "0x0",
  gas: "0x5208",
  gasPrice: "0x1",
  blockHash: blockHash(block),
  blockNumber: numberToHex(block),
  transactionIndex: numberToHex(index),
  type: "0x0",
  v: "0x1b",
  r: zero32,
  s: zero32,
});

function blockAt(number: number, head: number, lastSequence: number) {
  if (number > head) return null;
  const first = number * LOGS_PER_BLOCK;
  const transactions = [];
  for (let index = 0; index < LOGS_PER_BLOCK && first + index < lastSequence; index++)
    transactions.push(transaction(logAt(first + index), number, index));
  return {
    number: numberToHex(number),
    hash: blockHash(number),
    parentHash: number === 0 ? zero32 : blockHash(number - 1),
    timestamp: numberToHex(timestampOf(number)),
    logsBloom: bloom,
    transactions,
    miner: owners[0],
    gasUsed: "0x0",
    gasLimit: "0x1c9c380",
    baseFeePerGas: "0x1",
    nonce: "0x0000000000000000",
    mixHash: zero32,
    stateRoot: zero32,
    receiptsRoot: zero32,
    transactionsRoot: zero32,
    sha3Uncles: zero32,
    size: "0x0",
    difficulty: "0x0",
    totalDifficulty: "0x0",
    extraData: "0x",
  };
}

const recordParameters = [
  {
    type: "tuple",
    components: [
      { type: "address" },
      { type: "address" },
      { type: "bytes" },
      { type: "bytes" },
      { type: "bytes" },
      { type: "bytes32" },
      { type: "uint8" },
      { type: "bool" },
      { type: "uint256" },
      { type: "uint256" },
    ],
  },
] as const;

function call(data: Hex): Hex {
  if (!data.startsWith(GET_TEE_SELECTOR)) return word(1800);
  const index = teeIds.indexOf(`0x${data.slice(10)}`);
  const record = [
    at(owners, index),
    at(owners, index),
    toHex(`https://node-${index}.example.net`),
    at(publicKeys, index),
    `0x${"30".repeat(nodeByteLengths.certificate)}`,
    hash32(9, 1),
    0,
    true,
    1n,
    1n,
  ] as const;
  return encodeAbiParameters(recordParameters, [record]);
}

/** Serves the chain; resolves once it listens. */
export function serveMockChain(port: number, logs: number): Promise<void> {
  // Ponder keeps the newest 30 blocks for its live phase: blocks without logs follow, so that all logs are history.
  const head = Math.ceil(logs / LOGS_PER_BLOCK) + 40;
  const numberOf = (tag: string) => (tag.startsWith("0x") ? Number(tag) : tag === "earliest" ? 0 : head);
  const answer = (method: string, params: readonly unknown[]): unknown => {
    // parameters have the types that JSON-RPC gives each method: only Ponder calls
    switch (method) {
      case "eth_chainId":
        return numberToHex(10740);
      case "eth_blockNumber":
        return numberToHex(head);
      case "eth_call":
        return call((params[0] as { data: Hex }).data); // the call
      case "eth_getBlockByNumber":
        return blockAt(numberOf(String(params[0])), head, logs);
      case "eth_getLogs": {
        const filter = params[0] as {
          fromBlock: Hex;
          toBlock: Hex;
          address?: Hex | Hex[];
          topics?: (Hex | Hex[] | null)[];
        }; // the filter
        const addresses =
          filter.address === undefined ? null : new Set([filter.address].flat().map((a) => a.toLowerCase()));
        const first = filter.topics?.[0] == null ? null : new Set([filter.topics[0]].flat());
        const matching = [];
        for (let block = Number(filter.fromBlock); block <= Math.min(Number(filter.toBlock), head); block++)
          for (let index = 0; index < LOGS_PER_BLOCK; index++) {
            const sequence = block * LOGS_PER_BLOCK + index;
            if (sequence >= logs) break;
            const log = logAt(sequence);
            if (addresses !== null && !addresses.has(log.address)) continue;
            if (first !== null && !first.has(at(log.topics, 0))) continue;
            matching.push(fullLog(log, block, index));
          }
        return matching;
      }
      default:
        throw new Error(`the mock chain does not answer ${method}`);
    }
  };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer); // a stream without an encoding
    const one = ({ id, method, params }: { id: unknown; method: string; params?: unknown[] }) => {
      try {
        return { jsonrpc: "2.0", id, result: answer(method, params ?? []) };
      } catch (error) {
        return { jsonrpc: "2.0", id, error: { code: -32601, message: String(error) } };
      }
    };
    const body = JSON.parse(Buffer.concat(chunks).toString());
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(Array.isArray(body) ? body.map(one) : one(body)));
  });
  server.keepAliveTimeout = 60_000;
  return new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
}

const [port, logs] = process.argv.slice(2).map(Number);
if (port !== undefined && logs !== undefined) {
  await serveMockChain(port, logs);
  process.stdout.write("listening\n");
}
