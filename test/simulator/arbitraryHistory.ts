/** Random histories of a node for property tests. Unix seconds. */
import fc from "fast-check";
import type { NodeHistory, OpenSpell, Probe } from "../../api/scoring/index.ts";
import { readHeartbeats } from "./heartbeatLog.ts";

const MAX_AGE_SECONDS = 1_800;
const REGISTERED_AT = 1_800_000_000;
const DAY = 86_400;
const HOUR = 3_600;

export interface RawHistory {
  readonly registeredAt: number;
  readonly now: number;
  readonly signed: readonly number[];
  readonly probed: readonly {
    readonly at: number;
    readonly reached: boolean;
    readonly latencyLog2: number;
  }[];
  readonly disabled: readonly OpenSpell[];
  readonly excused: readonly OpenSpell[];
}

const spells = (seconds: number): fc.Arbitrary<OpenSpell[]> =>
  fc.array(
    fc
      .record({ from: fc.nat(seconds), length: fc.integer({ min: 1, max: 2 * DAY }) })
      .map(({ from, length }) => ({
        fromAt: REGISTERED_AT + from,
        untilAt: REGISTERED_AT + from + length,
      })),
    { maxLength: 3 },
  );

/** Heartbeats about every 15 minutes with holes, and probes about every 20. */
export const rawHistories = (days = 9): fc.Arbitrary<RawHistory> =>
  fc
    .record({
      steps: fc.array(fc.oneof(fc.integer({ min: 1, max: 1_500 }), fc.integer({ min: 1, max: DAY })), {
        maxLength: 80,
      }),
      probeSteps: fc.array(
        fc.record({
          step: fc.integer({ min: 60, max: 3 * HOUR }),
          reached: fc.boolean(),
          latencyLog2: fc.double({ min: -1, max: 2, noNaN: true }),
        }),
        { maxLength: 40 },
      ),
      after: fc.nat(DAY),
      disabled: spells(days * DAY),
      excused: spells(days * DAY),
    })
    .map(({ steps, probeSteps, after, disabled, excused }) => {
      const signed: number[] = [];
      let at = REGISTERED_AT;
      for (const step of steps) {
        at += step;
        signed.push(at);
      }
      let probeAt = REGISTERED_AT;
      const probed = probeSteps.map(({ step, ...outcome }) => {
        probeAt += step;
        return { at: probeAt, ...outcome };
      });
      return {
        registeredAt: REGISTERED_AT,
        now: Math.max(at, probeAt) + after,
        signed,
        probed,
        disabled,
        excused,
      };
    });

/** The same as the queries would hand it to scoring. */
export function historyOf({ registeredAt, signed, probed, disabled, excused }: RawHistory): NodeHistory {
  const beats = [...signed].sort((one, other) => one - other).map((at) => ({ signedAt: at, receivedAt: at }));
  const { figures, gaps } = readHeartbeats(registeredAt, beats, MAX_AGE_SECONDS);
  let previousAt = registeredAt;
  const probes: Probe[] = [];
  for (const { at, reached, latencyLog2 } of [...probed].sort((one, other) => one.at - other.at)) {
    probes.push({
      at,
      coversSeconds: Math.min(HOUR, at - previousAt),
      reached,
      latencyLog2: reached ? latencyLog2 : null,
    });
    previousAt = at;
  }
  return {
    nodeId: "0x01",
    owner: "0xa1",
    host: "one.example",
    port: 443,
    paymentAddress: null,
    registeredAt,
    gaps,
    lastSignedAt: figures.lastSignedAt,
    lastMaxAgeSeconds: MAX_AGE_SECONDS,
    disabled,
    excused,
    probes,
    folded: null,
  };
}
