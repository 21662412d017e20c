import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Address, encodeAbiParameters, type Hex } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeCall, type PlacedContract } from "./chain.ts";
import { placeBaseContracts } from "./placement.ts";
import { SeededRandom } from "./random.ts";
import { FIRST_TIMESTAMP, revertName, startTestChain, type TestChain } from "./testChain.ts";
import { Timeline } from "./timeline.ts";
import {
  type BaseWorld,
  OPG_UNIT,
  openWallets,
  signAuthorization,
  signErc2612,
  signPermit,
} from "./traffic/baseWorld.ts";
import { at, drawCast } from "./traffic/cast.ts";

const PAYEE: Address = "0x00000000000000000000000000000000000000aa";

let test: TestChain;
let world: BaseWorld;
let directory: string;
let nonce = 0n;

const mine = () => world.chain.mine(world.chain.timestamp + 10);
const events = () => {
  const { opg, usdc, exactProxy, uptoProxy, batchSettlement } = world.contracts;
  return test.events({ opg, usdc, exact: exactProxy, upto: uptoProxy, batch: batchSettlement });
};
const payer = () => at(world.cast.users, 0);
const facilitator = () => at(world.cast.facilitators, 0).address;

async function uptoArguments(
  permitted: bigint,
  named: Address,
  token: PlacedContract = world.contracts.opg,
  from = payer(),
) {
  const witness = { to: PAYEE, facilitator: named, validAfter: 0n };
  const { permit, signature } = await signPermit(world, {
    payer: from,
    token: token.address,
    amount: permitted,
    spender: world.contracts.uptoProxy.address,
    nonce: nonce++,
    deadline: FIRST_TIMESTAMP + 1_000_000,
    witnessType: "Witness",
    witnessFields: [
      { name: "to", type: "address" },
      { name: "facilitator", type: "address" },
      { name: "validAfter", type: "uint256" },
    ],
    witness,
  });
  return { permit, witness, signature };
}

async function uptoInput(amount: bigint, permitted: bigint, named = facilitator()): Promise<Hex> {
  const { permit, witness, signature } = await uptoArguments(permitted, named);
  return encodeCall(world.contracts.uptoProxy, "settle", [
    permit,
    amount,
    payer().address,
    witness,
    signature,
  ]);
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "devnet-keys-"));
  const random = new SeededRandom("payments test");
  const cast = drawCast(random, directory, FIRST_TIMESTAMP);
  test = await startTestChain(8453);
  const contracts = await placeBaseContracts(test.chain, test.compiled);
  const span = { from: FIRST_TIMESTAMP, until: FIRST_TIMESTAMP };
  const pace = { heartbeatIntervalSeconds: 900, liveHeartbeatSeconds: 900, liveRate: 1 };
  world = { chain: test.chain, contracts, cast, random, timeline: new Timeline(), span, pace };
  await openWallets(world);
  await mine();
});

afterAll(async () => {
  await test.stop();
  rmSync(directory, { recursive: true, force: true });
});

describe("the upto proxy", () => {
  it("moves the used part, with the transfer before its event", async () => {
    const before = await test.read(world.contracts.opg, "balanceOf", [PAYEE]);
    const data = await uptoInput(7n, OPG_UNIT);
    await world.chain.send({ from: facilitator(), to: world.contracts.uptoProxy.address, data });
    await mine();
    expect(await events()).toEqual(["opg.Transfer", "upto.Settled"]);
    // balanceOf answers a uint256.
    expect((await test.read(world.contracts.opg, "balanceOf", [PAYEE])) as bigint).toBe(
      (before as bigint) + 7n,
    );
  });

  it("refuses more than the cap, another facilitator, and a used nonce", async () => {
    const { uptoProxy, permit2 } = world.contracts;
    const reason = (data: Hex, contract: PlacedContract = uptoProxy) =>
      revertName(world.chain, { ...contract, address: uptoProxy.address }, facilitator(), data);
    expect(await reason(await uptoInput(11n, 10n))).toBe("AmountExceedsPermitted");
    expect(await reason(await uptoInput(1n, 10n, PAYEE))).toBe("UnauthorizedFacilitator");
    const data = await uptoInput(1n, 10n);
    await world.chain.send({ from: facilitator(), to: uptoProxy.address, data });
    await mine();
    expect(await reason(data, permit2)).toBe("InvalidNonce");
  });

  it("goes on when the inner permit fails, for a reason as text or as data", async () => {
    const { opg, usdc, uptoProxy } = world.contracts;
    for (const [token, name] of [
      [opg, "EIP2612PermitFailedWithReason"],
      [usdc, "EIP2612PermitFailedWithData"],
    ] as const) {
      const { permit, witness, signature } = await uptoArguments(10n, facilitator(), token);
      const permit2612 = await signErc2612(world, payer(), token, {
        value: 10n,
        nonce: 99n,
        deadline: permit.deadline,
      });
      await world.chain.call(facilitator(), uptoProxy, "settleWithPermit", [
        permit2612,
        permit,
        4n,
        payer().address,
        witness,
        signature,
      ]);
      await mine();
      const symbol = token === opg ? "opg" : "usdc";
      expect(await events()).toEqual([`upto.${name}`, `${symbol}.Transfer`, "upto.SettledWithPermit"]);
    }
  });

  it("approves a payer without a standing approval by a good inner permit", async () => {
    const { opg, uptoProxy } = world.contracts;
    const from = at(world.cast.users, 3);
    const { permit, witness, signature } = await uptoArguments(10n, facilitator(), opg, from);
    const permit2612 = await signErc2612(world, from, opg, {
      value: 10n,
      nonce: 0n,
      deadline: permit.deadline,
    });
    await world.chain.call(facilitator(), uptoProxy, "settleWithPermit", [
      permit2612,
      permit,
      10n,
      from.address,
      witness,
      signature,
    ]);
    await mine();
    expect(await events()).toEqual(["opg.Approval", "opg.Transfer", "upto.SettledWithPermit"]);
  });
});

it("EIP-3009 announces the authorisation before the transfer, and takes it once", async () => {
  const { usdc } = world.contracts;
  const message = {
    to: PAYEE,
    value: 5n,
    validAfter: 0n,
    validBefore: BigInt(FIRST_TIMESTAMP) * 2n,
    nonce: `0x${"07".repeat(32)}` as const,
  };
  const signature = await signAuthorization(world, payer(), usdc, message);
  const args = [
    payer().address,
    PAYEE,
    5n,
    message.validAfter,
    message.validBefore,
    message.nonce,
    signature,
  ];
  await world.chain.call(facilitator(), usdc, "transferWithAuthorization", args);
  await world.chain.call(facilitator(), usdc, "transferWithAuthorization", args, true);
  await mine();
  expect(await events()).toEqual(["usdc.AuthorizationUsed", "usdc.Transfer"]);
});

describe("a channel", () => {
  it("is created anew when emptied before any claim, and pays what claims left", async () => {
    const { opg, batchSettlement: batch, permit2Collector } = world.contracts;
    const config = {
      payer: payer().address,
      payerAuthorizer: `0x${"00".repeat(20)}` as const,
      receiver: PAYEE,
      receiverAuthorizer: facilitator(),
      token: opg.address,
      withdrawDelay: 100,
      salt: `0x${"01".repeat(32)}` as const,
    };
    // getChannelId answers a bytes32.
    const channelId = (await test.read(batch, "getChannelId", [config])) as Hex;
    const deposit = async (amount: bigint) => {
      const { permit, signature } = await signPermit(world, {
        payer: payer(),
        token: opg.address,
        amount,
        spender: permit2Collector.address,
        nonce: nonce++,
        deadline: FIRST_TIMESTAMP + 1_000_000,
        witnessType: "DepositWitness",
        witnessFields: [{ name: "channelId", type: "bytes32" }],
        witness: { channelId },
      });
      const data = encodeDeposit(permit.nonce, permit.deadline, signature);
      await world.chain.call(payer().address, batch, "deposit", [
        config,
        amount,
        permit2Collector.address,
        data,
      ]);
      await mine();
    };
    const channel = () => test.read(batch, "channels", [channelId]);

    await deposit(100n);
    expect(await events()).toEqual(["opg.Transfer", "batch.ChannelCreated", "batch.Deposited"]);
    await world.chain.call(facilitator(), batch, "refund", [config, 1000n]);
    await mine();
    expect(await events()).toEqual(["batch.Refunded", "batch.ChannelClosed", "opg.Transfer"]);
    await deposit(100n);
    expect(await events()).toEqual(["opg.Transfer", "batch.ChannelCreated", "batch.Deposited"]);
    await deposit(20n);
    expect(await events()).toEqual(["opg.Transfer", "batch.Deposited"]);

    const signature = await payer().signTypedData({
      domain: {
        name: "x402 Batch Settlement",
        version: "1",
        chainId: 8453,
        verifyingContract: batch.address,
      },
      types: {
        Voucher: [
          { name: "channelId", type: "bytes32" },
          { name: "maxClaimableAmount", type: "uint128" },
        ],
      },
      primaryType: "Voucher",
      message: { channelId, maxClaimableAmount: 50n },
    });
    const claim = (totalClaimed: bigint, reverts = false) =>
      world.chain.call(
        facilitator(),
        batch,
        "claim",
        [[{ voucher: { channel: config, maxClaimableAmount: 50n }, signature, totalClaimed }]],
        reverts,
      );
    await world.chain.call(payer().address, batch, "initiateWithdraw", [config, 110n]);
    await claim(30n);
    await claim(30n);
    await claim(51n, true);
    await world.chain.call(payer().address, batch, "finalizeWithdraw", [config], true);
    await mine();
    expect(await events()).toEqual(["batch.WithdrawInitiated", "batch.Claimed"]);
    // Claiming does not lower the balance.
    expect(await channel()).toEqual([120n, 30n]);

    await world.chain.call(payer().address, batch, "finalizeWithdraw", [config]);
    await world.chain.call(facilitator(), batch, "settle", [PAYEE, opg.address]);
    await world.chain.call(facilitator(), batch, "settle", [PAYEE, opg.address]);
    await world.chain.mine(world.chain.timestamp + 100);
    expect(await events()).toEqual([
      "batch.WithdrawFinalized",
      "opg.Transfer",
      "opg.Transfer",
      "batch.Settled",
    ]);
    expect(await channel()).toEqual([30n, 30n]);
  });
});

const encodeDeposit = (depositNonce: bigint, deadline: bigint, signature: Hex): Hex =>
  encodeAbiParameters(
    [{ type: "uint256" }, { type: "uint256" }, { type: "bytes" }],
    [depositNonce, deadline, signature],
  );
