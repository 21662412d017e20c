/** The example of docs/metrics.md, to its printed digits. */
import { expect, test } from "vitest";
import { type NodeHistory, prepareSelection, recordAt, scoreOf } from "./index.ts";

const HOUR = 3_600;
const NOW = 1_800_000_000;
const REGISTERED_AT = NOW - 240 * HOUR;

/** Probed every hour, as reachable as it is up, with one latency all the time. */
function nodeWith(outage: { fromAt: number; untilAt: number } | null, latencyRatio: number): NodeHistory {
  const hours = Array.from({ length: 240 }, (_, index) => REGISTERED_AT + (index + 1) * HOUR);
  const isOut = (at: number) => outage !== null && at > outage.fromAt && at <= outage.untilAt;
  return {
    nodeId: "node",
    owner: "owner",
    host: "host",
    port: 443,
    paymentAddress: null,
    registeredAt: REGISTERED_AT,
    gaps:
      outage === null
        ? []
        : [{ lastSignedAt: outage.fromAt - 900, nextSignedAt: outage.untilAt, maxAgeSeconds: 1_800 }],
    lastSignedAt: NOW,
    lastMaxAgeSeconds: 1_800,
    disabled: [],
    excused: [],
    probes: hours.map((at) => ({
      at,
      coversSeconds: HOUR,
      reached: !isOut(at),
      latencyLog2: Math.log2(latencyRatio),
    })),
    folded: null,
  };
}

const withOutage = () =>
  scoreOf(recordAt(nodeWith({ fromAt: NOW - 15 * HOUR, untilAt: NOW - 12 * HOUR }, 1.3), null, NOW), true);
const twin = () => scoreOf(recordAt(nodeWith(null, 1), null, NOW), true);

test("a node with an outage of three hours that ended twelve hours ago", () => {
  const { value, nEff, factors } = withOutage();
  const [uptime, reachability, latency] = factors;
  expect(value).toBeCloseTo(92.71, 2);
  expect(nEff).toBeCloseTo(152.33, 2);
  expect(uptime?.low).toBeCloseTo(0.9585, 4);
  expect(uptime?.value).toBeCloseTo(0.9434, 4);
  expect(reachability?.value).toBeCloseTo(0.9434, 4);
  expect(latency?.value).toBeCloseTo(0.8645, 4);
});

test("its twin without the outage, at the median latency", () => {
  const { value, factors } = twin();
  expect(value).toBeCloseTo(96.99, 2);
  expect(factors[0]?.value).toBeCloseTo(0.9882, 4);
});

test("two twins and this node, three operators of one host each, are selected 0.387, 0.387, 0.225", () => {
  const candidates = [twin(), twin(), withOutage()].map(({ value, nEff }, index) => ({
    nodeId: `node ${index}`,
    owner: `owner ${index}`,
    host: `host ${index}`,
    score: value,
    nEff,
    operatorNEff: nEff,
  }));
  const [first, second, third] = prepareSelection(candidates, "weighted").probabilities;
  expect(first).toBeCloseTo(0.387, 3);
  expect(second).toBeCloseTo(0.387, 3);
  expect(third).toBeCloseTo(0.225, 3);
});
