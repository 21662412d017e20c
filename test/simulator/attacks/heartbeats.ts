/** Attacks on what heartbeats prove. */
import { downSpells, observedClock } from "../../../api/scoring/index.ts";
import { attack, fixed } from "../attack.ts";
import { candidatesOf, type Defences, type ScoredNode, scoreAll, sharesOf } from "../production.ts";
import {
  DAY,
  HOUR,
  MAX_AGE,
  node,
  nodes,
  type Recording,
  type SimulatedNode,
  START,
  simulate,
} from "../world.ts";

type Changes = Partial<Defences>;
const ALWAYS = () => false;

/** Up for `up` seconds, down for `down`, and so on. */
export const cycle = (up: number, down: number) => (at: number) => (at - START) % (up + down) < up;

export const worldOf = (until: number, ...all: readonly SimulatedNode[]): Recording =>
  simulate({ nodes: all, silent: ALWAYS, until, seed: 1 });

export function get(scored: ReadonlyMap<string, ScoredNode>, nodeId: string): ScoredNode {
  const found = scored.get(nodeId);
  if (found === undefined) throw new Error(`${nodeId} is not in the simulated network`);
  return found;
}

export const factorOf = ({ score }: ScoredNode, name: "uptime" | "reachability") => {
  const factor = score.factors.find((one) => one.name === name);
  return { value: factor?.value ?? 0, observed: factor?.observed ?? 0 };
};

/** A node's probability of being selected, over that of a steady one. */
function shareAgainst(
  recording: Recording,
  now: number,
  nodeId: string,
  steadyId: string,
  changes: Changes,
): number {
  const shares = sharesOf(candidatesOf(scoreAll(recording, now, changes)));
  return (shares.get(nodeId) ?? 0) / (shares.get(steadyId) ?? 0);
}

const diedAt = START + 2 * HOUR;
const lastSignedAt = diedAt - 5;
const replayed = worldOf(
  START + 5 * HOUR,
  node("dead", {
    isUp: (at) => at <= diedAt,
    relayPeriod: 5,
    signs: (at) => [at <= diedAt ? at - 5 : lastSignedAt],
  }),
  ...nodes(3, "steady"),
);

export const deadNode = attack<Changes>(
  'dead node kept "active" by replayed heartbeats',
  "out of selection heartbeatMaxAge (1800 s) after its last signed second, while the contract lists it for up to 3600 s",
  (changes) => {
    const dead = (age: number) => get(scoreAll(replayed, lastSignedAt + age, changes), "dead");
    const ages = Array.from({ length: 200 }, (_, index) => index * 20 + 1);
    const outAfter = ages.find((age) => dead(age).gates.length > 0) ?? Number.POSITIVE_INFINITY;
    const listedUntil = ages.findLast((age) => dead(age).isActive) ?? 0;
    return {
      measured: `out after ${outAfter} s, listed for ${listedUntil} s`,
      holds: outAfter <= MAX_AGE + 1 && listedUntil > 3_500 && dead(MAX_AGE).gates.length === 0,
    };
  },
  {},
  [["counting each second once", { distinctSeconds: false }]],
);

interface Flapping {
  readonly up: number;
  readonly down: number;
  readonly relayPeriod: number;
}

/** The worst over the last two of seven days, for several positions in the relayer's round. */
function flappingExtremes({ up, down, relayPeriod }: Flapping, changes: Changes) {
  const truth = up / (up + down);
  let mean = 0;
  let above = Number.NEGATIVE_INFINITY;
  let below = Number.POSITIVE_INFINITY;
  let steadier = true;
  for (const relayPhase of [0, 200, 450, 700]) {
    const recording = worldOf(
      START + 7 * DAY,
      node("flapping", { isUp: cycle(up, down), relayPeriod, relayPhase }),
      ...nodes(3, "steady"),
    );
    for (let now = START + 5 * DAY; now <= START + 7 * DAY; now += 2 * HOUR + 407) {
      const scored = scoreAll(recording, now, changes);
      const { value, observed } = factorOf(get(scored, "flapping"), "uptime");
      mean = Math.max(mean, Math.abs(observed - truth));
      above = Math.max(above, value - truth);
      below = Math.min(below, value - truth);
      if (get(scored, "flapping").score.value >= get(scored, "steady 00").score.value) steadier = false;
    }
  }
  return { mean, above, below, steadier };
}

const flapping = (name: string, pattern: Flapping) =>
  attack<Changes>(
    name,
    "published mean uptime within 0.03 of the truth at every sample of the last two of seven days; factor at most truth + 0.01 and at least truth − 0.07; below a node that stays up",
    (changes) => {
      const { mean, above, below, steadier } = flappingExtremes(pattern, changes);
      return {
        measured: `mean off by ${fixed(mean, 3)}; factor ${fixed(below, 3)} to ${fixed(above, 3)} of the truth`,
        holds: mean <= 0.03 && above <= 0.01 && below >= -0.07 && steadier,
      };
    },
    {},
    [["counting from the first missed heartbeat", { missedHeartbeats: false }]],
  );

export const flappingHours = flapping("flapping: 3 h up, 1 h down", {
  up: 3 * HOUR,
  down: HOUR,
  relayPeriod: MAX_AGE / 2,
});

export const flappingMinutes = flapping("flapping: 50 min up, 10 min down, a relay period of 905 s", {
  up: 3_000,
  down: 600,
  relayPeriod: 905,
});

const locked = worldOf(
  START + 7 * DAY,
  // Up at 100, 1,000, 1,900 and 2,800 s of each hour.
  node("locked", { isUp: cycle(3_000, 600), relayPhase: 100 }),
  ...nodes(5, "steady"),
);

export const lockedFlapping = attack<Changes>(
  "flapping 50/10 min locked to the relay's phase",
  "not visible in heartbeats; with probes share at most 0.5 of a steady node's",
  (changes) => {
    const now = START + 7 * DAY;
    const share = shareAgainst(locked, now, "locked", "steady 00", changes);
    const { observed } = factorOf(get(scoreAll(locked, now, changes), "locked"), "uptime");
    return {
      measured: `heartbeats show ${fixed(observed, 3)}; share ${fixed(share, 2)}`,
      holds: observed === 1 && share <= 0.5,
    };
  },
  {},
  [["the prober", { probing: false }]],
);

const FAILED_AT = START + 3 * DAY + 5 * HOUR;
const DISABLED_AT = FAILED_AT + 2 * HOUR;

export const disabling = attack<Changes>(
  "fail, disable for 1, 7 and 30 days, come back",
  "score unchanged to the last digit",
  (changes) => {
    const scores = [1, 7, 30].map((days) => {
      const enabledAt = DISABLED_AT + days * DAY;
      const recording = worldOf(
        enabledAt,
        node("failing", {
          isUp: (at) => at < FAILED_AT || at >= enabledAt,
          disabled: [{ fromAt: DISABLED_AT, untilAt: enabledAt }],
        }),
        ...nodes(3, "steady"),
      );
      const at = (now: number) => get(scoreAll(recording, now, changes), "failing").score.value;
      return { before: at(DISABLED_AT), after: at(enabledAt) };
    });
    return {
      measured: `${scores[0]?.before} before; ${scores.map(({ after }) => after).join(", ")} after`,
      holds: scores.every(({ before, after }) => before === after),
    };
  },
  {},
  [["unknown time", { unknownTime: false }]],
);

const deathOfForesight = START + 2 * DAY;
const postDated = worldOf(
  START + 4 * DAY,
  node("post-dating", {
    isUp: (at) => at <= deathOfForesight,
    signs: (at) => (at <= deathOfForesight ? [at + DAY] : []),
  }),
  node("honest", { isUp: (at) => at <= deathOfForesight }),
  ...nodes(3, "steady"),
);

export const postDating = attack<Changes>(
  "post-dated timestamps",
  "ignored: the contract refuses them, and where one did not they count for their block's time",
  (changes) => {
    const at = (hours: number) => scoreAll(postDated, deathOfForesight + hours * HOUR, changes);
    const selectable = [0.25, 1, 12].filter((hours) => get(at(hours), "post-dating").gates.length === 0);
    const factor = (name: string) => factorOf(get(at(12), name), "uptime").value;
    return {
      measured: `selectable ${selectable.join(", ")} h after its death; uptime after 12 h ${fixed(factor("post-dating"), 3)}, an honest node's ${fixed(factor("honest"), 3)}`,
      holds: selectable.join() === "0.25" && Math.abs(factor("post-dating") - factor("honest")) < 0.001,
    };
  },
  {},
  [["the clamp", { signedTimes: "post-dated" }]],
);

/** A node that, whenever the relayer comes, also signs for all the time since it was last seen that it can get away with. */
const backDating = (isUp: (at: number) => boolean): Partial<SimulatedNode> => ({
  isUp,
  signs: (at) =>
    isUp(at)
      ? Array.from({ length: 12 }, (_, index) => at - 5 - (11 - index) * 850).filter(
          (signed) => signed > START,
        )
      : [],
});

const OUTAGE = 3 * HOUR;
const outageOf = (at: number) => at < START + 2 * DAY || at >= START + 2 * DAY + OUTAGE;
const hiding = worldOf(
  START + 3 * DAY,
  node("back-dating", backDating(outageOf)),
  node("honest", { isUp: outageOf }),
  ...nodes(3, "steady"),
);

export const backDatingOutage = attack<Changes>(
  "back-dated timestamps",
  "at most heartbeatMaxAge (1800 s) hidden per outage",
  (changes) => {
    const now = START + 3 * DAY;
    const down = (name: string) => {
      const { history } = get(scoreAll(hiding, now, changes), name);
      return downSpells(history, observedClock(history, now)).reduce(
        (sum, { fromAt, untilAt }) => sum + untilAt - fromAt,
        0,
      );
    };
    const hidden = down("honest") - down("back-dating");
    return { measured: `${hidden} s of ${OUTAGE} s hidden`, holds: hidden > 0 && hidden <= MAX_AGE };
  },
  {},
  [["the bound on a signature's age", { signedTimes: "any age" }]],
);

const shortOutages = worldOf(
  START + 7 * DAY,
  node("back-dating", backDating(cycle(3_000, 1_500))),
  ...nodes(5, "steady"),
);

export const backDatingFlapping = attack<Changes>(
  "back-dated timestamps, 50 min up, 25 min down",
  "with probes share at most 0.25 of a steady node's",
  (changes) => {
    const now = START + 7 * DAY;
    // Between two outages, when it may be selected at all.
    const share = shareAgainst(
      shortOutages,
      now - 4_500 + ((START + 2_000 - now) % 4_500),
      "back-dating",
      "steady 00",
      changes,
    );
    return { measured: `share ${fixed(share, 2)}`, holds: share > 0 && share <= 0.25 };
  },
  {},
  [["the prober", { probing: false }]],
);
