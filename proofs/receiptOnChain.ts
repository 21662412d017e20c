/** Compares a receipt with the chain: are the logs that it claims at the places it names? */
import { z } from "zod";
import type { Refusal } from "./checkReceipt.ts";
import type { Hex } from "./hex.ts";
import type { Receipt } from "./receipt.ts";
import { type ExpectedLog, registrationLog, settlementLog } from "./receiptLogs.ts";

/**
 * One JSON-RPC call.
 * @throws when there is no answer or it is an error: the check then ends in `rpc-failed` with its message.
 */
export type Rpc = (method: string, params: readonly unknown[]) => Promise<unknown>;

/** Why a receipt does not agree with a chain; stable. Those of the registration's log begin with `registration-`. */
export type ChainProblem =
  | "rpc-failed"
  | "wrong-chain"
  | "not-registered"
  | LogProblem
  | `registration-${LogProblem}`;

type LogProblem =
  | "transaction-not-found"
  | "transaction-reverted"
  | "block-mismatch"
  | "time-mismatch"
  | "log-not-found"
  | "log-mismatch";

export type ChainCheck = { readonly ok: true; readonly checked: readonly string[] } | Refusal<ChainProblem>;

interface Place {
  readonly prefix: "" | "registration-";
  readonly txHash: Hex;
  readonly blockNumber: number;
  /** Null when the receipt does not say. */
  readonly blockHash: Hex | null;
  readonly logIndex: number;
  /** Unix seconds. */
  readonly blockTime: number;
}

const quantity = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,16}$/)
  .transform(Number);
const hex = z
  .string()
  .regex(/^0x[0-9a-fA-F]*$/)
  .toLowerCase();
const transactionReceipt = z.object({
  transactionHash: hex,
  status: quantity,
  blockNumber: quantity,
  blockHash: hex,
  logs: z.array(z.object({ logIndex: quantity, address: hex, topics: z.array(hex), data: hex })),
});
const block = z.object({ hash: hex, number: quantity, timestamp: quantity });

/** What ends the check; `rpc-failed` stands for any other error. */
class Disagreement extends Error {
  constructor(
    readonly reason: ChainProblem,
    detail: string,
  ) {
    super(detail);
  }
}

/** Never throws: a chain that cannot be reached leads to a refusal. */
export async function checkReceiptOnChain(receipt: Receipt, rpc: Rpc): Promise<ChainCheck> {
  try {
    return { ok: true, checked: await compareWithChain(receipt, rpc) };
  } catch (error) {
    const reason = error instanceof Disagreement ? error.reason : "rpc-failed";
    return { ok: false, reason, detail: error instanceof Error ? error.message : String(error) };
  }
}

async function compareWithChain(receipt: Receipt, rpc: Rpc): Promise<string[]> {
  const { settlement, registration } = receipt;
  if (registration === null)
    throw new Disagreement("not-registered", "registration is null: there is no log to look for");
  const chainId = await ask(rpc, quantity, "eth_chainId", []);
  if (chainId !== settlement.chainId)
    throw new Disagreement(
      "wrong-chain",
      `the RPC serves chain ${chainId}; the settlement is on chain ${settlement.chainId}`,
    );
  await compareLog(
    rpc,
    { prefix: "", ...settlement, blockTime: settlement.settledAt },
    settlementLog(receipt),
  );
  await compareLog(
    rpc,
    { prefix: "registration-", ...registration, blockHash: null, blockTime: registration.registeredAt },
    registrationLog(receipt, registration),
  );
  return [
    `the settlement's event is on chain ${chainId}, from ${settlement.relay}, with this content, block and time`,
    `the registration of this TEE id is on chain, from ${registration.registry}`,
  ];
}

async function ask<T>(rpc: Rpc, shape: z.ZodType<T>, method: string, params: readonly unknown[]): Promise<T> {
  const parsed = shape.safeParse(await rpc(method, params));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new Error(
    `the RPC's answer to ${method} has another shape: ${issue?.path.join(".")} ${issue?.message}`,
  );
}

async function compareLog(rpc: Rpc, place: Place, expected: ExpectedLog): Promise<void> {
  const { txHash, blockNumber, blockHash, blockTime } = place;
  const found = await ask(rpc, transactionReceipt.nullish(), "eth_getTransactionReceipt", [txHash]);
  if (!found || found.transactionHash !== txHash)
    throw disagreement(place, "transaction-not-found", `the chain has no transaction ${txHash}`);
  if (found.status !== 1)
    throw disagreement(place, "transaction-reverted", `transaction ${txHash} was reverted`);
  if (found.blockNumber !== blockNumber || (blockHash !== null && found.blockHash !== blockHash))
    throw disagreement(
      place,
      "block-mismatch",
      `transaction ${txHash} is in block ${found.blockNumber} (${found.blockHash}), not in ${blockNumber} (${blockHash ?? "any"})`,
    );
  compareContent(found.logs, place, expected);

  const header = await ask(rpc, block.nullish(), "eth_getBlockByHash", [found.blockHash, false]);
  if (!header || header.hash !== found.blockHash || header.number !== blockNumber)
    throw disagreement(place, "block-mismatch", `the chain has no block ${found.blockHash}`);
  if (header.timestamp !== blockTime)
    throw disagreement(
      place,
      "time-mismatch",
      `block ${blockNumber} is of second ${header.timestamp}, not ${blockTime}`,
    );
}

function compareContent(
  logs: z.infer<typeof transactionReceipt>["logs"],
  place: Place,
  expected: ExpectedLog,
): void {
  const { txHash, logIndex } = place;
  const log = logs.find((candidate) => candidate.logIndex === logIndex);
  if (!log) throw disagreement(place, "log-not-found", `transaction ${txHash} has no log ${logIndex}`);
  const differs =
    log.address !== expected.address
      ? `is from ${log.address}, not ${expected.address}`
      : log.topics.join() !== expected.topics.join()
        ? `has the topics ${log.topics.join(", ")}, not ${expected.topics.join(", ")}`
        : log.data !== expected.data
          ? "carries other data than the receipt says"
          : null;
  if (differs !== null) throw disagreement(place, "log-mismatch", `log ${logIndex} of ${txHash} ${differs}`);
}

const disagreement = ({ prefix }: Place, problem: LogProblem, detail: string) =>
  new Disagreement(`${prefix}${problem}`, detail);
