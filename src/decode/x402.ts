/** What a transaction's calldata says about a payment, when it calls the contract that makes it directly. */
import { type Abi, decodeFunctionData, type Hex, toFunctionSelector } from "viem";
import { lowerHex } from "../../abis/lowerHex.ts";
import { Erc20Abi, X402ExactPermit2ProxyAbi, X402UptoPermit2ProxyAbi } from "../../abis/X402.ts";

/** The contracts that payments are told by. Addresses are lower-case. */
export interface X402Contracts {
  readonly exactProxy: Hex;
  readonly uptoProxy: Hex;
  readonly batchSettlement: Hex;
  /** Tokens known to call nobody while they move. */
  readonly plainTokens: ReadonlySet<Hex>;
  /** Payees whose payments count in any token. */
  readonly listedPayees: ReadonlySet<Hex>;
}

export interface Call {
  readonly to: Hex | null;
  readonly input: Hex;
}

/** A settlement as its caller asked for it. Addresses are lower-case, amounts base units. */
export interface SettleCall {
  readonly proxy: Hex;
  readonly token: Hex;
  readonly payer: Hex;
  readonly payee: Hex;
  readonly amount: bigint;
  /** The cap that the payer signed; `amount` itself under `exact`. */
  readonly permittedAmount: bigint;
}

/** An EIP-3009 transfer as its caller asked for it. */
export interface AuthorizedTransfer {
  readonly from: Hex;
  readonly to: Hex;
  readonly amount: bigint;
}

const PLAIN_TRANSFERS: ReadonlySet<string> = new Set([
  toFunctionSelector("transfer(address,uint256)"),
  toFunctionSelector("transferFrom(address,address,uint256)"),
]);

/** Undefined for another function's selector, and for bytes that no ABI encoder wrote. */
function decode<const abi extends Abi>(abi: abi, data: Hex) {
  try {
    return decodeFunctionData({ abi, data });
  } catch {
    return undefined;
  }
}

interface Permit {
  readonly permitted: { readonly token: Hex; readonly amount: bigint };
}

const settleCall = (proxy: Hex, permit: Permit, owner: Hex, to: Hex, amount: bigint): SettleCall => ({
  proxy,
  token: lowerHex(permit.permitted.token),
  payer: lowerHex(owner),
  payee: lowerHex(to),
  amount,
  permittedAmount: permit.permitted.amount,
});

function exactCall(proxy: Hex, input: Hex): SettleCall | undefined {
  const call = decode(X402ExactPermit2ProxyAbi, input);
  if (call === undefined) return undefined;
  if (call.functionName === "settle") {
    const [permit, owner, witness] = call.args;
    return settleCall(proxy, permit, owner, witness.to, permit.permitted.amount);
  }
  const [, permit, owner, witness] = call.args;
  return settleCall(proxy, permit, owner, witness.to, permit.permitted.amount);
}

function uptoCall(proxy: Hex, input: Hex): SettleCall | undefined {
  const call = decode(X402UptoPermit2ProxyAbi, input);
  if (call === undefined) return undefined;
  if (call.functionName === "settle") {
    const [permit, amount, owner, witness] = call.args;
    return settleCall(proxy, permit, owner, witness.to, amount);
  }
  const [, permit, amount, owner, witness] = call.args;
  return settleCall(proxy, permit, owner, witness.to, amount);
}

/**
 * The settlement that a transaction asks one of the proxies for. A proxy cannot be entered twice, so that the
 * transaction's only event of this proxy belongs to it.
 * @returns undefined when the transaction calls another contract or function.
 */
export function decodeSettleCall(call: Call, contracts: X402Contracts): SettleCall | undefined {
  if (call.to === contracts.exactProxy) return exactCall(call.to, call.input);
  if (call.to === contracts.uptoProxy) return uptoCall(call.to, call.input);
  return undefined;
}

/** Decodes both forms of EIP-3009's `transferWithAuthorization`; undefined for anything else. */
export function decodeAuthorizedTransfer(input: Hex): AuthorizedTransfer | undefined {
  const call = decode(Erc20Abi, input);
  if (call === undefined) return undefined;
  const [from, to, amount] = call.args;
  return { from: lowerHex(from), to: lowerHex(to), amount };
}

/** Whether this is a call of ERC-20's `transfer` or `transferFrom`, which no authorization stands behind. */
export const isPlainTransfer = (input: Hex): boolean => PLAIN_TRANSFERS.has(input.slice(0, 10).toLowerCase());
