/** Attacks with keys, addresses and names: they are free. */
import { posterior } from "../../../api/scoring/index.ts";
import { attack, fixed } from "../attack.ts";
import { candidatesOf, type Defences, type ScoredNode, scoreAll, sharesOf } from "../production.ts";
import { DAY, HOUR, node, nodes, type SimulatedNode, START } from "../world.ts";
import { cycle, get, worldOf } from "./heartbeats.ts";
import { randomOutages } from "./shares.ts";

type Changes = Partial<Defences>;

/** 80 %. */
const POOR = cycle(4 * HOUR, HOUR);
/** A visit of the relayer at which the node is up. */
const CHANGED_AT = START + 7 * DAY + 2 * HOUR;
const until = (end: number, isUp: (at: number) => boolean) => (at: number) => at <= end && isUp(at);

/** What the owner's evidence at the change comes to, and how the new key fares against one that was never changed. */
function newKey(first: Partial<SimulatedNode>, second: Partial<SimulatedNode>, changes: Changes) {
  const end = CHANGED_AT + 7 * DAY;
  const steady = nodes(5, "steady");
  const continued = worldOf(end, node("first", { isUp: POOR }), ...steady);
  const changed = worldOf(
    end,
    node("first", { isUp: POOR, owner: "poor", ...first }),
    node("second", { isUp: POOR, owner: "poor", registeredAt: CHANGED_AT, ...second }),
    ...steady,
  );
  const score = (recording: typeof changed, name: string, now: number) =>
    get(scoreAll(recording, now, changes), name).score;
  const pooled = score(continued, "first", CHANGED_AT);
  const started = score(changed, "second", CHANGED_AT);
  let ahead = Number.NEGATIVE_INFINITY;
  for (let now = CHANGED_AT; now <= end; now += 6 * HOUR + 900)
    ahead = Math.max(ahead, score(changed, "second", now).value - score(continued, "first", now).value);
  return { pooled, started, ahead };
}

const meanOf = ({ factors }: ScoredNode["score"]): number => {
  const uptime = factors[0];
  const hours = uptime?.hours ?? 0;
  const up = hours * (uptime?.observed ?? 0);
  const none = { slow: 0, fast: 0 };
  return posterior({ up: { ...none, slow: up }, down: { ...none, slow: hours - up } }).mean;
};

export const newKeys = attack<Changes>(
  "new key, or stopped key and new key, of an operator at 80 %",
  "equal to the operator's pooled posterior at the start; never ahead of a continued key with the same later behaviour",
  (changes) => {
    const beside = newKey({}, { host: "elsewhere.example" }, changes);
    const replaced = newKey({ isUp: until(CHANGED_AT, POOR) }, { host: "first.example" }, changes);
    const both = [beside, replaced];
    const gap = Math.max(...both.map(({ pooled, started }) => Math.abs(meanOf(started) - meanOf(pooled))));
    const ahead = Math.max(...both.map((one) => one.ahead));
    return {
      measured: `posterior mean ${fixed(meanOf(beside.started), 4)} and ${fixed(meanOf(replaced.started), 4)}, the operator's ${fixed(meanOf(beside.pooled), 4)}; ahead by ${fixed(ahead, 2)} points`,
      holds: gap < 1e-6 && ahead <= 1e-3,
    };
  },
  {},
  [["inheritance", { inheritance: false }]],
);

const VICTIM = { owner: "victim", host: "victim.example", paymentAddress: "0xvictim" };
const BAD = cycle(HOUR, HOUR);

export const naming = attack<Changes>(
  "naming a victim's payment address or host",
  "victim's score and share unchanged to the last digit",
  (changes) => {
    const now = START + 7 * DAY;
    const look = (named: Partial<SimulatedNode>) => {
      const recording = worldOf(
        now,
        node("victim", VICTIM),
        node("attacker", { isUp: BAD, paymentAddress: "0xattacker", registeredAt: START + DAY, ...named }),
        // The victim's next key must not pay for it either.
        node("second", { ...VICTIM, host: "second.example", registeredAt: START + 4 * DAY }),
        ...nodes(5, "steady"),
      );
      const scored = scoreAll(recording, now, changes);
      const shares = sharesOf(candidatesOf(scored));
      return ["victim", "second"].map((name) => ({
        score: get(scored, name).score.value,
        share: shares.get(name) ?? 0,
      }));
    };
    const alone = look({});
    const named = look({ host: VICTIM.host, paymentAddress: VICTIM.paymentAddress });
    const words = (all: typeof alone) =>
      all.map(({ score, share }) => `${score} (${fixed(share, 6)})`).join(", ");
    return {
      measured: `score (share) of its two keys ${words(alone)} before, ${words(named)} after`,
      holds: alone.every(
        ({ score, share }, index) => named[index]?.score === score && named[index]?.share === share,
      ),
    };
  },
  {},
  [["operators being owners", { ownersApart: false }]],
);

/** How an operator retires a key when it makes a new one every day. */
const WAYS = {
  "same host": { host: (_day: number) => "host.example", disables: false },
  "new host": { host: (day: number) => `host-${day}.example`, disables: false },
  "new host, old key disabled": { host: (day: number) => `host-${day}.example`, disables: true },
} as const;
const UPTIMES = [1, 0.97, 0.9, 0.8];
const KEYED_DAYS = 14;
const SEEDS = [1, 2, 3, 4];
const SAMPLE_SECONDS = 11 * HOUR + 300;

/** Mean share among ten steady operators over the second week, over several histories. */
function meanShare(
  uptime: number,
  keysOf: (isUp: (at: number) => boolean) => readonly SimulatedNode[],
  changes: Changes,
): number {
  let sum = 0;
  let samples = 0;
  for (const seed of SEEDS) {
    const end = START + KEYED_DAYS * DAY;
    const recording = worldOf(end, ...keysOf(randomOutages(uptime, 77 + seed, end)), node("steady"));
    for (let now = START + 7 * DAY; now <= end; now += SAMPLE_SECONDS) {
      const candidates = candidatesOf(scoreAll(recording, now, changes));
      const keys = candidates.filter(({ owner }) => owner === "keying");
      const [steady] = candidates.filter(({ owner }) => owner !== "keying");
      if (steady === undefined) throw new Error("the steady node did not pass");
      const others = Array.from({ length: 10 }, (_, index) => {
        const name = `steady ${index}`;
        return { ...steady, nodeId: name, owner: name, host: name };
      });
      const shares = sharesOf([...keys, ...others]);
      for (const { nodeId } of keys) sum += shares.get(nodeId) ?? 0;
      samples += 1;
    }
  }
  return sum / samples;
}

function dailyKeys(way: (typeof WAYS)[keyof typeof WAYS]) {
  return (isUp: (at: number) => boolean): readonly SimulatedNode[] => {
    /** A key is registered at the day's first visit of the relayer that finds the machine up. */
    const firstUp = (day: number) => {
      let at = START + day * DAY;
      while (day > 0 && !isUp(at)) at += 900;
      return at;
    };
    return Array.from({ length: KEYED_DAYS }, (_, day) => {
      const ends = firstUp(day + 1);
      return node(`key ${String(day).padStart(2, "0")}`, {
        owner: "keying",
        host: way.host(day),
        registeredAt: firstUp(day),
        isUp: (at) => at < ends && isUp(at),
        disabled: way.disables ? [{ fromAt: ends, untilAt: null }] : [],
      });
    });
  };
}

export const dailyRekeying = attack<Changes>(
  "re-keying every day",
  "operator's share never above that without re-keying",
  (changes) => {
    const ratios = Object.entries(WAYS).map(([name, way]) => ({
      name,
      ratios: UPTIMES.map((uptime) => {
        const kept = meanShare(uptime, (isUp) => [node("key", { owner: "keying", isUp })], changes);
        return meanShare(uptime, dailyKeys(way), changes) / kept;
      }),
    }));
    return {
      measured: `share over that with one key, at ${UPTIMES.map((uptime) => `${100 * uptime} %`).join(", ")}: ${ratios
        .map(({ name, ratios: values }) => `${name} ${values.map((value) => fixed(value, 2)).join(", ")}`)
        .join("; ")}`,
      holds: ratios.every(({ ratios: values }) => values.every((value) => value <= 1.001)),
    };
  },
  {},
  [["inheritance", { inheritance: false }]],
);
