/** Fields of operators, payers and relayers. */
import { MAX_CHANNELS, MAX_PAYEE_DAYS, MAX_RECIPIENTS } from "../queries/payments/payers.ts";
import { MAX_JOINT_DAYS, MAX_JOINT_PAYERS } from "../queries/payments/revenueTotals.ts";
import { LATENCY_SAMPLES, LATENESS_SAMPLES } from "../queries/settlements/relayers.ts";
import { amount, count, HOUR, SAMPLES, time, type Words } from "./word.ts";

const { now, owner, payee, payer, relayer } = SAMPLES;

const PAYER_ORGANIC = amount(
  "Organic payments, counting for at most 1 OPG or 1 USDC per operator and UTC day",
  "1000000000000000000",
  "for other tokens, and while OpenGradient is not ready",
);

export const ACCOUNT_WORDS: Words = {
  address: { says: "The address.", sample: owner },

  // Operators
  "getOperator.address": { says: "The owner's address.", sample: owner },
  "Operator.address": { says: "The owner's address.", sample: owner },
  "Operator.nodes": { says: "Its nodes by status." },
  firstRegisteredAt: time("When its first node was registered", 480 * HOUR),
  paymentAddresses: { says: "Where its nodes are paid now.", sample: payee },
  sharedPaymentAddresses: {
    says: "Those of `paymentAddresses` whose payments are not its own: another operator's node named them first, or several operators name a common payee.",
    sample: payee,
  },
  "revenue.organic": amount(
    "Organic payments, a payer counting for at most 1 OPG or 1 USDC a day",
    "1000000000000000000",
    `for other tokens, and when payers paid several of its addresses on more than ${MAX_JOINT_DAYS} days in all`,
  ),
  "revenue.payers": count(
    "Distinct payers",
    4,
    `as \`organic\` is then, when more than ${MAX_JOINT_PAYERS} paid several of its addresses`,
  ),
  "Operator.payers": count("Distinct payers over all tokens", 4, "while Base is not ready"),
  operators: count("Owners of nodes", 9),

  // Payers
  "getPayer.address": { says: "The payer's address.", sample: payer },
  "Payer.address": { says: "The payer's address.", sample: payer },
  firstPaidAt: time("Its first payment", 480 * HOUR, "for one who only funds channels"),
  lastPaidAt: time("Its newest payment", 120, "for one who only funds channels"),
  insider: {
    says: "Whether it is a payment address, a relayer or an admin: then nothing it pays is organic. Null while OpenGradient is not ready.",
  },
  spending: { says: "What it paid, per token." },
  "spending.organic": PAYER_ORGANIC,
  "operators.organic": PAYER_ORGANIC,
  "Payer.payments": count(
    "Payments",
    17,
    `like the sums below, for a payer with more than ${MAX_PAYEE_DAYS} days of payees`,
  ),
  "Payer.operators": {
    says: `Per operator and token, the ${MAX_RECIPIENTS} paid most often; null while OpenGradient is not ready.`,
  },
  "Payer.payees": { says: `Per address and token, the ${MAX_RECIPIENTS} paid most often.` },
  "Payer.channels": {
    says: `Channels that it funds, by state; null when there are more than ${MAX_CHANNELS}.`,
  },
  "operators.operator": {
    says: "The operator; null stands for all payees that are no operator's own.",
    sample: owner,
  },
  "payees.operator": {
    says: "The operator whose own the address is; null when it is nobody's.",
    sample: owner,
  },
  "payees.payee": { says: "The address that was paid.", sample: payee },
  firstDayAt: time("Midnight (UTC) of the first day it was paid", now % 86_400),
  lastDayAt: time("Midnight (UTC) of the last day it was paid", now % 86_400),
  payeeCount: count("Distinct addresses that it paid", 2),
  "channels.open": count("Open", 1),
  "channels.withdrawing": count("With an announced withdrawal", 0),
  "channels.closed": count("Closed", 2),

  // Relayers
  "getRelayer.address": { says: "The relayer's address.", sample: relayer },
  "Relayer.address": { says: "The relayer's address.", sample: relayer },
  firstSeenAt: time("Its first settlement or heartbeat", 480 * HOUR),
  lastSeenAt: time("Its newest settlement or heartbeat", 60),
  "Relayer.lastHeartbeatAt": time("Block time of the newest heartbeat that it relayed", 30, "without one"),
  "Relayer.heartbeats": { says: "Heartbeats that it relayed in the last 24 hours." },
  "heartbeats.sent": count("All of them, repeated ones included", 96),
  "heartbeats.repeated": count(
    "Of those in `lateness`, the ones whose signed second had been sent before",
    0,
  ),
  "Relayer.settlements": { says: "What it settled, by kind." },
  "Relayer.verdicts": { says: "What it settled, by verdict." },
  "Relayer.leaves": { says: "Leaves of its proven batches; individual settlements are not among them." },
  "Relayer.proofAvailability": {
    says: "Share of its decided batches whose blob could be fetched, 0 to 1; null while none is decided.",
    sample: 1,
  },
  lateness: {
    says: `Time from signed second to block of the newest ${LATENESS_SAMPLES.toLocaleString("en-US")} of them.`,
  },
  "settlementLatency.individual": {
    says: `Of its newest ${LATENCY_SAMPLES.individuals.toLocaleString("en-US")} individual settlements.`,
  },
  "settlementLatency.batch": {
    says: `Of the first ${LATENCY_SAMPLES.leavesPerBatch} valid leaves of each of its newest ${LATENCY_SAMPLES.batches} proven batches.`,
  },
  settlementLatency: { says: "Time from signature to settlement." },
  p50Seconds: { says: "Median, seconds; null without samples.", sample: 14 },
  p95Seconds: { says: "95th percentile, seconds; null without samples.", sample: 38 },
  samples: count("How many these are taken from", 310),
};
