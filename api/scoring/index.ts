/**
 * Score v1 and selection: pure functions from what chain and prober tell to scores and picks. In order:
 *
 *     silences → excusedSpells → histories → inheritRecords → recordAt → scoreOf → failedGates → prepareSelection → draw
 *
 * Nothing in here knows a clock, a database or a network; every input carries its own `now`. docs/metrics.md explains
 * each number and redoes an example by hand.
 */
export { betaQuantile, type Posterior, posterior } from "./beta.ts";
export { type Candidate, evidenceByOwner, type Probability, toProbability } from "./candidate.ts";
export { CONSTANTS, type Constant, type ConstantName, SCORE_VERSION, SCORING } from "./constants.ts";
export type { DayHours, Evidence, Weighed } from "./evidence.ts";
export { excusedSpells, excuses, granted, isSilence, type RelayerSilence } from "./excused.ts";
export { FACTOR_NAMES, FACTOR_WEIGHTS, type Factor, type FactorName } from "./factors.ts";
export { failedGates, GATE_REASONS, type Gate, type GateInput, type GateReason } from "./gates.ts";
export { type InheritanceSettings, type Inherited, inheritRecords } from "./inheritance.ts";
export { type Place, placesOf } from "./machines.ts";
export {
  type FoldedHistory,
  foldHistory,
  type LatencyEvidence,
  type NodeHistory,
  type NodeRecord,
  recordAt,
  settledBefore,
} from "./nodeRecord.ts";
export {
  downSpells,
  expectedIntervalSeconds,
  type Life,
  observedClock,
  type SignedGap,
} from "./observedTime.ts";
export { isProbing, type Probe } from "./probes.ts";
export { type NodeScore, type Score, scoreOf, toScore } from "./score.ts";
export { draw, type Pick, prepareSelection, type Selection, type Strategy } from "./selection.ts";
export type { OpenSpell, Spell } from "./spell.ts";
