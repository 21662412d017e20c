/**
 * What fields, parameters and filters mean, written once for REST and GraphQL. `name` holds wherever something has that
 * name, `Owner.name` in one type, operation or filter. A description beside a schema's field takes precedence.
 */
import { ACCOUNT_WORDS } from "./accounts.ts";
import { CHAIN_WORDS } from "./chains.ts";
import { INFERENCE_WORDS } from "./inferences.ts";
import { METRIC_WORDS } from "./metrics.ts";
import { NODE_WORDS } from "./nodes.ts";
import { PAYMENT_WORDS } from "./payments.ts";
import { SETTLEMENT_WORDS } from "./settlements.ts";
import { PROBLEM_WORDS, STREAM_WORDS } from "./stream.ts";
import type { Word, Words } from "./word.ts";

const WORDS: Words = {
  ...CHAIN_WORDS,
  ...NODE_WORDS,
  ...INFERENCE_WORDS,
  ...SETTLEMENT_WORDS,
  ...PAYMENT_WORDS,
  ...ACCOUNT_WORDS,
  ...METRIC_WORDS,
  ...STREAM_WORDS,
  ...PROBLEM_WORDS,
};

/** Types of the two APIs with the same fields: they are described under one name. */
const SAME: Readonly<Record<string, string>> = {
  NodeItem: "Node",
  StreamNode: "Node",
  TeeNode: "Node",
  SettlementDetail: "Settlement",
  BatchLeaf: "Leaf",
  GroupMetrics: "NodeMetrics",
  OperatorDetail: "Operator",
  PayerRecord: "Payer",
  OperatorRevenue: "revenue",
  PayerSpending: "spending",
  PayerPayeeSpending: "payees",
  PayerOperatorSpending: "operators",
  RelayerRecord: "Relayer",
  RelayedHeartbeats: "heartbeats",
  NodeCounts: "nodes",
  NodeAtSigning: "nodeAtSigning",
  TokenRevenue: "Volume",
  TokenVolume: "TotalVolume",
  StreamFilter: "streamEvents",
  ChannelCounts: "channels",
  VerdictCounts: "verdicts",
  LeafCounts: "leaves",
  NodePcr: "pcr",
  OhttpConfig: "ohttpConfig",
  TeeTypeName: "teeType",
  HeartbeatMaxAge: "heartbeatMaxAge",
  PendingWithdrawal: "pendingWithdrawal",
  HubEvent: "hub",
  OnchainInferenceContent: "content",
  SettlementPayload: "payload",
  NodeScore: "Score",
  ScoreFactor: "factors",
  ScoreGate: "gates",
  ScoringConstant: "constants",
  Exclusion: "excluded",
  SeriesPoint: "SeriesItem",
  BlockIndexed: "StreamBlock",
};

const wordsOf = (name: string, owner: string): readonly (Word | undefined)[] => [
  WORDS[`${owner}.${name}`],
  WORDS[`${SAME[owner] ?? owner}.${name}`],
  WORDS[name],
];

/** What a field means; undefined when nothing is said of its name. */
export const meaningOf = (name: string, owner: string): string | undefined =>
  wordsOf(name, owner).find((word) => word !== undefined)?.says;

/**
 * What a field means.
 * @param field - `Owner.name`, as in `SettlementFilter.relayer`.
 * @throws {Error} when nothing is said of its name.
 */
export function describe(field: string): string {
  const [owner = "", name = ""] = field.split(".");
  const says = meaningOf(name, owner);
  if (says === undefined) throw new Error(`${field}: no file of api/fields says what it means`);
  return says;
}

/** A value of the field for examples. */
export const sampleOf = (name: string, owner: string): Word["sample"] =>
  wordsOf(name, owner).find((word) => word?.sample !== undefined)?.sample;

/** Every word, for the test that each is used. */
export const VOCABULARY: readonly string[] = Object.keys(WORDS);
