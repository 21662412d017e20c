/** A random month of a small network as raw events, from which all metrics can be computed. For tests only. */

import { COMMON_PAYEE, OPG } from "../testApi.ts";
import { address, hash } from "./chainTables.ts";
import { nodeNamed, OTHER_REGISTRY, REGISTRY } from "./registryHistory.ts";

/** 08:00 UTC: hours are whole, days are not. */
export const T0 = 1_800_000_000;
const DAY = 86_400;
export const HEAD = T0 + 34 * DAY + 19_015;
/** Base's newest block is a little older. */
export const BASE_HEAD = HEAD - 35;
export const OTHER_TOKEN = address("other-token");
export const ADMIN = address("admin");
export const RELAYER = address("relayer");

export interface HistoryNode {
  readonly name: string;
  readonly teeId: string;
  readonly registry: string;
  readonly owner: string;
  readonly paymentAddress: string;
  readonly registeredAt: number;
  readonly removedAt: number | null;
  /** Seconds at which it was disabled, enabled, disabled, … */
  readonly switches: readonly number[];
}

export interface HistoryHeartbeat {
  readonly node: HistoryNode;
  readonly receivedAt: number;
  readonly signedAt: number;
  readonly repeated: boolean;
}

export interface HistorySettlement {
  readonly kind: "individual" | "batch";
  readonly node: HistoryNode | null;
  readonly settledAt: number;
  readonly signedAt: number;
}

export interface HistoryPayment {
  readonly paidAt: number;
  readonly token: string;
  readonly payer: string;
  readonly payee: string;
  readonly facilitator: string;
  readonly amount: bigint;
}

export interface HistoryInference {
  readonly node: HistoryNode;
  readonly signedAt: number;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
}

export interface History {
  readonly nodes: readonly HistoryNode[];
  /** `heartbeatMaxAge` of both registries, in order of time. */
  readonly maxAges: readonly { readonly fromAt: number; readonly valueSeconds: number }[];
  /** Each list in order of the chain. */
  readonly heartbeats: readonly HistoryHeartbeat[];
  readonly settlements: readonly HistorySettlement[];
  readonly onchainInferences: readonly number[];
  readonly payments: readonly HistoryPayment[];
  readonly inferences: readonly HistoryInference[];
}

export type Random = () => number;

export const isDisabledAt = ({ switches, removedAt }: HistoryNode, at: number): boolean =>
  (removedAt !== null && at >= removedAt) || switches.filter((second) => second <= at).length % 2 === 1;

export const maxAgeAt = ({ maxAges }: Pick<History, "maxAges">, at: number): number =>
  maxAges.findLast(({ fromAt }) => fromAt <= at)?.valueSeconds ?? 0;

/** OpenGradient has a block every 5 s here, Base every 2 s. */
const ogTime = (at: number) => at - (at % 5);
const baseTime = (at: number) => at - (at % 2);

const node = (
  name: string,
  owner: string,
  paymentAddress: string,
  registeredAt: number,
  more: Partial<HistoryNode> = {},
): HistoryNode => ({
  name,
  teeId: nodeNamed(name).teeId,
  registry: REGISTRY,
  owner: address(owner),
  paymentAddress,
  registeredAt,
  removedAt: null,
  switches: [],
  ...more,
});

const NODES: readonly HistoryNode[] = [
  node("a", "owner-a", address("pay-a"), T0 + 100),
  node("b", "owner-a", address("pay-b"), T0 + 200, {
    switches: [
      T0 + 5 * DAY,
      T0 + 5 * DAY + 30_000,
      T0 + 31 * DAY,
      T0 + 32 * DAY + 4_000,
      HEAD - 40_000,
      HEAD - 39_000,
    ],
  }),
  node("c", "owner-b", address("pay-shared"), T0 + 300),
  node("d", "owner-b", address("pay-shared"), T0 + 400, { switches: [T0 + 33 * DAY] }),
  node("e", "owner-c", COMMON_PAYEE, T0 + 10 * DAY),
  node("f", "owner-c", address("pay-f"), T0 + 500, { registry: OTHER_REGISTRY }),
  node("g", "owner-b", address("pay-g"), T0 + 33 * DAY),
  node("h", "owner-c", address("pay-h"), T0 + 600, { removedAt: T0 + 15 * DAY }),
];

export function randomHistory(random: Random): History {
  const maxAges = [
    { fromAt: T0 - 900, valueSeconds: 7_200 },
    { fromAt: T0 + 20 * DAY, valueSeconds: 5_401 },
  ];
  const between = (from: number, to: number) => Math.floor(from + random() * (to - from));
  const pick = <T>(values: readonly T[]): T => {
    const value = values[between(0, values.length)];
    if (value === undefined) throw new RangeError("nothing to pick from");
    return value;
  };
  const times = (count: number, from: number, to: number) =>
    Array.from({ length: count }, () => between(from, to)).sort((a, b) => a - b);

  const heartbeats = NODES.flatMap((one) => heartbeatsOf(one, between, random)).sort(
    (a, b) => a.receivedAt - b.receivedAt || (a.node.name < b.node.name ? -1 : 1),
  );
  const settlements = [
    ...NODES.flatMap((one) =>
      times(one.name === "a" ? 700 : 60, one.registeredAt + 10, one.removedAt ?? HEAD).map((at) => {
        const settledAt = ogTime(at);
        return {
          kind: "individual" as const,
          node: one,
          settledAt,
          signedAt: settledAt - between(-300, 3_000),
        };
      }),
    ),
    ...times(90, T0, HEAD).map((at) => ({
      kind: "batch" as const,
      node: null,
      settledAt: ogTime(at),
      signedAt: 0,
    })),
  ].sort((a, b) => a.settledAt - b.settledAt);
  const payers = ["p0", "p1", "p2", "p3", "p4", "p5", "pay-a", "pay-g", "owner-a", "admin", "relayer"].map(
    address,
  );
  const payees = [...new Set(NODES.map(({ paymentAddress }) => paymentAddress)), address("stranger")];
  return {
    nodes: NODES,
    maxAges,
    heartbeats,
    settlements,
    onchainInferences: times(200, T0, HEAD),
    payments: times(2_500, T0 + 3_000, BASE_HEAD).map((at) => {
      const payer = pick(payers);
      return {
        paidAt: baseTime(at),
        token: random() < 0.8 ? OPG : OTHER_TOKEN,
        payer,
        payee: pick(payees),
        facilitator: random() < 0.15 ? payer : address("facilitator"),
        amount: BigInt(between(5, 90)) * 10n ** 16n,
      };
    }),
    inferences: times(1_500, T0 + 700, HEAD).map((signedAt) => {
      const told = random() < 0.5;
      return {
        node: pick(NODES),
        signedAt,
        promptTokens: told ? between(1, 500) : null,
        completionTokens: told ? between(1, 500) : null,
      };
    }),
  };
}

/** About one an hour with outages of hours to days, some relayed late, some sent again. */
function heartbeatsOf(
  one: HistoryNode,
  between: (from: number, to: number) => number,
  random: Random,
): readonly HistoryHeartbeat[] {
  const beats: HistoryHeartbeat[] = [];
  let signedAt = one.registeredAt;
  for (;;) {
    signedAt += random() < 0.04 ? between(2_600, 150_000) : between(2_400, 4_200);
    const receivedAt = ogTime(signedAt + between(5, 900));
    if (receivedAt > HEAD) return beats;
    // Heartbeats of a disabled node revert.
    if (isDisabledAt(one, receivedAt)) continue;
    beats.push({ node: one, receivedAt, signedAt, repeated: false });
    const again = ogTime(receivedAt + between(10, 1_400));
    if (random() < 0.1 && again <= HEAD && !isDisabledAt(one, again))
      beats.push({ node: one, receivedAt: again, signedAt, repeated: true });
  }
}

/** A transaction's hash for the nth event. */
export const txHash = (kind: string, index: number): string => hash(`${kind}${index}`);
