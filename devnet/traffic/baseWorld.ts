/** What the Base side of the traffic shares. */
import type { Address, Hex } from "viem";
import type { PrivateKeyAccount } from "viem/accounts";
import type { DevChain, PlacedContract } from "../chain.ts";
import type { BaseContracts } from "../placement.ts";
import type { SeededRandom } from "../random.ts";
import type { Timeline } from "../timeline.ts";
import type { Cast } from "./cast.ts";
import type { Pace, Span } from "./ogWorld.ts";

export const BASE_CHAIN_ID = 8453;
export const OPG_UNIT = 10n ** 18n;
export const USDC_UNIT = 10n ** 6n;

export interface BaseWorld {
  readonly chain: DevChain;
  readonly contracts: BaseContracts;
  readonly cast: Cast;
  readonly random: SeededRandom;
  readonly timeline: Timeline;
  readonly span: Span;
  readonly pace: Pace;
}

/** Mints what the payers spend, and lets Permit2 take it from most of them. */
export async function openWallets({ chain, contracts, cast }: BaseWorld): Promise<void> {
  const { opg, usdc, falseOpg, permit2 } = contracts;
  const payers = [...cast.users, ...cast.strangers];
  for (const [index, { address }] of payers.entries()) {
    await chain.call(address, opg, "mint", [address, 1_000_000n * OPG_UNIT]);
    await chain.call(address, usdc, "mint", [address, 1_000_000n * USDC_UNIT]);
    await chain.call(address, falseOpg, "mint", [address, 1_000_000n * OPG_UNIT]);
    await chain.call(address, usdc, "approve", [permit2.address, 2n ** 256n - 1n]);
    await chain.call(address, falseOpg, "approve", [permit2.address, 2n ** 256n - 1n]);
    // The others approve with each payment, by permit.
    if (!approvesByPermit(index))
      await chain.call(address, opg, "approve", [permit2.address, 2n ** 256n - 1n]);
  }
}

/** Users, by their position, who have not approved Permit2 for OPG. */
export const approvesByPermit = (userIndex: number): boolean => userIndex === 3 || userIndex === 7;

/** A Permit2 transfer together with its witness, signed for whoever presents it as `spender`. */
export interface SignedPermit {
  readonly permit: {
    readonly permitted: { readonly token: Address; readonly amount: bigint };
    readonly nonce: bigint;
    readonly deadline: bigint;
  };
  readonly signature: Hex;
}

interface PermitRequest {
  readonly payer: PrivateKeyAccount;
  readonly token: Address;
  readonly amount: bigint;
  readonly spender: Address;
  readonly nonce: bigint;
  readonly deadline: number;
  readonly witnessType: string;
  readonly witnessFields: readonly { readonly name: string; readonly type: string }[];
  readonly witness: Record<string, unknown>;
}

/** Signs `PermitWitnessTransferFrom` as the payer. */
export async function signPermit({ contracts }: BaseWorld, request: PermitRequest): Promise<SignedPermit> {
  const { payer, token, amount, spender, nonce, witness } = request;
  const deadline = BigInt(request.deadline);
  const permitted = { token, amount };
  const signature = await payer.signTypedData({
    domain: { name: "Permit2", chainId: BASE_CHAIN_ID, verifyingContract: contracts.permit2.address },
    types: {
      PermitWitnessTransferFrom: [
        { name: "permitted", type: "TokenPermissions" },
        { name: "spender", type: "address" },
        { name: "nonce", type: "uint256" },
        { name: "deadline", type: "uint256" },
        { name: "witness", type: request.witnessType },
      ],
      TokenPermissions: [
        { name: "token", type: "address" },
        { name: "amount", type: "uint256" },
      ],
      [request.witnessType]: request.witnessFields,
    },
    primaryType: "PermitWitnessTransferFrom",
    message: { permitted, spender, nonce, deadline, witness },
  });
  return { permit: { permitted, nonce, deadline }, signature };
}

/** A token's EIP-712 domain. */
export const tokenDomain = (contracts: BaseContracts, token: PlacedContract) => ({
  name: token === contracts.usdc ? "USD Coin" : "OpenGradient",
  version: "2",
  chainId: BASE_CHAIN_ID,
  verifyingContract: token.address,
});

/** Signs an EIP-3009 `TransferWithAuthorization` as the payer. */
export function signAuthorization(
  { contracts }: BaseWorld,
  payer: PrivateKeyAccount,
  token: PlacedContract,
  message: { to: Address; value: bigint; validAfter: bigint; validBefore: bigint; nonce: Hex },
): Promise<Hex> {
  return payer.signTypedData({
    domain: tokenDomain(contracts, token),
    types: {
      TransferWithAuthorization: [
        { name: "from", type: "address" },
        { name: "to", type: "address" },
        { name: "value", type: "uint256" },
        { name: "validAfter", type: "uint256" },
        { name: "validBefore", type: "uint256" },
        { name: "nonce", type: "bytes32" },
      ],
    },
    primaryType: "TransferWithAuthorization",
    message: { from: payer.address, ...message },
  });
}

/** Signs an EIP-2612 permit for Permit2 as the owner; the parts are those the proxies take. */
export async function signErc2612(
  { contracts }: BaseWorld,
  owner: PrivateKeyAccount,
  token: PlacedContract,
  message: { value: bigint; nonce: bigint; deadline: bigint },
): Promise<{ value: bigint; deadline: bigint; r: Hex; s: Hex; v: number }> {
  const signature = await owner.signTypedData({
    domain: tokenDomain(contracts, token),
    types: {
      Permit: [
        { name: "owner", type: "address" },
        { name: "spender", type: "address" },
        { name: "value", type: "uint256" },
        { name: "nonce", type: "uint256" },
        { name: "deadline", type: "uint256" },
      ],
    },
    primaryType: "Permit",
    message: { owner: owner.address, spender: contracts.permit2.address, ...message },
  });
  return {
    value: message.value,
    deadline: message.deadline,
    r: `0x${signature.slice(2, 66)}`,
    s: `0x${signature.slice(66, 130)}`,
    v: Number(`0x${signature.slice(130)}`),
  };
}
