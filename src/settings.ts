/**
 * The settings that payment handlers need beyond what Ponder hands them. Ponder hashes the same variables through
 * ponder.config.ts (addresses and the payee filter), so that another list of payees is another build.
 */
import type { Hex } from "viem";
import { readIndexingSettings } from "../config/indexing.ts";
import { dailyOrganicCaps } from "./decode/organicCaps.ts";

const settings = readIndexingSettings(process.env);

/** The contracts that payments are told by, lower-case. */
export const x402 = {
  exactProxy: settings.X402_EXACT_PROXY_ADDRESS,
  uptoProxy: settings.X402_UPTO_PROXY_ADDRESS,
  batchSettlement: settings.X402_BATCH_SETTLEMENT_ADDRESS,
  /** Tokens known to call nobody while they move: what stands next to their logs is not theirs. */
  plainTokens: new Set<Hex>([settings.OPG_ADDRESS, settings.USDC_ADDRESS]),
  listedPayees: new Set<Hex>(settings.EXTRA_PAYEE_ADDRESSES),
} as const;

/** Whether payments to this address count in any token. */
export const isListedPayee = (payee: Hex): boolean => x402.listedPayees.has(payee);

/** Whether a payment is ours: in OPG whoever is paid, or to a listed payee whatever the token. */
export const isOurs = (token: Hex, payee: Hex): boolean =>
  token === settings.OPG_ADDRESS || isListedPayee(payee);

export const isOpg = (token: Hex): boolean => token === settings.OPG_ADDRESS;

const dailyCaps: ReadonlyMap<Hex, bigint> = new Map(
  dailyOrganicCaps(settings).map(({ token, amount }) => [token, amount]),
);

/** What one payer may count for in a token per day, in base units; null for a token without a bound. */
export const dailyCapOf = (token: Hex): bigint | null => dailyCaps.get(token) ?? null;
