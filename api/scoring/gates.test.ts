import { expect, test } from "vitest";
import { failedGates, type GateInput } from "./gates.ts";

const good: GateInput = {
  status: "active",
  lastSignedAt: 0,
  maxAgeSeconds: 1_800,
  now: 1_800,
  connectable: true,
  endpointProblem: null,
};
const reasons = (changes: Partial<GateInput>) =>
  failedGates({ ...good, ...changes }).map(({ reason }) => reason);

test("an active node with a fresh signature and a complete record passes", () => {
  expect(failedGates(good)).toEqual([]);
});

test("each failed gate is named", () => {
  for (const status of ["stale", "disabled", "revoked", "removed"] as const)
    expect(reasons({ status })).toEqual([status]);
  expect(reasons({ connectable: false })).toEqual(["incomplete-record"]);
  expect(reasons({ endpointProblem: "it is empty" })).toEqual(["unusable-endpoint"]);
  expect(reasons({ now: 1_801, status: "stale" })).toEqual(["stale", "not-proved-alive"]);
});

test("a node that the contract lists by a repeated signature is out once its newest signed second is too old", () => {
  expect(reasons({ now: 1_801 })).toEqual(["not-proved-alive"]);
});
