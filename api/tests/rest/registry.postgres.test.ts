import { describe, expect, test } from "vitest";
import { createTestDatabase } from "../../../test/database.ts";
import { hash } from "../../testing/worlds/chainTables.ts";
import { T0, useEmptyTables } from "../../testing/worlds/emptyTables.ts";
import { PCR } from "../../testing/worlds/registryHistory.ts";

const world = useEmptyTables(createTestDatabase);

describe("registry records", () => {
  test("PCRs and TEE types, now and at past moments", async () => {
    await world.history.teeType(0, "LLMProxy", T0 - 10);
    await world.history.approvePcr(T0);
    await world.history.revokePcr(T0 + 100);
    await world.history.approvePcr(T0 + 200, PCR, "v2");
    await world.history.approvePcr(T0 + 300, hash("legacy"), "old", -1);
    const { items } = await world.api.json("/v1/pcrs");
    expect(items).toMatchObject([
      { hash: hash("legacy"), teeType: null, version: "old" },
      {
        hash: PCR,
        teeType: { id: 0, name: "LLMProxy" },
        version: "v2",
        approved: true,
        firstApprovedAt: T0,
        approvedAt: T0 + 200,
        revokedAt: null,
        approvals: 2,
        revocations: 1,
      },
    ]);
    const past = await world.api.json(`/v1/pcrs?at=${T0 + 150}`);
    expect(past.items).toMatchObject([{ version: "v1", approved: false, revokedAt: T0 + 100, approvals: 1 }]);
    expect((await world.api.json("/v1/pcrs?approved=false")).items).toEqual([]);
    expect((await world.api.json("/v1/pcrs?teeType=0")).items).toHaveLength(1);
    await world.history.revokePcr(T0 + 400, PCR, -1, T0 + 500);
    expect((await world.api.json(`/v1/pcrs?teeType=0&at=${T0 + 499}`)).items).toMatchObject([
      { approved: true, revokedAt: T0 + 500 },
    ]);
    expect((await world.api.json(`/v1/pcrs?teeType=0&at=${T0 + 500}`)).items).toMatchObject([
      { approved: false, revokedAt: T0 + 500, approvals: 2, revocations: 1 },
    ]);
    const types = await world.api.json("/v1/tee-types");
    expect(types.items).toMatchObject([
      { id: 0, name: "LLMProxy", nameHex: null, addedAt: T0 - 10, deactivatedAt: null },
    ]);
    expect((await world.api.json(`/v1/tee-types?at=${T0 - 11}`)).items).toEqual([]);
  });
});
