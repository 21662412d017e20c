/** What both Permit2 proxies have in common: events without arguments, and permits that fail beside a payment. */
import type { Context } from "ponder:registry";
import { permitFailure } from "ponder:schema";
import type { Hex } from "viem";
import { countAnomaly, type LogEvent, positionOf, recordBlock, timeOf } from "./counters.ts";
import { stringBytes } from "./decode/eventString.ts";
import { displayText } from "./decode/text.ts";
import { decodeSettleCall } from "./decode/x402.ts";
import { type Payment, recordPayment } from "./paymentRow.ts";
import { receiptPayments } from "./receipt.ts";
import { isListedPayee, isOpg, isOurs, x402 } from "./settings.ts";

const REASON_LENGTH = 256;

interface ProxyEvent extends LogEvent {
  readonly log: LogEvent["log"] & { readonly address: Hex; readonly data: Hex };
}

/**
 * Records the payment that a `Settled` or `SettledWithPermit` stands for, when it is ours: from the call when that
 * says all, else from the receipt.
 */
export async function recordSettlement(
  context: Context,
  event: ProxyEvent,
  scheme: Payment["scheme"],
): Promise<void> {
  const call = decodeSettleCall(event.transaction, x402);
  const ownCall = call?.proxy === event.log.address ? call : undefined;
  if (ownCall !== undefined && !isOurs(ownCall.token, ownCall.payee)) return;

  const common = {
    logIndex: event.log.logIndex,
    scheme,
    method: "permit2",
    permittedAmount: ownCall?.permittedAmount ?? null,
    channelId: null,
  } as const;
  // A plain token moves what was asked for; another may move less, or call out and settle more on the way.
  if (ownCall !== undefined && x402.plainTokens.has(ownCall.token)) {
    const { token, payer, payee, amount } = ownCall;
    return recordPayment(context, event, { ...common, token, payer, payee, amount, source: "call" });
  }

  const paid = (await receiptPayments(context, event)).settled.get(event.log.logIndex);
  // A token that emits no `Transfer`: nothing says what it moved.
  if (paid === undefined) return countAnomaly(context, event, "settled-without-transfer");
  const { token, from: payer, to: payee, amount } = paid;
  if (!isOurs(token, payee)) return;
  await recordPayment(context, event, { ...common, token, payer, payee, amount, source: "receipt" });
}

/** The token's own words in `EIP2612PermitFailedWithReason`, fit for display; the event's data keeps the bytes. */
export const permitFailureReason = (data: Hex): string => displayText(stringBytes(data), REASON_LENGTH).text;

/** Records a failed inner permit beside a payment of ours. It changes nothing about the payment. */
export async function recordPermitFailure(
  context: Context,
  event: ProxyEvent & { readonly args: { readonly token: Hex; readonly owner: Hex } },
  kind: "reason" | "data" | "panic",
  reason: string | null,
): Promise<void> {
  const { token, owner } = event.args;
  const call = decodeSettleCall(event.transaction, x402);
  const paysListed = call?.proxy === event.log.address && isListedPayee(call.payee);
  if (!isOpg(token) && !paysListed) return;
  await recordBlock(context, event);
  await context.db.insert(permitFailure).values({
    ...positionOf(context, event),
    proxy: event.log.address,
    token,
    owner,
    kind,
    reason,
    data: event.log.data,
    timestamp: timeOf(event),
    txHash: event.transaction.hash,
  });
}
