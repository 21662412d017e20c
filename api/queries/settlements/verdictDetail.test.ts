import { expect, test } from "vitest";
import { type JudgedSettlement, verdictDetail } from "./verdictDetail.ts";

const batch: JudgedSettlement = {
  reason: null,
  detail: null,
  batchSize: 5n,
  leafCount: 5,
  invalidLeaves: 0,
  unknownLeaves: 0,
};
const individual: JudgedSettlement = {
  ...{ reason: null, detail: null, batchSize: null },
  ...{ leafCount: null, invalidLeaves: null, unknownLeaves: null },
};

test("a verdict without a reason needs no sentence", () => {
  expect(verdictDetail(batch)).toBeNull();
  expect(verdictDetail(individual)).toBeNull();
});

test("of a batch, everything that is wrong is said, not only what its reason names", () => {
  const wrong = { ...batch, reason: "invalid-signatures", invalidLeaves: 2, unknownLeaves: 1, batchSize: 6n };
  expect(verdictDetail(wrong)).toBe(
    "2 of 5 leaves with a signature that is not the node's; 1 of 5 leaves of a node that the current registry did not have by then, or without a known key; the event says 6 leaves, the blob has 5",
  );
  expect(
    verdictDetail({ ...batch, reason: "size-mismatch", batchSize: 2n ** 256n - 1n, leafCount: 1 }),
  ).toContain(`${2n ** 256n - 1n} leaves, the blob has 1`);
});

test("what the blob was refused for is said as it was found", () => {
  expect(
    verdictDetail({
      ...batch,
      reason: "not-json",
      detail: "the blob's 7 bytes are not JSON",
      leafCount: null,
    }),
  ).toBe("the blob's 7 bytes are not JSON");
});

test("each reason of a settlement by itself has its sentence; an unknown one has none", () => {
  for (const reason of ["invalid-signature", "unknown-node", "unknown-key", "no-signature"])
    expect(verdictDetail({ ...individual, reason })).toMatch(/^[a-z][ a-z',]{20,}$/);
  expect(verdictDetail({ ...individual, reason: "to-come" })).toBeNull();
});
