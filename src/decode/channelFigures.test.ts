import { describe, expect, it } from "vitest";
import {
  afterClaim,
  afterClosed,
  afterDeposit,
  afterRefund,
  afterReopened,
  afterWithdrawFinalized,
  afterWithdrawInitiated,
  newChannel,
} from "./channelFigures.ts";

const funded = afterDeposit(newChannel, 100n, 100n);

describe("channel figures", () => {
  it("claiming raises what is claimed and leaves the balance", () => {
    expect(afterClaim(funded, 30n)).toEqual({ ...funded, totalClaimed: 30n });
  });

  it("a deposit and a claim leave a pending withdrawal as it is", () => {
    const pending = afterWithdrawInitiated(funded, 60n, 1_800_000_000);
    const later = afterClaim(afterDeposit(pending, 5n, 105n), 70n);
    expect(later).toMatchObject({
      balance: 105n,
      pendingWithdrawalAmount: 60n,
      pendingWithdrawalFinalizableAt: 1_800_000_000,
    });
  });

  it("a finalised withdrawal takes what it says, not what was asked for, and nothing stays pending", () => {
    const pending = afterWithdrawInitiated(afterClaim(funded, 70n), 60n, 1_800_000_000);
    expect(afterWithdrawFinalized(pending, 30n)).toMatchObject({
      balance: 70n,
      totalClaimed: 70n,
      withdrawn: 30n,
      pendingWithdrawalAmount: null,
      pendingWithdrawalFinalizableAt: null,
    });
  });

  it("a refund lowers the balance, and a pending withdrawal with it", () => {
    expect(afterRefund(funded, 40n)).toMatchObject({
      balance: 60n,
      refunded: 40n,
      pendingWithdrawalAmount: null,
    });
    const pending = afterWithdrawInitiated(funded, 60n, 1_800_000_000);
    expect(afterRefund(pending, 40n)).toMatchObject({
      balance: 60n,
      pendingWithdrawalAmount: 20n,
      pendingWithdrawalFinalizableAt: 1_800_000_000,
    });
    expect(afterRefund(pending, 60n)).toMatchObject({
      balance: 40n,
      pendingWithdrawalAmount: null,
      pendingWithdrawalFinalizableAt: null,
    });
  });

  it("an emptied channel that is funded anew goes on with its sums", () => {
    const closed = afterClosed(afterRefund(funded, 100n));
    expect(closed).toMatchObject({ balance: 0n, closed: true });
    const again = afterDeposit(afterReopened(closed), 7n, 7n);
    expect(again).toMatchObject({ balance: 7n, deposited: 107n, refunded: 100n, closed: false });
    expect(again.balance).toBe(again.deposited - again.refunded - again.withdrawn);
  });
});
