import { describe, expect, test } from "vitest";
import { createTestDatabase } from "../../../test/database.ts";
import { address, hash } from "../../testing/worlds/chainTables.ts";
import { T0, useEmptyTables } from "../../testing/worlds/emptyTables.ts";
import { nodeNamed } from "../../testing/worlds/registryHistory.ts";

const world = useEmptyTables(createTestDatabase);
const { idsOf, problem, settle } = world;

describe("settlements", () => {
  test("have every field, whatever their generation, and are found by every filter", async () => {
    await settle(1);
    await settle(2, {
      kind: "batch",
      teeId: null,
      merkleRoot: hash("root"),
      batchSize: "7",
      blobId: null,
      blobIdHex: "0xff",
    });
    await settle(3, { kind: "legacy", teeId: null, signature: null, signedAt: null, claimedPayer: null });
    await settle(4, { signedAt: "9".repeat(70), relayer: address("other") });
    const { items } = await world.api.json("/v1/settlements");
    expect(items.map((item: { verdict: string }) => item.verdict)).toEqual([
      "pending",
      "unverifiable",
      "pending",
      "pending",
    ]);
    expect(items[0].signedAt).toBeNull();
    expect(items[2]).toMatchObject({
      batchSize: 7,
      blobId: null,
      blobIdHex: "0xff",
      merkleRoot: hash("root"),
    });
    expect(items[3]).toMatchObject({ blobIdHex: null, signedAt: T0 - 4 });
    const of = (...blocks: number[]) => blocks.map((block) => hash(`settle${block}`));
    expect(await idsOf("/v1/settlements?kind=batch")).toEqual(of(2));
    expect(await idsOf(`/v1/settlements?teeId=${nodeNamed("a").teeId}`)).toEqual(of(4, 1));
    expect(await idsOf(`/v1/settlements?relayer=${address("other")}`)).toEqual(of(4));
    expect(await idsOf(`/v1/settlements?payer=${address("payer")}`)).toEqual(of(4, 2, 1));
    expect(await idsOf(`/v1/settlements?merkleRoot=${hash("root")}`)).toEqual(of(2));
    expect(await idsOf("/v1/settlements?verdict=unverifiable")).toEqual(of(3));
    expect(await idsOf("/v1/settlements?verdict=verified")).toEqual([]);
    expect(await idsOf(`/v1/settlements?from=${T0 + 2}&to=${T0 + 4}`)).toEqual(of(3, 2));
    const _one = await world.api.json(`/v1/settlements/${items[2].id}`);
    expect((await problem(`/v1/settlements/10740-${hash("none")}-3`)).body.code).toBe("settlement-not-found");
    expect((await problem("/v1/settlements/nonsense")).body).toMatchObject({
      code: "invalid-parameter",
      parameter: "id",
    });
  });

  test("pages stay whole while rows arrive, and start over after a rollback", async () => {
    for (let block = 1; block <= 6; block++) await settle(block);
    await world.tables.setHead("og", 6, T0 + 6);
    const first = await world.api.json("/v1/settlements?limit=3");
    for (let block = 7; block <= 9; block++) await settle(block);
    await world.tables.setHead("og", 9, T0 + 9);
    const { endCursor } = first.pageInfo;
    const second = await world.api.json(`/v1/settlements?limit=3&after=${endCursor}`);
    const seen = [...first.items, ...second.items].map((item: { blockNumber: number }) => item.blockNumber);
    expect(seen).toEqual([6, 5, 4, 3, 2, 1]);
    expect(second.pageInfo.hasNextPage).toBe(false);

    await world.tables.client.query("update og.block set hash = $1 where number = 6", [hash("forked")]);
    expect((await problem(`/v1/settlements?limit=3&after=${endCursor}`)).body.code).toBe("cursor-expired");
    await world.tables.client.query(
      "delete from og.block where number >= 5; delete from og.settlement where block_number >= 5",
    );
    await world.tables.setHead("og", 4, T0 + 4);
    const { response, body } = await problem(`/v1/settlements?limit=3&after=${endCursor}`);
    expect([response.status, body.code]).toEqual([410, "cursor-expired"]);
  });

  test("a cursor is valid only for its path, filters and sort, and other text is refused", async () => {
    await settle(1);
    await settle(2);
    const { pageInfo } = await world.api.json("/v1/settlements?limit=1&kind=individual");
    const after = pageInfo.endCursor;
    expect(
      (await world.api.get(`/v1/settlements?limit=5&kind=individual&format=csv&after=${after}`)).status,
    ).toBe(200);
    const forged = Buffer.from(
      Buffer.from(after, "base64url")
        .toString()
        .replace('"k":[1,3]', '"k":["x",3]')
        .replace('"k":[2,3]', '"k":["x",3]'),
    ).toString("base64url");
    for (const path of [
      `/v1/settlements?after=${after}`,
      `/v1/nodes?after=${after}`,
      "/v1/settlements?after=nonsense",
      "/v1/settlements?after=",
      `/v1/settlements?kind=individual&after=${forged}`,
    ]) {
      const { response, body } = await problem(path);
      expect([response.status, body.code]).toEqual([400, "invalid-cursor"]);
    }
  });
});
