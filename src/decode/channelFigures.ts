/**
 * What each event of the channel contract does to a channel's figures.
 * @see docs/protocol.md, x402BatchSettlement
 */

/** Amounts in base units. Throughout its lives `balance` = deposited − refunded − withdrawn. */
export interface ChannelFigures {
  /** The contract's own: claiming does not lower it, what is left is `balance - totalClaimed`. */
  readonly balance: bigint;
  readonly totalClaimed: bigint;
  readonly deposited: bigint;
  readonly refunded: bigint;
  readonly withdrawn: bigint;
  /** Null when no withdrawal is pending. */
  readonly pendingWithdrawalAmount: bigint | null;
  /** Unix seconds. */
  readonly pendingWithdrawalFinalizableAt: number | null;
  /** Emptied with nothing claimed; a deposit opens it again. */
  readonly closed: boolean;
}

export const newChannel: ChannelFigures = {
  balance: 0n,
  totalClaimed: 0n,
  deposited: 0n,
  refunded: 0n,
  withdrawn: 0n,
  pendingWithdrawalAmount: null,
  pendingWithdrawalFinalizableAt: null,
  closed: false,
};

const noWithdrawal = { pendingWithdrawalAmount: null, pendingWithdrawalFinalizableAt: null };

export const afterDeposit = (
  channel: ChannelFigures,
  amount: bigint,
  newBalance: bigint,
): ChannelFigures => ({
  ...channel,
  balance: newBalance,
  deposited: channel.deposited + amount,
});

export const afterClaim = (channel: ChannelFigures, newTotalClaimed: bigint): ChannelFigures => ({
  ...channel,
  totalClaimed: newTotalClaimed,
});

/** A refund is taken out of a pending withdrawal first, and ends it when it covers all of it. */
export function afterRefund(channel: ChannelFigures, amount: bigint): ChannelFigures {
  const pending = channel.pendingWithdrawalAmount;
  const refunded = {
    ...channel,
    balance: channel.balance - amount,
    refunded: channel.refunded + amount,
  };
  if (pending === null) return refunded;
  return amount >= pending
    ? { ...refunded, ...noWithdrawal }
    : { ...refunded, pendingWithdrawalAmount: pending - amount };
}

export const afterWithdrawInitiated = (
  channel: ChannelFigures,
  amount: bigint,
  finalizableAt: number,
): ChannelFigures => ({
  ...channel,
  pendingWithdrawalAmount: amount,
  pendingWithdrawalFinalizableAt: finalizableAt,
});

/** What is paid out may be less than was asked for: what has been claimed since stays. */
export const afterWithdrawFinalized = (channel: ChannelFigures, amount: bigint): ChannelFigures => ({
  ...channel,
  ...noWithdrawal,
  balance: channel.balance - amount,
  withdrawn: channel.withdrawn + amount,
});

export const afterClosed = (channel: ChannelFigures): ChannelFigures => ({ ...channel, closed: true });

/** `ChannelCreated` of a channel that was emptied before: it begins anew, and its sums go on. */
export const afterReopened = (channel: ChannelFigures): ChannelFigures => ({ ...channel, closed: false });
