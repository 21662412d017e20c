/** Pre-funded channels: deposits, claims (which are the payments), refunds, withdrawals, and what reaches receivers. */
import type { Context } from "ponder:registry";
import { channel, channelEvent, channelReceiver, channelSettlement } from "ponder:schema";
import type { Hex } from "viem";
import { countAnomaly, type LogEvent, positionOf, recordBlock, timeOf } from "./counters.ts";
import {
  afterClaim,
  afterClosed,
  afterDeposit,
  afterRefund,
  afterReopened,
  afterWithdrawFinalized,
  afterWithdrawInitiated,
  type ChannelFigures,
  newChannel,
} from "./decode/channelFigures.ts";
import { recordPayment } from "./paymentRow.ts";
import { base } from "./registry.ts";
import { isOurs } from "./settings.ts";

interface ChannelEventFacts {
  /** As `channel_event.kind`. */
  readonly kind: string;
  readonly amount: bigint | null;
  readonly sender: Hex;
}

async function recordChannelEvent(
  context: Context,
  event: LogEvent,
  channelId: Hex,
  facts: ChannelEventFacts,
  after: ChannelFigures,
): Promise<void> {
  await recordBlock(context, event);
  await context.db.insert(channelEvent).values({
    ...positionOf(context, event),
    ...facts,
    channelId,
    timestamp: timeOf(event),
    txHash: event.transaction.hash,
    balanceAfter: after.balance,
    totalClaimedAfter: after.totalClaimed,
    refundedAfter: after.refunded,
    withdrawnAfter: after.withdrawn,
    pendingWithdrawalAmountAfter: after.pendingWithdrawalAmount,
    pendingWithdrawalFinalizableAtAfter: after.pendingWithdrawalFinalizableAt,
    closedAfter: after.closed,
  });
}

const figuresOf = (row: typeof channel.$inferSelect): ChannelFigures => ({
  balance: row.balance,
  totalClaimed: row.totalClaimed,
  deposited: row.deposited,
  refunded: row.refunded,
  withdrawn: row.withdrawn,
  pendingWithdrawalAmount: row.pendingWithdrawalAmount,
  pendingWithdrawalFinalizableAt: row.pendingWithdrawalFinalizableAt,
  closed: row.closed,
});

/**
 * Applies an event to a channel of ours and records it.
 * @returns the channel as it was; null when the channel is not ours, or was created before the start block, which its
 * events alone do not tell apart.
 */
async function changeChannel(
  context: Context,
  event: LogEvent,
  channelId: Hex,
  facts: ChannelEventFacts,
  change: (before: ChannelFigures) => ChannelFigures,
): Promise<typeof channel.$inferSelect | null> {
  const key = { chainId: context.chain.id, channelId };
  const before = await context.db.find(channel, key);
  if (before === null) return null;
  const after = change(figuresOf(before));
  await context.db.update(channel, key).set({ ...after, updatedAt: timeOf(event) });
  await recordChannelEvent(context, event, channelId, facts, after);
  return before;
}

base("X402BatchSettlement:ChannelCreated", async ({ event, context }) => {
  const { channelId, config } = event.args;
  if (!isOurs(config.token, config.receiver)) return;
  const facts = { kind: "created", amount: null, sender: event.transaction.from };
  if (await changeChannel(context, event, channelId, facts, afterReopened)) return;
  const { withdrawDelay, ...parties } = config;
  await context.db.insert(channel).values({
    ...parties,
    ...newChannel,
    chainId: context.chain.id,
    channelId,
    withdrawDelaySeconds: withdrawDelay,
    createdAt: timeOf(event),
    createdBlock: Number(event.block.number),
    createdLogIndex: event.log.logIndex,
    updatedAt: timeOf(event),
  });
  await recordChannelEvent(context, event, channelId, facts, newChannel);
});

base("X402BatchSettlement:Deposited", async ({ event, context }) => {
  const { channelId, sender, amount, newBalance } = event.args;
  await changeChannel(context, event, channelId, { kind: "deposited", amount, sender }, (before) =>
    afterDeposit(before, amount, newBalance),
  );
});

base("X402BatchSettlement:Claimed", async ({ event, context }) => {
  const { channelId, sender, claimAmount: amount, newTotalClaimed } = event.args;
  const claimed = await changeChannel(
    context,
    event,
    channelId,
    { kind: "claimed", amount, sender },
    (before) => afterClaim(before, newTotalClaimed),
  );
  if (claimed === null) return;
  const { receiver, token, payer } = claimed;
  const updatedAt = timeOf(event);
  await context.db
    .insert(channelReceiver)
    .values({
      chainId: context.chain.id,
      receiver,
      token,
      claimed: amount,
      settled: 0n,
      settlements: 0,
      updatedAt,
    })
    .onConflictDoUpdate((row) => ({ claimed: row.claimed + amount, updatedAt }));
  await recordPayment(context, event, {
    logIndex: event.log.logIndex,
    scheme: "batch-settlement",
    method: "channel",
    token,
    payer,
    payee: receiver,
    amount,
    permittedAmount: null,
    channelId,
    source: "event",
  });
});

base("X402BatchSettlement:Refunded", async ({ event, context }) => {
  const { channelId, sender, amount } = event.args;
  await changeChannel(context, event, channelId, { kind: "refunded", amount, sender }, (before) =>
    afterRefund(before, amount),
  );
});

base("X402BatchSettlement:WithdrawInitiated", async ({ event, context }) => {
  const { channelId, amount, finalizeAfter } = event.args;
  const facts = { kind: "withdraw-initiated", amount, sender: event.transaction.from };
  await changeChannel(context, event, channelId, facts, (before) =>
    afterWithdrawInitiated(before, amount, finalizeAfter),
  );
});

base("X402BatchSettlement:WithdrawFinalized", async ({ event, context }) => {
  const { channelId, sender, amount } = event.args;
  await changeChannel(context, event, channelId, { kind: "withdraw-finalized", amount, sender }, (before) =>
    afterWithdrawFinalized(before, amount),
  );
});

base("X402BatchSettlement:ChannelClosed", async ({ event, context }) => {
  const { channelId, config } = event.args;
  const facts = { kind: "closed", amount: null, sender: event.transaction.from };
  const before = await changeChannel(context, event, channelId, facts, afterClosed);
  // Created before the start block: its earlier events were passed over too.
  if (before === null && isOurs(config.token, config.receiver))
    await countAnomaly(context, event, "channel-unknown");
});

base("X402BatchSettlement:Settled", async ({ event, context }) => {
  const { receiver, token, sender, amount } = event.args;
  if (!isOurs(token, receiver)) return;
  await recordBlock(context, event);
  const timestamp = timeOf(event);
  await context.db.insert(channelSettlement).values({
    ...positionOf(context, event),
    receiver,
    token,
    sender,
    amount,
    timestamp,
    txHash: event.transaction.hash,
  });
  const { claimed, settled } = await context.db
    .insert(channelReceiver)
    .values({
      chainId: context.chain.id,
      receiver,
      token,
      claimed: 0n,
      settled: amount,
      settlements: 1,
      updatedAt: timestamp,
    })
    .onConflictDoUpdate((row) => ({
      settled: row.settled + amount,
      settlements: row.settlements + 1,
      updatedAt: timestamp,
    }));
  // Only what was claimed is settled: the rest was claimed before the start block, or from channels created before it.
  if (settled > claimed) await countAnomaly(context, event, "channel-claims-missed");
});
