/** Receipts, for payments that calldata alone does not tell. */
import type { Context } from "ponder:registry";
import type { Hex, RpcLog } from "viem";
import type { LogEvent } from "./counters.ts";
import { pairPayments, type ReceiptLog, type ReceiptPayments } from "./decode/receiptPayments.ts";
import { decodeSettleCall } from "./decode/x402.ts";
import { x402 } from "./settings.ts";

/**
 * The logs of the event's transaction in the event's own block. Ponder keeps receipts by transaction hash and does not
 * drop them in a reorg: one of another block is replaced by the block's logs, asked for by its hash.
 */
async function receiptLogs(context: Context, event: LogEvent): Promise<readonly ReceiptLog[]> {
  const { hash } = event.transaction;
  const receipt = await context.client.getTransactionReceipt({ hash });
  if (receipt.blockHash === event.block.hash) return receipt.logs;
  const blockLogs: readonly RpcLog[] = await context.client.request({
    method: "eth_getLogs",
    params: [{ blockHash: event.block.hash }],
  });
  const logs = blockLogs
    .filter((log) => log.transactionHash === hash)
    .map((log) => ({ ...log, logIndex: Number(log.logIndex) }));
  // Some nodes answer with nothing, not with an error, about a block that they do not have.
  if (!logs.some((log) => log.logIndex === event.log.logIndex))
    throw new Error(
      `The RPC gives no log ${event.log.logIndex} of transaction ${hash} in block ${event.block.hash}, which it gave before (a reorg, or a node behind the others); indexing resumes at this event after a restart`,
    );
  return logs;
}

// One transaction can hold thousands of events that ask for the same receipt, and they come one after the other.
// What is kept follows from the block alone.
let latest: { readonly blockHash: Hex; readonly txHash: Hex; readonly payments: ReceiptPayments } | undefined;

/**
 * The payments that the event's transaction made, by its receipt.
 * @throws when the receipt cannot be read: a payment must not be lost to an outage, so indexing stops and resumes at this event.
 */
export async function receiptPayments(context: Context, event: LogEvent): Promise<ReceiptPayments> {
  const [blockHash, txHash] = [event.block.hash, event.transaction.hash];
  if (latest?.blockHash === blockHash && latest.txHash === txHash) return latest.payments;
  const logs = await receiptLogs(context, event);
  const payments = pairPayments(logs, x402, decodeSettleCall(event.transaction, x402));
  latest = { blockHash, txHash, payments };
  return payments;
}
