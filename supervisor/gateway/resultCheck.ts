/** Checks whether a result can be an answer to its request: endpoints are not trusted. */
import { blockRange, type Fields, isFields, type RpcRequest, toBlockNumber } from "./jsonRpc.ts";

/** An array of unknown items; undefined for anything else. */
const arrayOf = (value: unknown): readonly unknown[] | undefined =>
  Array.isArray(value) ? value : undefined;
const isHex = (value: unknown): value is string => typeof value === "string" && /^0x[0-9a-f]*$/i.test(value);
const isHash = (value: unknown): value is string => isHex(value) && value.length === 66;
const same = (a: unknown, b: unknown) =>
  typeof a === "string" && typeof b === "string" && a.toLowerCase() === b.toLowerCase();

type Check = (params: readonly unknown[], value: unknown) => string | undefined;

const quantity: Check = (_params, value) =>
  toBlockNumber(value) === undefined ? "something other than a number" : undefined;
const bytes: Check = (_params, value) => (isHex(value) ? undefined : "something other than bytes");

const block: Check = ([asked], value) => {
  if (value === null) return undefined;
  if (!isFields(value)) return "something other than a block";
  const { number, hash, parentHash } = value;
  if (asked === "pending") return undefined;
  const isLinked = (value: unknown) => value === undefined || isHash(value);
  if (toBlockNumber(number) === undefined || !isLinked(hash) || !isLinked(parentHash))
    return "something other than a block";
  if (isHash(asked) ? !same(asked, hash) : isHex(asked) && Number(asked) !== Number(number))
    return "another block";
  return undefined;
};

const receiptsOfBlock: Check = ([asked], value) => {
  if (value === null) return undefined;
  if (!Array.isArray(value) || !value.every(isFields)) return "something other than receipts";
  const isOther = (receipt: Fields) =>
    isHash(asked)
      ? !same(asked, receipt.blockHash)
      : isHex(asked) && Number(asked) !== toBlockNumber(receipt.blockNumber);
  return value.some(isOther) ? "receipts of another block" : undefined;
};

const ofTransaction: Check = ([asked], value) => {
  if (value === null) return undefined;
  if (!isFields(value)) return "something other than a transaction";
  return same(asked, value.transactionHash ?? value.hash) ? undefined : "another transaction";
};

/** An absent filter allows everything; an absent member is left to whoever reads it. */
const allows = (wanted: unknown, value: unknown): boolean => {
  if (wanted === undefined || wanted === null || value === undefined) return true;
  return Array.isArray(wanted)
    ? wanted.length === 0 || wanted.some((one) => same(one, value))
    : same(wanted, value);
};

const logs: Check = (params, value) => {
  const found = arrayOf(value);
  if (found === undefined) return "something other than logs";
  const filter = isFields(params[0]) ? params[0] : {};
  const range = blockRange({ method: "eth_getLogs", params });
  const topics = arrayOf(filter.topics) ?? [];
  for (const log of found) {
    if (!isFields(log)) return "something other than logs";
    const number = toBlockNumber(log.blockNumber);
    if (number === undefined) return "logs without a block";
    if (log.removed === true) return "logs of a block that was replaced";
    if (range !== undefined && (number < range.from || number > range.to)) return "logs of other blocks";
    if (!allows(filter.blockHash, log.blockHash)) return "logs of another block";
    if (!allows(filter.address, log.address)) return "logs of another address";
    const given = arrayOf(log.topics);
    if (given !== undefined && !topics.every((topic, index) => allows(topic, given[index] ?? null)))
      return "logs with other topics";
  }
  return undefined;
};

const CHECKS: Readonly<Record<string, Check>> = {
  eth_blockNumber: quantity,
  eth_chainId: quantity,
  eth_getBlockByNumber: block,
  eth_getBlockByHash: block,
  eth_getBlockReceipts: receiptsOfBlock,
  eth_getTransactionReceipt: ofTransaction,
  eth_getTransactionByHash: ofTransaction,
  eth_getLogs: logs,
  eth_call: bytes,
  eth_getCode: bytes,
};

/** @returns what the result is instead, to follow "returned"; undefined when it fits the request. */
export const faultInResult = ({ method, params }: RpcRequest, result: unknown): string | undefined =>
  CHECKS[method]?.(params, result);
