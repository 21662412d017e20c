import { afterAll, beforeAll, expect, test } from "vitest";
import { generateClients, runClient } from "../../../test/clients/clients.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { HEAD_BLOCK } from "../../testing/worlds/networkWorld.ts";
import { type ServedWorld, serveWorld } from "../../testing/worlds/servedWorld.ts";

let database: TestDatabase;
let world: ServedWorld;

beforeAll(async () => {
  database = await createTestDatabase();
  world = await serveWorld(database.url);
  await generateClients(world.url);
}, 120_000);
afterAll(async () => {
  await world?.close();
  await database?.drop();
});

// biome-ignore lint/suspicious/noExplicitAny: items of every shape
const items = async (path: string): Promise<any[]> => (await world.api.json(path)).items;

const provenId = async (): Promise<string> =>
  (await items("/v1/inferences?signatureValid=true&limit=1"))[0].id;

test("openapi-fetch with generated types reads every operation", async () => {
  const { nodes, receipts, ...rest } = await runClient("rest", world.url);
  const selected = await world.api.json("/v1/select?count=3&seed=clients");
  const expected = (await items("/v1/nodes?sort=registeredAt")).map(({ teeId, metrics }) => ({
    teeId,
    uptime: metrics["24h"].uptime,
    probability: selected.nodes.find(({ node }: { node: { teeId: string } }) => node.teeId === teeId)
      ?.probability,
  }));
  expect(expected.length).toBeGreaterThan(2);
  expect(nodes).toEqual(JSON.parse(JSON.stringify(expected)));
  expect(receipts).toMatchObject([{ id: await provenId() }]);
  expect(rest).toEqual({ absent: "node-not-found", refused: ["nosuch"], block: HEAD_BLOCK });
});

test("urql with generated types reads the same", async () => {
  const { nodes, receipts, ...rest } = await runClient("graphql", world.url);
  const expected = (await items("/v1/nodes?sort=registeredAt")).map(({ teeId, metrics, status }) => ({
    teeId,
    uptime: metrics["24h"].uptime,
    active: status === "active",
  }));
  expect(nodes).toEqual(expected);
  const id = await provenId();
  const receipt = await world.api.json(`/v1/inferences/${id}/receipt`);
  expect(receipts).toEqual([{ inferenceId: id, receipt }]);
  expect(rest).toEqual({ refused: ["invalid-parameter"], block: HEAD_BLOCK });
});
