/**
 * Which of a transaction's ERC-20 transfers are payments. The proxies' events name neither payer nor amount, so the
 * order of the logs has to say which `Transfer` belongs to which event:
 *
 * - A proxy emits `Settled` right after Permit2 has made the token move. A plain token (one that calls nobody)
 *   therefore speaks last before it; any other token may have let strangers speak in between.
 * - Transfers of nothing, which anyone can make in anyone's name, count only where they can be nobody else's: a plain
 *   token's last word before a settlement. (The proxies on Base refuse to settle nothing.)
 * - A proxy cannot be entered twice, so a settlement's transfer comes after the same proxy's previous event. The two
 *   proxies can only nest by way of a token that calls out; the inner one then takes the later transfer.
 * - A token that takes a fee may speak of it last: a transfer of the same payer, or onward from the payee, after one that
 *   pays a listed payee is such a fee.
 * - EIP-3009 emits `AuthorizationUsed` and at once, from the same token, the authorizer's `Transfer`.
 * - One transfer belongs to at most one of them.
 *
 * What this cannot see: a raw OPG transfer directly followed by the settlement of a token that emits no `Transfer`
 * looks like a payment in OPG. The OPG did move as reported.
 */
import { type Hex, hexToBigInt, toEventSelector } from "viem";
import { lowerHex } from "../../abis/lowerHex.ts";
import type { SettleCall, X402Contracts } from "./x402.ts";

/** A log as the receipt has it. */
export interface ReceiptLog {
  readonly address: Hex;
  readonly topics: readonly Hex[];
  readonly data: Hex;
  readonly logIndex: number;
}

/** One ERC-20 `Transfer`. Addresses are lower-case, the amount is in base units. */
export interface TokenTransfer {
  readonly logIndex: number;
  readonly token: Hex;
  readonly from: Hex;
  readonly to: Hex;
  readonly amount: bigint;
}

export interface ReceiptPayments {
  /** By log index of a proxy's `Settled` or `SettledWithPermit`. */
  readonly settled: ReadonlyMap<number, TokenTransfer>;
  /** EIP-3009 payments by log index of their `Transfer`. */
  readonly authorized: ReadonlyMap<number, TokenTransfer>;
  /** The same by log index of their `AuthorizationUsed`. */
  readonly authorizedBy: ReadonlyMap<number, TokenTransfer>;
}

const TRANSFER = toEventSelector("Transfer(address,address,uint256)");
const AUTHORIZATION_USED = toEventSelector("AuthorizationUsed(address,bytes32)");
const SETTLED: ReadonlySet<string> = new Set([
  toEventSelector("Settled()"),
  toEventSelector("SettledWithPermit()"),
]);

/** How far after an authorized transfer a collector's own transfer to the channel contract is looked for. */
const COLLECTOR_LOGS = 8;
const WORD_LENGTH = "0x".length + 64;
const topicAddress = (topic: Hex): Hex => `0x${topic.slice(-40).toLowerCase()}`;

/** ERC-721's `Transfer` has the same signature and a fourth topic; it moves no amount. */
function transferOf(log: ReceiptLog): TokenTransfer | undefined {
  const [selector, from, to, ...rest] = log.topics;
  if (selector !== TRANSFER || from === undefined || to === undefined || rest.length > 0) return undefined;
  if (log.data.length !== WORD_LENGTH) return undefined;
  return {
    logIndex: log.logIndex,
    token: log.address,
    from: topicAddress(from),
    to: topicAddress(to),
    amount: hexToBigInt(log.data),
  };
}

function authorizerOf(log: ReceiptLog): Hex | undefined {
  const [selector, authorizer, nonce] = log.topics;
  if (selector !== AUTHORIZATION_USED || authorizer === undefined || nonce === undefined) return undefined;
  return topicAddress(authorizer);
}

/** A transfer that no event has claimed so far, and its place among the transaction's logs. */
interface OpenTransfer extends TokenTransfer {
  readonly position: number;
}

/**
 * Pairs one transaction's transfers with the events that make them payments.
 * @param receiptLogs - all logs of the transaction, in any order.
 * @param call - the settlement that the transaction asks a proxy for directly. Its event takes only the transfer that
 * was asked for, whatever else the token emits (fees, for one), and no other event takes that one.
 */
export function pairPayments(
  receiptLogs: readonly ReceiptLog[],
  contracts: X402Contracts,
  call: SettleCall | undefined,
): ReceiptPayments {
  const logs = receiptLogs
    .map((log) => ({ ...log, address: lowerHex(log.address) }))
    .sort((a, b) => a.logIndex - b.logIndex);

  const settled = new Map<number, TokenTransfer>();
  const authorized = new Map<number, TokenTransfer>();
  const authorizedBy = new Map<number, TokenTransfer>();
  const open: OpenTransfer[] = [];
  const previousSettled = new Map<Hex, number>();
  /** The unbroken series of one contract's logs that ends with the previous log. */
  let series: { readonly address: Hex; readonly start: number } | undefined;
  /** Spoken in the current series and not yet followed by a transfer. */
  let authorization: { readonly authorizer: Hex; readonly logIndex: number } | undefined;

  const isAskedFor = (transfer: TokenTransfer): boolean =>
    transfer.token === call?.token && transfer.from === call.payer && transfer.to === call.payee;

  const mayPay = (proxy: Hex, transfer: OpenTransfer): boolean => {
    if (call !== undefined && isAskedFor(transfer) !== (proxy === call.proxy)) return false;
    if (!contracts.plainTokens.has(transfer.token)) return true;
    return transfer.token === series?.address && transfer.position >= series.start;
  };

  /** Whether what `last` says is the fee of a payment that counts. A plain token takes none. */
  const hasFee = (paid: OpenTransfer, last: OpenTransfer): boolean =>
    paid.token === last.token &&
    !contracts.plainTokens.has(paid.token) &&
    contracts.listedPayees.has(paid.to) &&
    (paid.from === last.from || paid.to === last.from);

  const takeTransfer = (proxy: Hex): OpenTransfer | undefined => {
    const since = previousSettled.get(proxy) ?? -1;
    let taken: OpenTransfer | undefined;
    for (let index = open.length - 1; index >= 0; index--) {
      const transfer = open[index];
      if (transfer === undefined || transfer.position < since) break;
      if (!mayPay(proxy, transfer)) continue;
      taken ??= transfer;
      if (hasFee(transfer, taken)) taken = transfer;
      if (contracts.listedPayees.has(taken.to) || contracts.plainTokens.has(taken.token)) break;
    }
    if (taken !== undefined) open.splice(open.indexOf(taken), 1);
    return taken;
  };

  /** The channel contract is funded through a collector that passes the authorized amount on: not a payment yet. */
  const isChannelDeposit = (transfer: TokenTransfer, position: number): boolean => {
    if (transfer.to === contracts.batchSettlement) return true;
    for (const log of logs.slice(position + 1, position + 1 + COLLECTOR_LOGS)) {
      const onward = log.address === transfer.token ? transferOf(log) : undefined;
      if (onward !== undefined && onward.amount > 0n)
        return onward.from === transfer.to && onward.to === contracts.batchSettlement;
    }
    return false;
  };

  for (const [position, log] of logs.entries()) {
    const continues = log.address === series?.address;
    if (!continues) authorization = undefined;

    const transfer = transferOf(log);
    const authorizer = authorizerOf(log);
    const [selector] = log.topics;
    if (authorizer !== undefined) authorization = { authorizer, logIndex: log.logIndex };
    else if (transfer !== undefined) {
      if (authorization?.authorizer !== transfer.from) {
        if (transfer.amount > 0n || contracts.plainTokens.has(transfer.token))
          open.push({ ...transfer, position });
      } else if (transfer.amount > 0n && !isChannelDeposit(transfer, position)) {
        authorized.set(transfer.logIndex, transfer);
        authorizedBy.set(authorization.logIndex, transfer);
      }
      authorization = undefined;
    } else if (
      (log.address === contracts.exactProxy || log.address === contracts.uptoProxy) &&
      selector !== undefined &&
      SETTLED.has(selector)
    ) {
      const paid = takeTransfer(log.address);
      previousSettled.set(log.address, position);
      if (paid !== undefined) settled.set(log.logIndex, paid);
    }

    if (!continues) series = { address: log.address, start: position };
  }
  return { settled, authorized, authorizedBy };
}
