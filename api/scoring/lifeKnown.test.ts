import fc from "fast-check";
import { expect, test } from "vitest";
import { type Heartbeat, readHeartbeats } from "../../test/simulator/heartbeatLog.ts";
import { inheritRecords, type NodeHistory, type NodeRecord } from "./index.ts";

const START = 1_800_000_000;
const MAX_AGE = 1_800;
const I = MAX_AGE / 2;
const HOUR = 3_600;

const key = (nodeId: string, registeredAt: number, changes: Partial<NodeHistory> = {}): NodeHistory => ({
  nodeId,
  owner: "owner",
  host: "h",
  port: 443,
  paymentAddress: null,
  registeredAt,
  gaps: [],
  lastSignedAt: registeredAt,
  lastMaxAgeSeconds: MAX_AGE,
  disabled: [],
  excused: [],
  probes: [],
  folded: null,
  ...changes,
});

/** What is known at `now` of a key that sent these heartbeats. */
function known(heartbeats: readonly Heartbeat[], now: number): NodeHistory {
  const { figures, gaps, superseded } = readHeartbeats(
    START,
    heartbeats.filter(({ receivedAt }) => receivedAt <= now),
    MAX_AGE,
  );
  return key("earlier", START, { gaps, superseded, lastSignedAt: figures.lastSignedAt });
}

/** What a key of the owner takes over that is registered at `at`, by what is known at `now`. */
const inheritedBy = (
  heartbeats: readonly Heartbeat[],
  at: number,
  now: number,
  place: Partial<NodeHistory>,
) =>
  inheritRecords([known(heartbeats, now), key("next", at, place)], { commonPayees: [], now }).get("next") ??
  null;

const OTHER_PORT = { port: 8443 };
const OTHER_HOST = { host: "other" };

test("a second on its way at a registration says nothing yet", () => {
  // The earlier key had been silent for 1.6 I; a second signed 1.4 I after its last one arrives a minute later.
  const steady = Array.from({ length: 20 }, (_, index) => START + (index + 1) * I);
  const last = steady.at(-1) ?? 0;
  const at = last + 1.6 * I;
  const heartbeats = [
    ...steady.map((signedAt) => ({ signedAt, receivedAt: signedAt })),
    { signedAt: last + 1.4 * I, receivedAt: at + 60 },
  ];
  const then = inheritedBy(heartbeats, at, at, OTHER_PORT);
  expect(then?.uptime.down.slow).toBeCloseTo((0.6 * I) / HOUR, 3);
  expect(inheritedBy(heartbeats, at, at + 24 * HOUR, OTHER_PORT)).toEqual(then);
});

const beats = fc.array(
  fc.record({
    step: fc.oneof(fc.integer({ min: 1, max: 2 * I }), fc.integer({ min: 1, max: 12 * HOUR })),
    lateness: fc.oneof(fc.constant(0), fc.nat(60), fc.nat(MAX_AGE)),
    replayedAfter: fc.option(fc.nat(MAX_AGE)),
  }),
  { minLength: 1, maxLength: 40 },
);

test("what a key inherits is what was on chain at its registration, however late heartbeats come and whatever is repeated", () => {
  fc.assert(
    fc.property(
      beats,
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: -2 * MAX_AGE, max: 2 * MAX_AGE })), { minLength: 1 }),
      (steps, moments) => {
        let signedAt = START;
        const sent: Heartbeat[] = [];
        for (const { step, lateness, replayedAfter } of steps) {
          signedAt += step;
          sent.push({ signedAt, receivedAt: signedAt + lateness });
          if (replayedAfter !== null) sent.push({ signedAt, receivedAt: signedAt + replayedAfter });
        }
        sent.sort((one, other) => one.receivedAt - other.receivedAt);
        const now = signedAt + 2 * MAX_AGE;
        for (const [choice, offset] of moments) {
          const near = sent[choice % sent.length]?.receivedAt ?? START;
          const at = Math.min(now, Math.max(START + 1, near + offset));
          for (const place of [OTHER_PORT, OTHER_HOST])
            expect(figuresOf(inheritedBy(sent, at, now, place))).toEqual(
              figuresOf(inheritedBy(sent, at, at, place)),
            );
        }
      },
    ),
    { numRuns: 300 },
  );
});

/** To nine decimals: records are folded day by day, or all at once. */
const figuresOf = (record: NodeRecord | null) =>
  JSON.stringify(record, (_, value) => (typeof value === "number" ? Number(value.toFixed(9)) + 0 : value));
