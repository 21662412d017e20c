/** Telling a view that cannot answer from an RPC that failed: the first is a fact of the chain, the second is retried. */
import { BaseError, ContractFunctionZeroDataError } from "viem";

// What nodes say about state they no longer keep. The gateway says "state of block N is not kept by the RPC".
const STATE_GONE =
  /not kept by the RPC|missing trie node|state .*(?:is )?not available|historical state|pruned|header not found/i;
const REVERTED = /revert/i;

const texts = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const details = error instanceof BaseError ? error.details : "";
  return `${error.message}\n${details}\n${error.cause === undefined ? "" : texts(error.cause)}`;
};

/** The RPC does not keep the state of the block that was asked for. */
export const isStateGone = (error: unknown): boolean => STATE_GONE.test(texts(error));

/** The call cannot be answered at that block, now or later: it reverts, there is no such view, or the state is gone. */
export const isUnreadable = (error: unknown): boolean =>
  isStateGone(error) ||
  REVERTED.test(texts(error)) ||
  (error instanceof BaseError &&
    error.walk((cause) => cause instanceof ContractFunctionZeroDataError) !== null);
