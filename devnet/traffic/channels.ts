/** Payment channels on x402BatchSettlement: deposits, vouchers claimed in bulk, settlements, refunds, withdrawals. */
import { type Address, encodeAbiParameters, type Hex, hashTypedData, keccak256 } from "viem";
import type { PrivateKeyAccount } from "viem/accounts";
import { encodeCall, type PlacedContract } from "../chain.ts";
import { ADDRESSES } from "../placement.ts";
import {
  approvesByPermit,
  BASE_CHAIN_ID,
  type BaseWorld,
  OPG_UNIT,
  signAuthorization,
  signPermit,
  USDC_UNIT,
} from "./baseWorld.ts";
import { at } from "./cast.ts";
import { atFraction } from "./ogWorld.ts";

const HOUR = 3600;
const ZERO: Address = `0x${"00".repeat(20)}`;
const CONFIG_FIELDS = [
  { name: "payer", type: "address" },
  { name: "payerAuthorizer", type: "address" },
  { name: "receiver", type: "address" },
  { name: "receiverAuthorizer", type: "address" },
  { name: "token", type: "address" },
  { name: "withdrawDelay", type: "uint40" },
  { name: "salt", type: "bytes32" },
] as const;

interface ChannelConfig {
  readonly payer: Address;
  readonly payerAuthorizer: Address;
  readonly receiver: Address;
  readonly receiverAuthorizer: Address;
  readonly token: Address;
  readonly withdrawDelay: number;
  readonly salt: Hex;
}

/** A channel as the contract holds it, and what its payer has used of it. */
interface ChannelState {
  readonly config: ChannelConfig;
  readonly channelId: Hex;
  readonly payer: PrivateKeyAccount;
  /** Signs vouchers: the payer, or a key the channel names. */
  readonly voucherSigner: PrivateKeyAccount;
  readonly token: PlacedContract;
  readonly unit: bigint;
  balance: bigint;
  claimed: bigint;
  used: bigint;
}

/** Schedules every channel's life; the receivers' side claims and settles for all channels together. */
export function planChannels(world: BaseWorld): void {
  const channels = openChannels(world);
  for (const [index, channel] of channels.entries()) planUse(world, channel, index);
  planEmptiedChannel(world, at(channels, 1));
  planClaims(world, channels);
  planSettling(world, channels);
}

function openChannels({ cast, contracts, random }: BaseWorld): ChannelState[] {
  const draw = random.fork("channels");
  const authorizer = at(cast.facilitators, 0);
  // Users who approve by permit have no standing approval for deposits in OPG.
  const payers = cast.users.filter((_, index) => !approvesByPermit(index));
  const open = (payerIndex: number, receiver: Address, inUsdc: boolean, ownSigner: boolean): ChannelState => {
    const payer = at(payers, payerIndex);
    const voucherSigner = ownSigner ? at(cast.strangers, 0) : payer;
    const token = inUsdc ? contracts.usdc : contracts.opg;
    const config = {
      payer: payer.address,
      payerAuthorizer: ownSigner ? voucherSigner.address : ZERO,
      receiver,
      receiverAuthorizer: authorizer.address,
      token: token.address,
      withdrawDelay: draw.pick([900, 3600]),
      salt: draw.hex(32),
    };
    const unit = inUsdc ? USDC_UNIT : OPG_UNIT;
    return {
      config,
      channelId: channelId(config),
      payer,
      voucherSigner,
      token,
      unit,
      balance: 0n,
      claimed: 0n,
      used: 0n,
    };
  };
  const payees = cast.nodes.map(({ paymentAddress }) => paymentAddress);
  return [
    open(0, ADDRESSES.defaultPayee, false, false),
    open(1, at(payees, 2), false, false),
    open(2, at(payees, 1), false, true),
    open(3, ADDRESSES.defaultPayee, true, false),
    open(4, ADDRESSES.defaultPayee, false, true),
    open(5, at(payees, 3), false, false),
    // Another service's: USDC for a stranger.
    open(6, at(cast.strangers, 2).address, true, false),
  ];
}

/** The contract's own EIP-712 digest of the configuration. */
const channelId = (config: ChannelConfig): Hex =>
  hashTypedData({
    domain: settlementDomain,
    types: { ChannelConfig: CONFIG_FIELDS },
    primaryType: "ChannelConfig",
    message: config,
  });

const settlementDomain = {
  name: "x402 Batch Settlement",
  version: "1",
  chainId: BASE_CHAIN_ID,
  verifyingContract: ADDRESSES.batchSettlement,
} as const;

/** Constant use, deposits when the balance runs low, and now and then a refund or a withdrawal. */
function planUse(world: BaseWorld, channel: ChannelState, index: number): void {
  const { timeline, span, random } = world;
  const draw = random.fork(`channel ${index}`);
  const start = atFraction(span, 0.01 + index * 0.02);
  timeline.plan(start, (now) => deposit(world, channel, 5n * channel.unit, draw.hex(32), now));

  const planSpending = (after: number) =>
    timeline.plan(after + 600 + draw.wait(900), async (now) => {
      planSpending(now);
      const use = (channel.unit * BigInt(draw.integer(5, 60))) / 1000n;
      if (channel.used + use <= channel.balance) channel.used += use;
      else await deposit(world, channel, BigInt(draw.integer(1, 4)) * channel.unit, draw.hex(32), now);
    });
  planSpending(start);

  const planReturn = (after: number) =>
    timeline.plan(after + 8 * HOUR + draw.wait(16 * HOUR), async (now) => {
      planReturn(now);
      const free = channel.balance - channel.used;
      if (free <= 0n) return;
      if (draw.chance(0.5)) await refund(world, channel, free / 2n);
      else await withdraw(world, channel, (free * BigInt(draw.integer(50, 150))) / 100n, now);
    });
  planReturn(start);
}

/** One channel is emptied before anything was claimed, which closes it, and funded anew. */
function planEmptiedChannel(world: BaseWorld, channel: ChannelState): void {
  const draw = world.random.fork("emptied channel");
  const { timeline, span } = world;
  const start = atFraction(span, 0.03) + 30;
  timeline.plan(start, async () => {
    channel.used = 0n;
    await refund(world, channel, channel.balance);
  });
  timeline.plan(start + 300, (now) => deposit(world, channel, 3n * channel.unit, draw.hex(32), now));
}

async function deposit(
  world: BaseWorld,
  channel: ChannelState,
  amount: bigint,
  salt: Hex,
  now: number,
): Promise<void> {
  const { chain, contracts, cast } = world;
  const { token, config, payer } = channel;
  const inUsdc = token === contracts.usdc;
  const collector = inUsdc ? contracts.erc3009Collector : contracts.permit2Collector;
  const collectorData = inUsdc
    ? await authorizedDeposit(world, channel, amount, salt, now)
    : await permittedDeposit(world, channel, amount, salt, now);
  // Payers deposit themselves or let the facilitator do it.
  const sender = BigInt(salt) % 2n === 0n ? payer.address : at(cast.facilitators, 0).address;
  await chain.call(sender, contracts.batchSettlement, "deposit", [
    config,
    amount,
    collector.address,
    collectorData,
  ]);
  channel.balance += amount;
}

async function authorizedDeposit(
  world: BaseWorld,
  { channelId, payer, token }: ChannelState,
  value: bigint,
  salt: Hex,
  now: number,
): Promise<Hex> {
  const [validAfter, validBefore] = [BigInt(now - 600), BigInt(now + 600)];
  const nonce = keccak256(
    encodeAbiParameters([{ type: "bytes32" }, { type: "uint256" }], [channelId, BigInt(salt)]),
  );
  const to = world.contracts.erc3009Collector.address;
  const signature = await signAuthorization(world, payer, token, {
    to,
    value,
    validAfter,
    validBefore,
    nonce,
  });
  return encodeAbiParameters(
    [{ type: "uint256" }, { type: "uint256" }, { type: "uint256" }, { type: "bytes" }],
    [validAfter, validBefore, BigInt(salt), signature],
  );
}

async function permittedDeposit(
  world: BaseWorld,
  { channelId, payer, token }: ChannelState,
  amount: bigint,
  salt: Hex,
  now: number,
): Promise<Hex> {
  const { permit, signature } = await signPermit(world, {
    payer,
    token: token.address,
    amount,
    spender: world.contracts.permit2Collector.address,
    nonce: BigInt(salt),
    deadline: now + 600,
    witnessType: "DepositWitness",
    witnessFields: [{ name: "channelId", type: "bytes32" }],
    witness: { channelId },
  });
  return encodeAbiParameters(
    [{ type: "uint256" }, { type: "uint256" }, { type: "bytes" }],
    [permit.nonce, permit.deadline, signature],
  );
}

/** Every three hours: one transaction claims what was used in all channels; sometimes it settles too. */
function planClaims(world: BaseWorld, channels: readonly ChannelState[]): void {
  const { timeline, span, chain, contracts, cast, random } = world;
  const draw = random.fork("claims");
  const sender = at(cast.facilitators, 0).address;
  const planNext = (when: number) =>
    timeline.plan(when, async () => {
      planNext(when + 3 * HOUR);
      const open = channels.filter((channel) => channel.used > channel.claimed);
      if (open.length === 0) return;
      const claims = [];
      for (const channel of open) claims.push(await voucherClaim(channel));
      const claim = encodeCall(contracts.batchSettlement, "claim", [claims]);
      for (const channel of open) channel.claimed = channel.used;
      if (draw.chance(0.3)) {
        const settle = encodeCall(contracts.batchSettlement, "settle", [
          ADDRESSES.defaultPayee,
          contracts.opg.address,
        ]);
        await chain.call(sender, contracts.batchSettlement, "multicall", [[claim, settle]]);
      } else await chain.send({ from: sender, to: contracts.batchSettlement.address, data: claim });
      // Claiming the same again raises nothing and emits nothing.
      if (draw.chance(0.1))
        await chain.send({ from: sender, to: contracts.batchSettlement.address, data: claim });
    });
  planNext(atFraction(span, 0.04) + HOUR / 2);
}

async function voucherClaim({ config, channelId, used, voucherSigner }: ChannelState) {
  const maxClaimableAmount = used + 5n;
  const signature = await voucherSigner.signTypedData({
    domain: settlementDomain,
    types: {
      Voucher: [
        { name: "channelId", type: "bytes32" },
        { name: "maxClaimableAmount", type: "uint128" },
      ],
    },
    primaryType: "Voucher",
    message: { channelId, maxClaimableAmount },
  });
  return { voucher: { channel: config, maxClaimableAmount }, signature, totalClaimed: used };
}

/** Every seven hours each receiver gets what was claimed for it; nothing claimed, nothing emitted. */
function planSettling(world: BaseWorld, channels: readonly ChannelState[]): void {
  const { timeline, span, chain, contracts, cast } = world;
  const accounts = new Map(channels.map(({ config }) => [`${config.receiver} ${config.token}`, config]));
  const planNext = (when: number) =>
    timeline.plan(when, async () => {
      planNext(when + 7 * HOUR);
      for (const { receiver, token } of accounts.values())
        await chain.call(at(cast.facilitators, 1).address, contracts.batchSettlement, "settle", [
          receiver,
          token,
        ]);
    });
  planNext(atFraction(span, 0.05) + HOUR);
}

/** By the receiver's authorizer; the funds go back to the payer. */
async function refund(world: BaseWorld, channel: ChannelState, amount: bigint): Promise<void> {
  const { chain, contracts, cast } = world;
  if (amount === 0n) return;
  await chain.call(at(cast.facilitators, 0).address, contracts.batchSettlement, "refund", [
    channel.config,
    amount,
  ]);
  const available = channel.balance - channel.claimed;
  channel.balance -= amount < available ? amount : available;
}

/** The payer withdraws after the delay: the requested amount, or what claims have left. */
async function withdraw(world: BaseWorld, channel: ChannelState, amount: bigint, now: number): Promise<void> {
  const { chain, contracts, timeline } = world;
  const { config, payer } = channel;
  await chain.call(payer.address, contracts.batchSettlement, "initiateWithdraw", [config, amount]);
  timeline.plan(now + config.withdrawDelay + 30, async () => {
    await chain.call(payer.address, contracts.batchSettlement, "finalizeWithdraw", [config]);
    const available = channel.balance - channel.claimed;
    channel.balance -= amount < available ? amount : available;
    // What was used and not claimed in time is gone.
    if (channel.used > channel.balance) channel.used = channel.balance;
  });
}
