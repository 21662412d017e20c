/** What others say about a node is no evidence about it. */
import { attack, fixed } from "../attack.ts";
import { candidatesOf, type Defences, scoreAll, sharesOf } from "../production.ts";
import { seededRandom } from "../random.ts";
import { type Claim, DAY, HOUR, nodes, START } from "../world.ts";
import { get, worldOf } from "./heartbeats.ts";
import { randomOutages } from "./shares.ts";

type Changes = Partial<Defences>;

const now = START + 30 * DAY;
const recording = worldOf(
  now,
  ...nodes(8, "node", (index) => ({ isUp: randomOutages(index < 4 ? 1 : 0.97, index, now) })),
);

/** Claims about one node, `perDay` of them, each worth an hour of evidence to whoever believes it. */
function claimsAbout(nodeId: string, perDay: number, good: boolean): readonly Claim[] {
  const random = seededRandom(perDay);
  return Array.from({ length: 30 * perDay }, () => Math.floor(START + random() * 30 * DAY))
    .sort((one, other) => one - other)
    .map((at) => ({ nodeId, at, coversSeconds: HOUR, reached: good, latencyLog2: null }));
}

/** Everything that selection rests on, to the last digit. */
function bytes(claims: readonly Claim[], changes: Changes): string {
  const scored = scoreAll({ ...recording, claims }, now, changes);
  return JSON.stringify([...sharesOf(candidatesOf(scored))]);
}

export const rings = attack<Changes>(
  "rings of 10 wallets for 30 days",
  "selection bytes unchanged; organic volume rises by at most 10 × 30 daily caps, whatever is spent",
  (changes) => {
    const unchanged = bytes([], changes) === bytes(claimsAbout("node 07", 10, true), changes);
    return { measured: `selection bytes ${unchanged ? "unchanged" : "changed"}`, holds: unchanged };
  },
  {},
  [["payments not counting", { claimsIgnored: false }]],
);

export const forgedLeaves = attack<Changes>(
  "forged leaves naming a victim; thousands of tiny settlements",
  "scores and n_eff unchanged to the last digit",
  (changes) => {
    const victim = (claims: readonly Claim[]) =>
      get(scoreAll({ ...recording, claims }, now, changes), "node 00").score;
    const calm = victim([]);
    const hurt = victim(claimsAbout("node 00", 5, false));
    const flattered = victim(claimsAbout("node 00", 100, true));
    const same = [hurt, flattered].every((score) => JSON.stringify(score) === JSON.stringify(calm));
    return {
      measured: `score ${calm.value}, n_eff ${fixed(calm.nEff, 4)} before; ${hurt.value} with forged leaves, ${flattered.value} with tiny settlements`,
      holds: same,
    };
  },
  {},
  [["leaves and settlements not counting", { claimsIgnored: false }]],
);
