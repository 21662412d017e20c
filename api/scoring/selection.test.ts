import fc from "fast-check";
import { expect, test } from "vitest";
import { type Candidate, draw, type Pick, prepareSelection, toProbability, toScore } from "./index.ts";
import { limitsOf } from "./limits.ts";
import { operatorsOf, placesOf } from "./machines.ts";

const EXPLORED = 240;
const RUNS = 3_000;

const candidate = (
  nodeId: string,
  owner: string,
  host: string,
  score: number,
  nEff = EXPLORED,
  operatorNEff = nEff,
): Candidate => ({
  nodeId,
  owner,
  host,
  score: toScore(score),
  nEff,
  operatorNEff,
});

/** Share of each operator. */
function sharesOf(candidates: readonly Candidate[]): ReadonlyMap<string, number> {
  const selection = prepareSelection(candidates, "weighted");
  const shares = new Map<string, number>();
  for (const [position, { owner }] of selection.candidates.entries()) {
    const { probabilities } = selection;
    shares.set(owner, (shares.get(owner) ?? 0) + (probabilities[position] ?? 0));
  }
  return shares;
}

const shareOf = (candidates: readonly Candidate[], owner: string) => sharesOf(candidates).get(owner) ?? 0;

const networks = fc
  .array(
    fc.record({
      owner: fc.integer({ min: 0, max: 6 }),
      host: fc.integer({ min: 0, max: 7 }),
      score: fc.oneof(
        fc.double({ min: 2, max: 100, noNaN: true }),
        fc.double({ min: 90, max: 100, noNaN: true }),
      ),
      nEff: fc.oneof(fc.constant(EXPLORED), fc.double({ min: 0, max: 242, noNaN: true })),
    }),
    { minLength: 1, maxLength: 30 },
  )
  .map((nodes) =>
    nodes.map(({ owner, host, score, nEff }, index) =>
      candidate(`node ${String(index).padStart(2, "0")}`, `owner ${owner}`, `${owner}-${host}`, score, nEff),
    ),
  );

test("probabilities are finite, positive and sum to 1", () => {
  fc.assert(
    fc.property(networks, fc.constantFrom("weighted", "random", "best" as const), (candidates, strategy) => {
      const { probabilities } = prepareSelection(candidates, strategy);
      expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 9);
      for (const value of probabilities) expect(toProbability(value)).toBeGreaterThanOrEqual(0);
      if (strategy === "weighted") expect(Math.min(...probabilities)).toBeGreaterThan(0);
    }),
  );
});

test("the order of candidates changes nothing", () => {
  const orders = networks.chain((candidates) =>
    fc.tuple(
      fc.constant(candidates),
      fc.shuffledSubarray(candidates, { minLength: candidates.length }),
      fc.constantFrom("weighted", "best", "random" as const),
    ),
  );
  fc.assert(
    fc.property(orders, ([candidates, shuffled, strategy]) => {
      expect(prepareSelection(shuffled, strategy)).toEqual(prepareSelection(candidates, strategy));
    }),
  );
});

test("splitting a node into keys on its host, with scores no higher, never raises its operator's share", () => {
  const splits = fc.record({
    candidates: networks,
    which: fc.nat(29),
    parts: fc.array(fc.double({ min: 0.5, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 }),
  });
  fc.assert(
    fc.property(splits, ({ candidates, which, parts }) => {
      const node = candidates[which % candidates.length];
      if (node === undefined) return;
      const keys = parts.map((part, index) => ({
        ...node,
        nodeId: `${node.nodeId}.${index}`,
        score: toScore(node.score * part),
      }));
      const split = [...candidates.filter((other) => other !== node), ...keys];
      expect(shareOf(split, node.owner)).toBeLessThanOrEqual(shareOf(candidates, node.owner) + 1e-12);
    }),
    { numRuns: RUNS },
  );
});

test("limits hold wherever a peer could take more", () => {
  fc.assert(
    fc.property(networks, (candidates) => {
      const operators = operatorsOf(candidates, placesOf(candidates));
      const { machine, most, receives, carrierScore } = limitsOf(operators);
      const { probabilities } = prepareSelection(candidates, "weighted");
      for (const [order, { owner, bestScore, machines }] of operators.entries()) {
        // Candidates are generated in order of their ids.
        const shares = machines.map(({ keys }) =>
          keys.reduce((sum, at) => sum + (probabilities[at] ?? 0), 0),
        );
        if (shares.some((share) => share > machine + 1e-12))
          for (const [index, share] of shares.entries())
            if ((machines[index]?.bestScore ?? 0) >= Math.max(carrierScore[order] ?? 0, 0.8 * bestScore))
              expect(share).toBeGreaterThanOrEqual(machine - 1e-12);
        if (shareOf(candidates, owner) <= Math.max(most[order] ?? 0, receives[order] ?? 0) + 1e-12) continue;
        for (const [other, peer] of operators.entries())
          if (other !== order && peer.bestScore >= 0.8 * bestScore)
            expect(shareOf(candidates, peer.owner)).toBeGreaterThanOrEqual((receives[other] ?? 0) - 1e-12);
      }
    }),
    { numRuns: RUNS },
  );
});

test("no key gets more than three times the mean share of a machine while peers have room", () => {
  // One good machine among four bad ones of its operator, and ten honest operators.
  const honest = Array.from({ length: 10 }, (_, index) =>
    candidate(`h${index}`, `honest ${index}`, `h${index}`, 97),
  );
  const uneven = [99, 40, 40, 40, 40].map((score, index) =>
    candidate(`u${index}`, "uneven", `u${index}`, score),
  );
  const { candidates, probabilities } = prepareSelection([...honest, ...uneven], "weighted");
  expect(probabilities[candidates.findIndex(({ nodeId }) => nodeId === "u0")]).toBeLessThanOrEqual(
    3 / 15 + 1e-12,
  );
  const alone = uneven.slice(0, 1);
  expect(shareOf([...honest, ...alone], "uneven")).toBeLessThan(shareOf([...honest, ...uneven], "uneven"));
});

test("an operator alone has everything; a bad one never takes a good one's excess", () => {
  expect(shareOf([candidate("a", "a", "a", 99)], "a")).toBeCloseTo(1, 12);
  const shares = sharesOf([candidate("a", "good", "a", 99), candidate("b", "bad", "b", 20)]);
  expect(shares.get("bad")).toBeLessThan(0.01);
});

test("what is above one half goes to peers up to their own limits", () => {
  const large = Array.from({ length: 10 }, (_, index) => candidate(`l${index}`, "large", `l${index}`, 98));
  const shares = sharesOf([...large, candidate("s", "small", "s", 98)]);
  expect(shares.get("small")).toBeCloseTo(3 / 11, 12);
  const three = sharesOf([...large, ...["x", "y", "z"].map((name) => candidate(name, name, name, 98))]);
  expect(three.get("large")).toBeCloseTo(0.5, 12);
});

test("more hosts than five, and more keys on a host, are worth nothing", () => {
  const others = Array.from({ length: 20 }, (_, index) =>
    candidate(`o${index}`, `other ${index}`, `o${index}`, 97),
  );
  const on = (hosts: number, keys: number) =>
    Array.from({ length: keys }, (_, index) => candidate(`k${index}`, "many", `k${index % hosts}`, 97));
  const five = shareOf([...others, ...on(5, 5)], "many");
  expect(five).toBeCloseTo(0.2, 12);
  for (const hosts of [6, 50, 500])
    expect(shareOf([...others, ...on(hosts, hosts)], "many")).toBeCloseTo(five, 12);
  expect(shareOf([...others, ...on(1, 50)], "many")).toBeCloseTo(
    shareOf([...others, ...on(1, 1)], "many"),
    12,
  );
  // Nor do names of hosts lower the others' limits.
  expect(shareOf([...others, ...on(500, 500)], "other 0")).toBeCloseTo(0.04, 12);
});

test("a newcomer is explored, and gets less than an established equal", () => {
  const established = Array.from({ length: 10 }, (_, index) =>
    candidate(`e${index}`, `old ${index}`, `e${index}`, 97),
  );
  const shares = sharesOf([...established, candidate("n", "new", "n", 80, 0)]);
  expect(shares.get("new")).toBeGreaterThan(0.045);
  expect(shares.get("new")).toBeLessThan(shares.get("old 0") ?? 0);
});

test("an operator's next key is no newcomer", () => {
  const established = Array.from({ length: 10 }, (_, index) =>
    candidate(`e${index}`, `old ${index}`, `e${index}`, 97),
  );
  const shareWith = (operatorNEff: number) =>
    shareOf([...established, candidate("n", "again", "n", 80, 0, operatorNEff)], "again");
  expect(shareWith(100)).toBeLessThan(shareWith(0) / 2);
});

const spread = [99, 97, 96, 95, 93, 90, 88].map((score, index) =>
  candidate(`n${index}`, `o${index % 4}`, `h${index}`, score, index === 6 ? 3 : EXPLORED),
);

const idsOf = (picks: readonly Pick[]) => picks.map(({ candidate: { nodeId } }) => nodeId);

test("the same seed gives the same list, a shorter count its beginning, and k nodes are distinct", () => {
  const selection = prepareSelection(spread, "weighted");
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 20 }), (seed, count) => {
      const picks = draw(selection, seed, count);
      expect(picks).toEqual(draw(prepareSelection([...spread].reverse(), "weighted"), seed, count));
      expect(picks).toEqual(draw(selection, seed, 20).slice(0, count));
      expect(new Set(idsOf(picks)).size).toBe(Math.min(count, spread.length));
      expect(picks.map(({ rank }) => rank)).toEqual(picks.map((_, index) => index + 1));
    }),
  );
});

/** A list worked out apart from this code, from docs/metrics.md: shasum -a 256 and a spreadsheet. */
test("a seed falls as documented", () => {
  const equal = ["a", "b", "c", "d"].map((name) => candidate(name, name, name, 97));
  // SHA-256("docs:0") = 35f57c7572516 140 597afaef74c31 1a9 21add9a5b6dac a1a 73a2db69b954c 6ef: 0.211, 0.350, 0.132, 0.452.
  // 0.211 × 1 falls on a of a b c d; 0.350 × 0.75 = 0.262, past a 0.512: c; 0.132 × 0.5 = 0.066, past a 0.316: b.
  expect(idsOf(draw(prepareSelection(equal, "random"), "docs", 4))).toEqual(["a", "c", "b", "d"]);
});

/** Upper 0.1 % point of χ² with k degrees of freedom, by Wilson and Hilferty's approximation. */
const chiSquareLimit = (k: number) => k * (1 - 2 / (9 * k) + 3.09 * Math.sqrt(2 / (9 * k))) ** 3;

test("first ranks of 100,000 draws fit the stated probabilities, and second ranks what follows from them", () => {
  const selection = prepareSelection(spread, "weighted");
  const { candidates, probabilities } = selection;
  const draws = 100_000;
  const first = new Map<string, number>();
  const second = new Map<string, number>();
  for (let index = 0; index < draws; index++) {
    const [one, two] = draw(selection, `seed ${index}`, 2);
    for (const [counts, pick] of [[first, one] as const, [second, two] as const])
      if (pick !== undefined) counts.set(pick.candidate.nodeId, (counts.get(pick.candidate.nodeId) ?? 0) + 1);
  }
  const chiSquare = (counts: ReadonlyMap<string, number>, expected: (position: number) => number) =>
    candidates.reduce((sum, { nodeId }, position) => {
      const wanted = draws * expected(position);
      return sum + ((counts.get(nodeId) ?? 0) - wanted) ** 2 / wanted;
    }, 0);
  const p = (position: number) => probabilities[position] ?? 0;
  const secondOf = (position: number) =>
    candidates.reduce(
      (sum, _, other) => sum + (other === position ? 0 : (p(other) * p(position)) / (1 - p(other))),
      0,
    );
  const limit = chiSquareLimit(candidates.length - 1);
  expect(chiSquare(first, p)).toBeLessThan(limit);
  expect(chiSquare(second, secondOf)).toBeLessThan(limit);
});

test("nodes of a vanishing probability are drawn last, not left out", () => {
  const candidates = [candidate("a", "a", "a", 99), candidate("b", "b", "b", 0), candidate("c", "c", "c", 0)];
  const picks = draw(prepareSelection(candidates, "weighted"), "seed", 3);
  expect(idsOf(picks).sort()).toEqual(["a", "b", "c"]);
  expect(idsOf(picks)[0]).toBe("a");
});

test("best goes by score, then by id; random ignores scores", () => {
  const picks = draw(prepareSelection([...spread].reverse(), "best"), "any", 3);
  expect(idsOf(picks)).toEqual(["n0", "n1", "n2"]);
  expect(picks.map(({ rank, probability }) => [rank, probability])).toEqual([
    [1, 1],
    [2, 0],
    [3, 0],
  ]);
  expect([...prepareSelection(spread, "random").probabilities]).toEqual(spread.map(() => 1 / 7));
});

test("nobody passed: an empty list", () => {
  for (const strategy of ["weighted", "best", "random"] as const)
    expect(draw(prepareSelection([], strategy), "seed", 3)).toEqual([]);
});

test("a count out of range is refused", () => {
  const selection = prepareSelection(spread, "weighted");
  for (const count of [0, 21, 1.5, Number.NaN])
    expect(() => draw(selection, "seed", count)).toThrow(RangeError);
});
