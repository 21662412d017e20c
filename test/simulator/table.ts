/** Runs all attacks and prints their table for docs/metrics.md. */
import type { Attack, Outcome } from "./attack.ts";
import { forgedLeaves, rings } from "./attacks/claims.ts";
import {
  backDatingFlapping,
  backDatingOutage,
  deadNode,
  disabling,
  flappingHours,
  flappingMinutes,
  lockedFlapping,
  postDating,
} from "./attacks/heartbeats.ts";
import { dailyRekeying, naming, newKeys } from "./attacks/identities.ts";
import { majorities, pretending, relayDown } from "./attacks/relays.ts";
import { fewTrials, limits, manyNodes, manySampledNodes, newcomers, uptimeLevels } from "./attacks/shares.ts";

export const ATTACKS: readonly Attack[] = [
  deadNode,
  flappingHours,
  flappingMinutes,
  lockedFlapping,
  disabling,
  uptimeLevels,
  newKeys,
  naming,
  manyNodes,
  manySampledNodes,
  limits,
  dailyRekeying,
  ...newcomers,
  rings,
  forgedLeaves,
  fewTrials,
  postDating,
  backDatingOutage,
  backDatingFlapping,
  ...relayDown,
  ...majorities,
  pretending,
];

export interface Result {
  readonly attack: Attack;
  readonly outcome: Outcome;
  readonly controls: readonly (Outcome & { readonly without: string })[];
}

export const resultOf = (attack: Attack): Result => ({
  attack,
  outcome: attack.run(),
  controls: attack.controls.map(({ without, run }) => ({ without, ...run() })),
});

const cell = (text: string): string => text.replaceAll("|", "\\|");

/** Markdown. */
export function tableOf(results: readonly Result[]): string {
  const rows = results.map(({ attack: { name, mustHold }, outcome, controls }) =>
    [
      name,
      mustHold,
      outcome.measured,
      controls.map(({ without, measured }) => `*without ${without}:* ${measured}`).join("; "),
    ]
      .map(cell)
      .join(" | "),
  );
  return [
    "| attack | must hold | measured | control run, which must fail |",
    "|---|---|---|---|",
    ...rows.map((row) => `| ${row} |`),
  ].join("\n");
}
