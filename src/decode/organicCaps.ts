/** How much of what one payer pays counts as organic volume. */
import type { Hex } from "viem";

/** What one payer may count for per UTC day, in base units of `token`. */
export interface DailyOrganicCap {
  readonly token: Hex;
  readonly amount: bigint;
}

/** One whole token each of OPG and USDC; no other token has an organic volume. The indexer's rows are bounded by it too. */
export const dailyOrganicCaps = ({
  OPG_ADDRESS,
  USDC_ADDRESS,
}: {
  readonly OPG_ADDRESS: Hex;
  readonly USDC_ADDRESS: Hex;
}): readonly DailyOrganicCap[] => [
  { token: OPG_ADDRESS, amount: 10n ** 18n },
  { token: USDC_ADDRESS, amount: 10n ** 6n },
];
