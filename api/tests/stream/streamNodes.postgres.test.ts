import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { INTERVAL, idOf, SelectNetwork } from "../../../test/selectNetwork.ts";
import { streamSchemas } from "../../rest/stream.routes.ts";
import { EventClient, type ReceivedEvent } from "../../testing/eventClient.ts";
import { createTestApi, type TestApi } from "../../testing/testApi.ts";
import { address, ChainTables, utf8Hex } from "../../testing/worlds/chainTables.ts";
import { OTHER_REGISTRY, REGISTRY } from "../../testing/worlds/registryHistory.ts";

const NODES = [..."abcdefghi"];

let database: TestDatabase;
let tables: ChainTables;
let network: SelectNetwork;
let api: TestApi;
const opened: { close: () => Promise<void> }[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  tables = await ChainTables.create(database.url);
});
afterAll(async () => {
  await tables.close();
  await database.drop();
});
beforeEach(async () => {
  network = await SelectNetwork.begin(tables);
  await network.live(1);
  api = await startApi();
  return async () => {
    for (const each of opened.splice(0).reverse()) await each.close();
  };
});

/** Another process of the API, up to date. */
async function startApi(): Promise<TestApi> {
  const started = createTestApi(database.url);
  opened.push(started);
  await show(started);
  return started;
}

/** Brings a process to the newest block. */
async function show(at: TestApi): Promise<void> {
  await network.show(at);
  await at.publish();
}

async function listen(search = "", lastEventId?: string, at = api): Promise<EventClient> {
  const headers = new Map(lastEventId === undefined ? [] : [["Last-Event-ID", lastEventId]]);
  const path = `/v1/stream?events=node${search}`;
  const client = new EventClient(await at.get(path, Object.fromEntries(headers)));
  opened.push(client);
  await client.until(() => client.parser.comments.length > 0);
  return client;
}

const told = ({ type, data }: ReceivedEvent): string =>
  type === "node" ? `${network.nameOf(data.teeId)} ${data.status}` : type;

async function disable(name: string): Promise<void> {
  await network.rows.nextBlock(2);
  const node = network.rows.nodes.find((known) => known.name === name);
  if (node === undefined) throw new Error(`no node ${name}`);
  await network.rows.setEnabled(node, false);
}

test("a changed node is delivered as the list of nodes shows it", async () => {
  const client = await listen();
  await disable("c");
  await show(api);
  const [event] = await client.received(1);
  expect(client.events.map(told)).toEqual(["c disabled"]);
  expect(streamSchemas.node.parse(event?.data)).toEqual(event?.data);
  const { items } = await api.json("/v1/nodes?status=disabled");
  const { metrics: _, ...listed } = items[0];
  expect(event?.data).toEqual(listed);
});

test("a node goes stale by time alone, in a block without events", async () => {
  const client = await listen(`&teeId=${idOf("a")}`);
  await tables.setHead("og", network.rows.block + 900, network.rows.time + 1_900);
  api.now = network.rows.time + 1_901;
  await api.refresh();
  await client.until(() => client.events.map(told).includes("a stale"));
  expect(client.events.at(-1)?.data.score.gates[0].reason).toBe("stale");
});

test("a score is delivered once it has changed by a tenth, and nothing is delivered twice", async () => {
  const client = await listen();
  const scores = new Map<string, number>();
  for (const { teeId, score } of (await api.json("/v1/nodes")).items) scores.set(teeId, score.value);
  for (let round = 97; round < 105; round++) {
    await network.beat(round);
    await show(api);
  }
  await client.received(10);
  const statuses = new Map<string, string>();
  for (const { data } of client.events) {
    const before = scores.get(data.teeId) ?? 0;
    const isTold =
      Math.round(10 * before) !== Math.round(10 * data.score.value) ||
      statuses.get(data.teeId) !== data.status;
    expect([network.nameOf(data.teeId), before, isTold]).toEqual([
      expect.anything(),
      expect.anything(),
      true,
    ]);
    scores.set(data.teeId, data.score.value);
    statuses.set(data.teeId, data.status);
  }
  for (const { teeId, score } of (await api.json("/v1/nodes")).items)
    expect(Math.abs((scores.get(teeId) ?? 0) - score.value)).toBeLessThan(0.1);
});

test("a new node is delivered, and so is one whose observed record changed", async () => {
  const client = await listen();
  await network.rows.nextBlock(2);
  await network.register("newcomer", "owner-9");
  await show(api);
  expect((await client.received(1)).map(told)).toEqual(["newcomer active"]);
  await network.rows.nextBlock(2);
  await tables.insert("observations", "node_record", {
    registry: REGISTRY,
    teeId: idOf("newcomer"),
    blockNumber: network.rows.block,
    blockHash: `0x${"1".repeat(64)}`,
    blockTimestamp: network.rows.time,
    owner: address("owner-9"),
    paymentAddress: address("pay-newcomer"),
    endpointHex: utf8Hex("https://moved.example"),
    publicKey: "0x",
    tlsCertificate: "0x01",
    pcrHash: network.rows.nodes[0]?.pcrHash,
    lastConfirmedBlock: network.rows.block,
    lastConfirmedAt: network.rows.time,
  });
  await show(api);
  const [, moved] = await client.received(2);
  expect(moved?.data).toMatchObject({ endpoint: "https://moved.example", recordSource: "observation" });
});

test("only the selected nodes are delivered", async () => {
  const [one, operator, other, all] = [
    await listen(`&teeId=${idOf("c")}`),
    await listen(`&owner=${address("owner-0")}`),
    await listen(`&registry=${OTHER_REGISTRY}`),
    await listen("&registry=all"),
  ];
  for (const name of ["a", "b", "c"]) await disable(name);
  await show(api);
  await all.received(3);
  expect(all.events.map(told).sort()).toEqual(["a disabled", "b disabled", "c disabled"]);
  expect(one.events.map(told)).toEqual(["c disabled"]);
  expect(operator.events.map(told)).toEqual(["a disabled"]);
  expect(other.events).toEqual([]);
});

test("a returning subscriber receives the changed nodes; at another process, all nodes as they are now", async () => {
  const client = await listen();
  await disable("a");
  await show(api);
  await disable("b");
  await disable("d");
  await show(api);
  const events = await client.received(3);
  for (const [index, { id }] of events.entries()) {
    const again = await listen("", id);
    // The changes of one snapshot are delivered as a whole.
    await again.received(index === 2 ? 0 : 2);
    expect(again.events).toEqual(index === 2 ? [] : events.slice(1));
    await again.close();
  }
  const elsewhere = await startApi();
  const there = await listen("", events[0]?.id, elsewhere);
  await there.received(NODES.length);
  expect(there.events.map(told).sort()).toEqual(
    NODES.map((name) => `${name} ${"abd".includes(name) ? "disabled" : "active"}`),
  );
  const one = await listen(`&teeId=${idOf("d")}`, events[0]?.id, elsewhere);
  expect((await one.received(1)).map(told)).toEqual(["d disabled"]);
  // A process at the same snapshot delivers nothing again.
  const same = await listen("", events[2]?.id, elsewhere);
  await disable("e");
  await show(elsewhere);
  expect((await same.received(1)).map(told)).toEqual(["e disabled"]);
});

test("a subscriber that returns before the first snapshot receives its nodes, unless it had the same snapshot", async () => {
  const client = await listen();
  const { lastEventId } = client;
  await disable("a");
  await show(api);
  const [event] = await client.received(1);
  const starting = createTestApi(database.url);
  opened.push(starting);
  starting.now = api.now;
  await starting.publish();
  const early = await listen("", lastEventId, starting);
  const same = await listen("", event?.id, starting);
  expect(early.events).toEqual([]);
  await starting.refresh();
  await early.received(NODES.length, 5_000);
  expect(early.events.map(told)).toContain("a disabled");
  await disable("b");
  await show(starting);
  await early.until(() => early.events.map(told).includes("b disabled"));
  expect(early.events).toHaveLength(NODES.length + 1);
  expect((await same.received(1)).map(told)).toEqual(["b disabled"]);
});

test("a registration that a reorg takes back is delivered as a node without a status", async () => {
  await network.rows.nextBlock(2);
  const first = network.rows.block;
  await network.register("orphan", "owner-9");
  await show(api);
  const client = await listen();
  for (const [table, column] of [
    ["registry_event", "block_number"],
    ["node", "registered_block"],
    ["block", "number"],
  ])
    await tables.client.query(`delete from og.${table} where ${column} >= $1`, [first]);
  await tables.client.query("delete from og.node_liveness where tee_id = $1", [idOf("orphan")]);
  await tables.setHead("og", first, network.rows.time);
  await api.refresh();
  await api.publish();
  const events = await client.received(2);
  expect(events.map(({ type }) => type).sort()).toEqual(["node", "reset"]);
  expect(events.find(({ type }) => type === "node")?.data).toMatchObject({
    teeId: idOf("orphan"),
    status: null,
    enabled: false,
    score: null,
  });
  for (const { type, data } of events) expect(streamSchemas[type as "node"].parse(data)).toEqual(data);
});

test("no node is delivered while the index recovers", async () => {
  const client = await listen();
  await tables.client.query("delete from og.heartbeat where block_number > $1", [network.rows.block - 40]);
  await tables.setHead("og", network.rows.block, network.rows.time + 4 * INTERVAL, "not-ready");
  await api.refresh();
  await api.publish();
  await tables.setHead("base", 7, network.rows.time);
  await api.publish();
  expect(client.events).toEqual([]);
});
