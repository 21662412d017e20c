/**
 * Payments of the `exact` scheme through EIP-3009: the token itself moves what its holder has authorized. Any token
 * counts when a listed payee is paid, OPG whoever is paid.
 */
import { decodeAuthorizedTransfer, decodeSettleCall, isPlainTransfer } from "./decode/x402.ts";
import { recordPayment } from "./paymentRow.ts";
import { receiptPayments } from "./receipt.ts";
import { base } from "./registry.ts";
import { isListedPayee, x402 } from "./settings.ts";

base("PayeeTransfer:Transfer", async ({ event, context }) => {
  const { from: payer, to: payee, value: amount } = event.args;
  const token = event.log.address;
  const plain = x402.plainTokens.has(token);
  // Not a payment: with no payee listed the filter matches something else, and anyone can move nothing in any name.
  if (!isListedPayee(payee) || amount === 0n) return;
  // What the channel contract pays out is claimed money or a refund.
  if (plain && payer === x402.batchSettlement) return;

  const { to: called, input } = event.transaction;
  if (called === token && isPlainTransfer(input)) return;
  // Through a proxy called directly a plain token makes one transfer, and that is Permit2's.
  const settle = decodeSettleCall(event.transaction, x402);
  if (settle !== undefined && x402.plainTokens.has(settle.token)) return;

  const common = { logIndex: event.log.logIndex, scheme: "exact", method: "eip3009", token } as const;
  const paid = { ...common, payer, payee, amount, permittedAmount: null, channelId: null };
  if (plain && called === token) {
    const call = decodeAuthorizedTransfer(input);
    if (call?.from === payer && call.to === payee && call.amount === amount)
      return recordPayment(context, event, { ...paid, source: "call" });
  }
  const { authorized } = await receiptPayments(context, event);
  if (authorized.has(event.log.logIndex)) await recordPayment(context, event, { ...paid, source: "receipt" });
});

base("OPG:AuthorizationUsed", async ({ event, context }) => {
  const { authorizedBy } = await receiptPayments(context, event);
  const paid = authorizedBy.get(event.log.logIndex);
  // A deposit into a channel, or a transfer to a listed payee, which is recorded when its own turn comes.
  if (paid === undefined || isListedPayee(paid.to)) return;
  await recordPayment(context, event, {
    logIndex: paid.logIndex,
    scheme: "exact",
    method: "eip3009",
    token: paid.token,
    payer: paid.from,
    payee: paid.to,
    amount: paid.amount,
    permittedAmount: null,
    channelId: null,
    source: "receipt",
  });
});
