/** What evidence and numbers of nodes are worth in selection. */
import { betaQuantile, type Candidate, toScore } from "../../../api/scoring/index.ts";
import { attack, fixed } from "../attack.ts";
import { candidatesOf, scoreAll, sharesOf } from "../production.ts";
import { exponential, seededRandom } from "../random.ts";
import { DAY, HOUR, nodes, START } from "../world.ts";
import { worldOf } from "./heartbeats.ts";

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Outages of an hour on average, at random, so that `uptime` of all time is up. */
export function randomOutages(uptime: number, seed: number, until: number): (at: number) => boolean {
  if (uptime === 1) return () => true;
  const random = seededRandom(seed);
  const meanUp = (HOUR * uptime) / (1 - uptime);
  const outages: { from: number; to: number }[] = [];
  for (let at = START + exponential(random, meanUp); at < until; ) {
    const to = at + exponential(random, HOUR);
    outages.push({ from: at, to });
    at = to + exponential(random, meanUp);
  }
  return (at) => !outages.some(({ from, to }) => from <= at && at < to);
}

const LEVELS = [
  { uptime: 0.999, least: 0.95, most: 1 },
  { uptime: 0.99, least: 0.75, most: 0.92 },
  { uptime: 0.95, least: 0.35, most: 0.6 },
  { uptime: 0.8, least: 0, most: 0.15 },
] as const;
const PER_LEVEL = 60;
const SAMPLED_DAYS = [7, 7.4, 7.8];

const levels = worldOf(
  START + 8 * DAY,
  ...LEVELS.flatMap(({ uptime }, level) =>
    nodes(PER_LEVEL, `${uptime}`, (index) => ({
      isUp: randomOutages(uptime, 1_000 * level + index, START + 8 * DAY),
    })),
  ),
  ...nodes(PER_LEVEL, "perfect"),
);

/** Scores whose weight, a power of twelve, is what they were: as if shares were in proportion to scores. */
const linear = (candidates: readonly Candidate[]): readonly Candidate[] =>
  candidates.map((candidate) => ({
    ...candidate,
    score: toScore(100 * (candidate.score / 100) ** (1 / 12)),
  }));

export const uptimeLevels = attack<(candidates: readonly Candidate[]) => readonly Candidate[]>(
  "uptime 99.9, 99, 95, 80 % after 7 days",
  "mean share relative to a perfect node at least 0.95, 0.75–0.92, 0.35–0.60, at most 0.15",
  (weigh) => {
    const sums = new Map<string, number>();
    for (const day of SAMPLED_DAYS) {
      const scored = scoreAll(levels, START + day * DAY);
      // Also those that are down at this moment: it is their score that is looked at.
      const candidates = [...scored.values()].map(({ history: { nodeId, owner, host }, score }) => ({
        nodeId,
        owner,
        host,
        score: score.value,
        nEff: score.nEff,
        operatorNEff: score.nEff,
      }));
      for (const [nodeId, share] of sharesOf(weigh(candidates))) {
        const level = nodeId.slice(0, nodeId.indexOf(" "));
        sums.set(level, (sums.get(level) ?? 0) + share);
      }
    }
    const relative = LEVELS.map(({ uptime }) => (sums.get(`${uptime}`) ?? 0) / (sums.get("perfect") ?? 0));
    return {
      measured: relative.map((value) => fixed(value, 2)).join(", "),
      holds: LEVELS.every(({ least, most }, level) => {
        const value = relative[level] ?? 0;
        return value >= least && value <= most;
      }),
    };
  },
  (candidates) => candidates,
  [["the power of 12", linear]],
);

const perfectEvidence = worldOf(START + 30 * DAY, ...nodes(2, "perfect"));

export const newcomers = [10, 100].map((others) =>
  attack<{ readonly explored: boolean }>(
    `perfect new operator among ${others}`,
    "share at least 0.8 of an established equal after 12 h, never above 1.0 of it",
    ({ explored }) => {
      const [old] = candidatesOf(scoreAll(perfectEvidence, START + 30 * DAY));
      if (old === undefined) throw new Error("nobody passed in the simulated network");
      const established = Array.from({ length: others }, (_, index) => ({
        ...old,
        nodeId: `old ${index}`,
        owner: `old ${index}`,
        host: `old ${index}`,
      }));
      const relative = (hours: number) => {
        // Everything about a perfect node's score depends on its age alone.
        const [young] = candidatesOf(scoreAll(perfectEvidence, START + hours * HOUR));
        if (young === undefined) throw new Error("nobody passed in the simulated network");
        const nEff = explored ? young.nEff : old.nEff;
        const newcomer = { ...young, nodeId: "new", owner: "new", host: "new", nEff, operatorNEff: nEff };
        const shares = sharesOf([...established, newcomer]);
        return (shares.get("new") ?? 0) / (shares.get("old 0") ?? 0);
      };
      const after12 = relative(12);
      const most = Math.max(...Array.from({ length: 96 }, (_, index) => relative(index * 2)));
      return {
        measured: `${fixed(relative(0), 2)} at once, ${fixed(after12, 2)} after 12 h, at most ${fixed(most, 3)} in 8 days`,
        holds: after12 >= 0.8 && most <= 1,
      };
    },
    { explored: true },
    [["exploration", { explored: false }]],
  ),
);

const many = (
  hosts: number,
  keys: number,
  changes: (index: number) => { isUp?: (at: number) => boolean } = () => ({}),
) =>
  nodes(keys, "many", (index) => ({
    owner: "many",
    host: `many-${index % hosts}.example`,
    ...changes(index),
  }));

/** An operator's share of the first picks. */
const shareOfOwner = (candidates: readonly Candidate[], owner: string): number => {
  const shares = sharesOf(candidates);
  return candidates
    .filter(({ nodeId }) => nodeId.startsWith(owner))
    .reduce((sum, { nodeId }) => sum + (shares.get(nodeId) ?? 0), 0);
};

interface Counting {
  /** Operators count, not keys. */
  readonly byOperator: boolean;
}

const counted = (candidates: readonly Candidate[], { byOperator }: Counting): readonly Candidate[] =>
  byOperator
    ? candidates
    : candidates.map((candidate) => ({ ...candidate, owner: candidate.nodeId, host: candidate.nodeId }));

export const manyNodes = attack<Counting>(
  "one operator with 50 nodes on 50 hosts against 20 others",
  "share equal to that with 5 nodes on 5 hosts at equal scores; 50 keys on one host count as one",
  (counting) => {
    const share = (hosts: number, keys: number) => {
      const recording = worldOf(START + 7 * DAY, ...many(hosts, keys), ...nodes(20, "other"));
      const candidates = candidatesOf(scoreAll(recording, START + 7 * DAY));
      return shareOfOwner(counted(candidates, counting), "many");
    };
    const [five, fifty, stacked, one] = [share(5, 5), share(50, 50), share(1, 50), share(1, 1)];
    return {
      measured: `${fixed(fifty, 4)} with 50, ${fixed(five, 4)} with 5; ${fixed(stacked, 4)} with 50 keys on a host, ${fixed(one, 4)} with one`,
      holds: Math.abs(fifty - five) < 1e-9 && Math.abs(stacked - one) < 1e-9,
    };
  },
  { byOperator: true },
  [["counting operators and hosts", { byOperator: false }]],
);

export const manySampledNodes = attack<Counting>(
  "the same with scores as they fall at an uptime of 99.5 %",
  "within 10 %",
  (counting) => {
    const ratios = [1, 2, 3, 4].map((seed) => {
      const outages = (offset: number) => (index: number) => ({
        isUp: randomOutages(0.995, seed * 10_000 + offset + index, START + 8 * DAY),
      });
      const share = (keys: number) => {
        const recording = worldOf(
          START + 8 * DAY,
          ...many(keys, keys, outages(0)),
          ...nodes(20, "other", outages(500)),
        );
        return mean(
          SAMPLED_DAYS.map((day) =>
            shareOfOwner(counted(candidatesOf(scoreAll(recording, START + day * DAY)), counting), "many"),
          ),
        );
      };
      return { fifty: share(50), five: share(5) };
    });
    const ratio = mean(ratios.map(({ fifty }) => fifty)) / mean(ratios.map(({ five }) => five));
    return { measured: `${fixed(ratio, 3)} times the share with 5`, holds: Math.abs(ratio - 1) <= 0.1 };
  },
  { byOperator: true },
  [["counting operators and hosts", { byOperator: false }]],
);

const at = (nodeId: string, owner: string, score: number): Candidate => ({
  nodeId,
  owner,
  host: `${nodeId}.example`,
  score: toScore(score),
  nEff: 240,
  operatorNEff: 240,
});

/** What a limit of one half alone would do between two operators: what is above it goes to the other, whoever that is. */
function halved(candidates: readonly Candidate[]): ReadonlyMap<string, number> {
  const keysOf = (owner: string) => candidates.filter((one) => one.owner === owner).length;
  return new Map(candidates.map(({ nodeId, owner }) => [nodeId, 0.5 / keysOf(owner)]));
}

export const limits = attack<(candidates: readonly Candidate[]) => ReadonlyMap<string, number>>(
  "limits with one good (99) and one bad (20) operator; one operator of 10 nodes and one of 1",
  "bad one's share below 1 %; the single node at most 3 times the mean share",
  (sharing) => {
    const bad = sharing([at("good", "good", 99), at("bad", "bad", 20)]).get("bad") ?? 0;
    const ten = Array.from({ length: 10 }, (_, index) => at(`ten ${index}`, "ten", 98));
    const single = (sharing([...ten, at("single", "single", 98)]).get("single") ?? 0) * 11;
    return {
      measured: `bad one ${fixed(100 * bad, 4)} %; single node ${fixed(single, 2)} times the mean`,
      holds: bad < 0.01 && single <= 3 + 1e-9,
    };
  },
  sharesOf,
  [["peers and the limit of a node", halved]],
);

export const fewTrials = attack<{ readonly quantile: boolean }>(
  "1 of 1 perfect against 990 of 1000",
  "5 % quantiles below 0.85 and above 0.98",
  ({ quantile }) => {
    const value = (up: number, down: number) =>
      quantile ? betaQuantile(0.05, 9.5 + up, 0.5 + down) : up / (up + down);
    const [one, thousand] = [value(1, 0), value(990, 10)];
    return { measured: `${fixed(one, 3)} and ${fixed(thousand, 3)}`, holds: one < 0.85 && thousand > 0.98 };
  },
  { quantile: true },
  [["the quantile", { quantile: false }]],
);
