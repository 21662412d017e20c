/**
 * Payments as facilitators settle them: through both Permit2 proxies, by EIP-3009, several in one transaction
 * through another contract, with permits that work and permits that fail. And the traffic of other x402 users.
 */
import type { Address, Hex } from "viem";
import type { PrivateKeyAccount } from "viem/accounts";
import { encodeCall, type PlacedContract } from "../chain.ts";
import { ADDRESSES } from "../placement.ts";
import type { SeededRandom } from "../random.ts";
import {
  approvesByPermit,
  type BaseWorld,
  OPG_UNIT,
  signAuthorization,
  signErc2612,
  signPermit,
  USDC_UNIT,
} from "./baseWorld.ts";
import { pacedWait } from "./ogWorld.ts";

const MEAN_SECONDS_BETWEEN_PAYMENTS = 240;
const DEADLINE_SECONDS = 660;
/** The session's spending cap: 0.1 OPG. */
const SESSION_CAP = OPG_UNIT / 10n;

interface Payment {
  readonly scheme: "exact" | "upto";
  readonly payer: PrivateKeyAccount;
  /** The payer's place among the users; undefined for a stranger. */
  readonly userIndex: number | undefined;
  readonly payee: Address;
  readonly token: PlacedContract;
  /** Moved; for `upto` at most `permitted`. */
  readonly amount: bigint;
  readonly permitted: bigint;
  readonly nonce: bigint;
}

/** A call of a proxy, to be made directly or through another contract. */
interface ProxyCall {
  readonly proxy: PlacedContract;
  readonly data: Hex;
}

/** How the inner EIP-2612 permit goes, when there is one. */
type InnerPermit = "none" | "works" | "fails";

export function planPayments(world: BaseWorld): void {
  const draw = world.random.fork("payments");
  const permitNonces = new Map<string, bigint>();
  const { timeline, chain, contracts, cast } = world;

  const planNext = (after: number) =>
    timeline.plan(after + pacedWait(world, draw, after, MEAN_SECONDS_BETWEEN_PAYMENTS), async (now) => {
      planNext(now);
      const facilitator = draw.pick(cast.facilitators).address;
      const kind = draw.unit();
      if (kind < 0.7) {
        const payment = drawPayment(world, draw);
        const inner = needsPermit(world, payment) ? "works" : draw.chance(0.06) ? "fails" : "none";
        const { proxy, data } = await proxyCall(world, permitNonces, payment, facilitator, inner, now);
        await chain.send({ from: facilitator, to: proxy.address, data });
        // The same payment once more: its nonce is used.
        if (draw.chance(0.02))
          await chain.send({ from: facilitator, to: proxy.address, data, reverts: true });
      } else if (kind < 0.8) await payByAuthorization(world, draw, facilitator, now);
      else if (kind < 0.86) await paySeveral(world, permitNonces, draw, facilitator, now);
      else if (kind < 0.96) {
        const { proxy, data } = await proxyCall(
          world,
          permitNonces,
          strangePayment(world, draw),
          facilitator,
          "none",
          now,
        );
        await chain.send({ from: facilitator, to: proxy.address, data });
      } else {
        // A plain transfer, to a payee at that: no x402 contract had a part in it.
        const payee = draw.pick([ADDRESSES.defaultPayee, draw.pick(cast.users).address]);
        await chain.call(draw.pick(cast.users).address, contracts.opg, "transfer", [payee, OPG_UNIT / 4n]);
      }
    });
  planNext(world.span.from + 60);
}

function drawPayment({ cast, contracts }: BaseWorld, draw: SeededRandom): Payment {
  const userIndex = draw.integer(0, cast.users.length - 1);
  const payer = cast.users[userIndex] ?? draw.pick(cast.users);
  const scheme = draw.pick(["exact", "upto", "upto"] as const);
  const inUsdc = draw.chance(0.08);
  const token = inUsdc ? contracts.usdc : contracts.opg;
  // Only the default payee's USDC counts as the network's; in OPG every payee does.
  const payee = inUsdc ? ADDRESSES.defaultPayee : draw.pick(cast.nodes).paymentAddress;
  const permitted = inUsdc ? USDC_UNIT / 10n : SESSION_CAP;
  const amount = scheme === "upto" ? (permitted * BigInt(draw.integer(1, 1000))) / 1000n : permitted / 4n;
  return {
    scheme,
    payer,
    userIndex,
    payee,
    token,
    amount,
    permitted: scheme === "upto" ? permitted : amount,
    nonce: BigInt(draw.hex(32)),
  };
}

/** Another service's customer: USDC to anyone, or a token that only calls itself OPG. */
function strangePayment({ cast, contracts }: BaseWorld, draw: SeededRandom): Payment {
  const amount = BigInt(draw.integer(1000, 500_000));
  return {
    scheme: draw.pick(["exact", "upto"] as const),
    payer: draw.pick(cast.strangers),
    userIndex: undefined,
    payee: draw.pick(cast.strangers).address,
    token: draw.chance(0.3) ? contracts.falseOpg : contracts.usdc,
    amount,
    permitted: amount,
    nonce: BigInt(draw.hex(32)),
  };
}

const needsPermit = ({ contracts }: BaseWorld, { userIndex, token }: Payment) =>
  userIndex !== undefined && approvesByPermit(userIndex) && token === contracts.opg;

/** @param caller - who will call the proxy: `upto` payers name it. */
async function proxyCall(
  world: BaseWorld,
  permitNonces: Map<string, bigint>,
  payment: Payment,
  caller: Address,
  inner: InnerPermit,
  now: number,
): Promise<ProxyCall> {
  const { contracts } = world;
  const { scheme, payer, payee, token, amount, permitted, nonce } = payment;
  const proxy = scheme === "exact" ? contracts.exactProxy : contracts.uptoProxy;
  const deadline = now + DEADLINE_SECONDS;
  const validAfter = BigInt(now - DEADLINE_SECONDS);
  const witness =
    scheme === "exact" ? { to: payee, validAfter } : { to: payee, facilitator: caller, validAfter };
  const { permit, signature } = await signPermit(world, {
    payer,
    token: token.address,
    amount: permitted,
    spender: proxy.address,
    nonce,
    deadline,
    witnessType: "Witness",
    witnessFields: [
      { name: "to", type: "address" },
      ...(scheme === "exact" ? [] : [{ name: "facilitator", type: "address" }]),
      { name: "validAfter", type: "uint256" },
    ],
    witness,
  });
  const tail =
    scheme === "exact" ? [payer.address, witness, signature] : [amount, payer.address, witness, signature];
  if (inner === "none") return { proxy, data: encodeCall(proxy, "settle", [permit, ...tail]) };

  const key = `${payer.address} ${token.address}`;
  const permitNonce = permitNonces.get(key) ?? 0n;
  if (inner === "works") permitNonces.set(key, permitNonce + 1n);
  const permit2612 = await signErc2612(world, payer, token, {
    value: permitted,
    // A nonce that is not the next one makes the signature another's.
    nonce: inner === "works" ? permitNonce : permitNonce + 1000n,
    deadline: BigInt(deadline),
  });
  return { proxy, data: encodeCall(proxy, "settleWithPermit", [permit2612, permit, ...tail]) };
}

/** `exact` by EIP-3009, on the token itself; both ways of passing the signature. */
async function payByAuthorization(
  world: BaseWorld,
  draw: SeededRandom,
  facilitator: Address,
  now: number,
): Promise<void> {
  const { chain, contracts, cast } = world;
  const ours = draw.chance(0.7);
  const inOpg = ours && draw.chance(0.3);
  const token = inOpg ? contracts.opg : contracts.usdc;
  const payer = draw.pick(ours ? cast.users : cast.strangers);
  const to = ours
    ? inOpg
      ? draw.pick(cast.nodes).paymentAddress
      : ADDRESSES.defaultPayee
    : draw.pick(cast.strangers).address;
  const value = inOpg ? OPG_UNIT / BigInt(draw.integer(20, 200)) : BigInt(draw.integer(1000, 250_000));
  const message = {
    to,
    value,
    validAfter: BigInt(now - DEADLINE_SECONDS),
    validBefore: BigInt(now + DEADLINE_SECONDS),
    nonce: draw.hex(32),
  };
  const signature = await signAuthorization(world, payer, token, message);
  const head = [payer.address, to, value, message.validAfter, message.validBefore, message.nonce];
  const [r, s, v] = [
    `0x${signature.slice(2, 66)}`,
    `0x${signature.slice(66, 130)}`,
    Number(`0x${signature.slice(130)}`),
  ];
  const tail = draw.chance(0.5) ? [signature] : [v, r, s];
  await chain.call(facilitator, token, "transferWithAuthorization", [...head, ...tail]);
}

/** Two to four settlements in one transaction, ours and others' among each other. */
async function paySeveral(
  world: BaseWorld,
  permitNonces: Map<string, bigint>,
  draw: SeededRandom,
  facilitator: Address,
  now: number,
): Promise<void> {
  const { chain, contracts } = world;
  const calls = [];
  for (let count = draw.integer(2, 4); count > 0; count--) {
    const payment = draw.chance(0.25) ? strangePayment(world, draw) : drawPayment(world, draw);
    const inner = needsPermit(world, payment) ? "works" : draw.chance(0.1) ? "fails" : "none";
    const { proxy, data } = await proxyCall(
      world,
      permitNonces,
      payment,
      contracts.multicaller.address,
      inner,
      now,
    );
    calls.push({ target: proxy.address, data });
  }
  await chain.call(facilitator, contracts.multicaller, "aggregate", [calls]);
}
