import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { StoppableLifetime } from "../../http/lifetime.ts";
import { streamSchemas } from "../../rest/stream.routes.ts";
import { EventClient, EventParser, type ReceivedEvent } from "../../testing/eventClient.ts";
import { statementsOf, transactionsIn } from "../../testing/statements.ts";
import { createTestApi, type TestApi } from "../../testing/testApi.ts";
import { address, ChainTables, hash } from "../../testing/worlds/chainTables.ts";
import { StreamWorld, timeOf } from "../../testing/worlds/streamWorld.ts";

let database: TestDatabase;
let tables: ChainTables;
let world: StreamWorld;
let api: TestApi;
const opened: { apis: TestApi[]; clients: EventClient[] } = { apis: [], clients: [] };

beforeAll(async () => {
  database = await createTestDatabase();
  tables = await ChainTables.create(database.url);
  world = new StreamWorld(tables);
});
afterAll(async () => {
  await tables.close();
  await database.drop();
});
beforeEach(async () => {
  await world.begin();
  api = await startApi();
  return async () => {
    for (const client of opened.clients.splice(0)) await client.close();
    for (const each of opened.apis.splice(0)) await each.close();
  };
});

/** Another process of the API. */
async function startApi(
  ...options: Parameters<typeof createTestApi> extends [string, ...infer R] ? R : never
) {
  const started = createTestApi(database.url, ...options);
  started.now = timeOf(1_000);
  opened.apis.push(started);
  await started.publish();
  return started;
}

async function listen(path = "/v1/stream", lastEventId?: string, at = api) {
  const response = await at.get(path, lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId });
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  const client = new EventClient(response);
  opened.clients.push(client);
  await client.until(() => client.parser.comments.length > 0 || client.events.length > 0);
  return client;
}

/** A short form of an event. */
const told = ({ type, data }: ReceivedEvent): string => {
  if (type === "block") return `${data.chain} block ${data.number}${data.hash === null ? " (empty)" : ""}`;
  if (type === "settlement") return `settlement ${data.blockNumber}.${data.logIndex} ${data.verdict}`;
  if (type === "payment") return `payment ${data.blockNumber}.${data.logIndex}`;
  if (type === "reset") return `reset ${data.chain} ${data.reason} ${data.validThrough?.blockNumber ?? null}`;
  return `${type} ${data.teeId}`;
};

const dataOf = (events: readonly ReceivedEvent[]) => events.map(({ type, data }) => ({ type, data }));

describe("events are delivered", () => {
  test("block by block, rows before their block, each with an id of its own", async () => {
    const client = await listen();
    await world.grow("og", 10, { rows: 2 });
    await world.grow("base", 20, { rows: 1 });
    await api.publish();
    await world.add("og", 12, { rows: 1 });
    await world.grow("og", 13);
    await world.head("base", 22);
    await api.publish();
    const events = await client.received(9);
    expect(events.map(told)).toEqual([
      "settlement 10.0 pending",
      "settlement 10.1 pending",
      "og block 10",
      "payment 20.0",
      "base block 20",
      "settlement 12.0 pending",
      "og block 12",
      "og block 13",
      "base block 22 (empty)",
    ]);
    // An empty block has no rows to come after.
    expect(new Set(events.map(({ id }) => id)).size).toBe(8);
  });

  test("with the data of the lists, as the documents describe it", async () => {
    const client = await listen();
    await world.grow("og", 10, { rows: 1 });
    await world.grow("base", 20, { rows: 1 });
    await api.publish();
    for (const { type, data } of await client.received(4))
      expect(streamSchemas[type as keyof typeof streamSchemas].parse(data)).toEqual(data);
    const [settlement, , payment] = client.events;
    expect(settlement?.data).toEqual((await api.json("/v1/settlements")).items[0]);
    expect(payment?.data).toEqual((await api.json("/v1/payments")).items[0]);
  });

  test("as a stream that proxies do not buffer and clients reconnect to", async () => {
    const { response, parser, lastEventId } = await listen();
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
      "access-control-allow-origin": "*",
      "og-block": "0",
      "base-block": "0",
    });
    expect(parser.retryMs).toBe(3_000);
    expect(lastEventId).toBe("og~base~p0");
  });

  test("in order and once, however many rows arrive together", async () => {
    const client = await listen("/v1/stream?events=settlement,block");
    await world.add("og", 10, { rows: 1_203 });
    for (let block = 11; block < 300; block++) await world.add("og", block);
    await world.add("og", 300, { rows: 2 });
    await world.head("og", 301);
    await api.publish();
    const events = await client.received(1_203 + 291 + 2);
    const expected = [
      ...Array.from({ length: 1_203 }, (_, index) => `settlement 10.${index} pending`),
      ...Array.from({ length: 290 }, (_, index) => `og block ${10 + index}`),
      "settlement 300.0 pending",
      "settlement 300.1 pending",
      "og block 300",
      "og block 301 (empty)",
    ];
    expect(events.map(told)).toEqual(expected);
    const elsewhere = await startApi();
    const again = await listen("/v1/stream?events=settlement,block", events[600]?.id, elsewhere);
    await again.received(expected.length - 601 - 1);
    // Of empty blocks only the newest is delivered, when it is reached.
    expect(again.events.map(told)).toEqual(expected.slice(601, -1));
  });

  test("for changed verdicts, but not for invisible changes", async () => {
    await world.grow("og", 10, { rows: 2 });
    await world.grow("og", 11, { rows: 1 });
    await api.publish();
    const client = await listen("/v1/stream?events=settlement");
    await world.judge(10, "verified");
    await api.publish();
    await world.advanceRevision();
    await api.publish();
    await world.judge(11, "invalid");
    await world.judge(10, "partial");
    await api.publish();
    const events = await client.received(5);
    expect(events.map(told)).toEqual([
      "settlement 10.0 verified",
      "settlement 10.1 verified",
      "settlement 11.0 invalid",
      "settlement 10.0 partial",
      "settlement 10.1 partial",
    ]);
    expect(events[4]?.data).toEqual((await api.json("/v1/settlements?limit=3")).items[2 - 1]);
  });

  test("in order and once, however many verdicts change together", async () => {
    await world.grow("og", 10, { rows: 1_100 });
    await api.publish();
    const client = await listen("/v1/stream?events=settlement");
    const before = client.lastEventId;
    await world.judge(10, "verified");
    await api.publish();
    const expected = Array.from({ length: 1_100 }, (_, index) => `settlement 10.${index} verified`);
    const events = await client.received(1_100);
    expect(events.map(told)).toEqual(expected);
    const elsewhere = await startApi();
    for (const [id, skipped] of [
      [before, 0],
      [events[699]?.id, 700],
    ] as const) {
      const again = await listen("/v1/stream?events=settlement", id, elsewhere);
      await again.received(1_100 - skipped);
      expect(again.events.map(told)).toEqual(expected.slice(skipped));
    }
    const one = await listen(`/v1/stream?teeId=${hash("node 900")}`, before, elsewhere);
    expect((await one.received(1)).map(told)).toEqual(["settlement 10.900 verified"]);
  });

  test("a verdict known with its settlement is not delivered separately", async () => {
    const client = await listen("/v1/stream?events=settlement");
    await world.grow("og", 10, { rows: 1 });
    await world.judge(10, "verified");
    await api.publish();
    await world.grow("og", 11, { rows: 1 });
    await api.publish();
    expect((await client.received(2)).map(told)).toEqual([
      "settlement 10.0 verified",
      "settlement 11.0 pending",
    ]);
  });
});

describe("a returning subscriber", () => {
  /** Some events of every type, one step at a time. */
  async function history(): Promise<readonly ReceivedEvent[]> {
    const client = await listen();
    await world.grow("og", 10, { rows: 3 });
    await api.publish();
    await world.grow("base", 20, { rows: 2 });
    await api.publish();
    await world.grow("base", 21, { rows: 1 });
    await world.grow("og", 12, { rows: 2 });
    await api.publish();
    await world.judge(10, "verified");
    await api.publish();
    await world.grow("og", 14, { rows: 1 });
    await world.grow("base", 24);
    await api.publish();
    return client.received(17);
  }

  test("receives exactly what it missed, from any event on, and then live events", async () => {
    const events = await history();
    for (const [index, { id }] of events.entries()) {
      const client = await listen("/v1/stream", id);
      await client.received(events.length - index - 1);
      expect(client.events).toEqual(events.slice(index + 1));
      await client.close();
    }
    const last = await listen("/v1/stream", events.at(-1)?.id);
    const middle = await listen("/v1/stream", events[8]?.id);
    await world.grow("og", 16, { rows: 1 });
    await api.publish();
    expect((await last.received(2)).map(told)).toEqual(["settlement 16.0 pending", "og block 16"]);
    await middle.received(events.length - 9 + 2);
    expect(middle.events.slice(-2)).toEqual(last.events);
  });

  test("receives the same from another process", async () => {
    const events = await history();
    const elsewhere = await startApi();
    for (const [index, { id }] of events.entries()) {
      const client = await listen("/v1/stream", id, elsewhere);
      // This process has nothing buffered: chains follow one another, and rows have their current verdicts.
      const rest = events.slice(index + 1);
      const newest = new Map(
        dataOf(rest).map((event) => [event.data.id ?? `${event.data.chain}${event.data.number}`, event]),
      );
      await client.received(newest.size);
      const sorted = (all: Iterable<unknown>) => [...all].map((event) => JSON.stringify(event)).sort();
      expect(sorted(dataOf(client.events))).toEqual(sorted(newest.values()));
      expect(client.lastEventId).toBe(events.at(-1)?.id);
      await client.close();
    }
  });

  test("waits while another process is a little behind its position", async () => {
    const slower = await startApi();
    const client = await listen();
    await world.grow("og", 10, { rows: 1 });
    await world.grow("base", 10, { rows: 1 });
    await api.publish();
    const [, , , last] = await client.received(4);
    const again = await listen("/v1/stream", last?.id, slower);
    await slower.publish();
    await world.grow("og", 12, { rows: 1 });
    await slower.publish();
    expect((await again.received(2)).map(told)).toEqual(["settlement 12.0 pending", "og block 12"]);
  });

  test("may give its position in the URL; the header wins", async () => {
    const events = await history();
    const [first, , third] = events;
    const client = await listen(`/v1/stream?after=${first?.id}`);
    await client.received(events.length - 1);
    const again = await listen(`/v1/stream?after=${first?.id}`, third?.id);
    await again.received(events.length - 3);
    expect(again.events).toEqual(events.slice(3));
  });

  test("that few events match is moved on by keep-alives, and has little to catch up on", async () => {
    const quiet = await startApi(undefined, {}, { timing: { keepAliveMs: 50 } });
    const client = await listen(`/v1/stream?payer=${address("nobody")}`, undefined, quiet);
    await world.grow("og", 10, { rows: 3 });
    await quiet.publish();
    await client.until(() => client.lastEventId.startsWith("og10."));
    expect(client.events).toEqual([]);
    expect(client.parser.comments.length).toBeGreaterThan(1);
  });

  test("after too long receives a reset and continues from now", async () => {
    const events = await history();
    const dayLater = 50_000;
    await world.grow("og", dayLater, { rows: 1 });
    await api.publish();
    const elsewhere = await startApi();
    const client = await listen("/v1/stream?events=settlement", events[1]?.id, elsewhere);
    const [reset] = await client.received(1);
    expect(reset).toMatchObject({
      type: "reset",
      data: {
        chain: "og",
        chainId: 10740,
        reason: "too-old",
        validThrough: { blockNumber: 10, blockTime: timeOf(10) },
        continuesAfter: { blockNumber: dayLater, blockTime: timeOf(dayLater) },
      },
    });
    expect(streamSchemas.reset.parse(reset?.data)).toEqual(reset?.data);
    await world.grow("og", dayLater + 1, { rows: 1 });
    await elsewhere.publish();
    await client.until(() => client.events.map(told).includes(`settlement ${dayLater + 1}.0 pending`));
  });

  test.each([
    ["nonsense", "hello"],
    ["another stream's id", "42"],
    ["more than there may be", `og10.${"a".repeat(16)}.3~${"x".repeat(300)}`],
    ["a part twice", "p1~p1"],
    ["another spelling", "og010.aaaaaaaaaaaaaaaa"],
    ["SQL", "og10.aaaaaaaaaaaaaaaa'; drop table og.block; --"],
  ])("with %s is refused", async (_, id) => {
    for (const [response, parameter] of [
      [await api.get("/v1/stream", { "Last-Event-ID": id }), "Last-Event-ID"],
      [await api.get(`/v1/stream?after=${encodeURIComponent(id)}`), "after"],
    ] as const) {
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "invalid-parameter", parameter });
    }
  });

  test("with an id that no process issued receives a reset", async () => {
    await history();
    const ahead = await startApi(undefined, {}, { timing: { maxAheadWaitMs: 100, retryMs: 20 } });
    const forged = "og999999999.aaaaaaaaaaaaaaaa.7~base3.bbbbbbbbbbbbbbbb~p99999~nabcdefghijk";
    const client = await listen("/v1/stream", forged, ahead);
    await client.until(() => client.events.filter(({ type }) => type === "reset").length === 3);
    expect(
      client.events
        .filter(({ type }) => type === "reset")
        .map(told)
        .sort(),
    ).toEqual([
      expect.stringMatching(/^reset base replaced null$/),
      expect.stringMatching(/^reset og (reorg|replaced) /),
      "reset og verdicts-missed null",
    ]);
  });
});

describe("a subscriber with an id that is ahead", () => {
  const SUBSCRIBERS = 50;
  const timing = { maxAheadWaitMs: 400, retryMs: 20, keepAliveMs: 10_000 };
  const ids = (block: number) => `og${block}.${"a".repeat(16)}~base~p0`;
  const path = "/v1/stream?events=settlement";

  test("by too much receives a reset at once, after one read", async () => {
    await world.grow("og", 10, { rows: 1 });
    const patient = await startApi(undefined, {}, { timing: { ...timing, maxAheadWaitMs: 3_600_000 } });
    for (const id of [ids(10_000), `og10.${"0".repeat(16)}~base~p999999`, ids(2 ** 49)]) {
      const statements = await statementsOf(async () => {
        const clients = await Promise.all(
          Array.from({ length: SUBSCRIBERS }, () => listen(path, id, patient)),
        );
        for (const client of clients) expect((await client.received(1))[0]?.type).toBe("reset");
        for (const client of clients) await client.close();
      });
      expect([id, transactionsIn(statements)]).toEqual([id, SUBSCRIBERS]);
    }
  });

  test("by a little waits without reading the database, and receives a reset in the end", async () => {
    await world.grow("og", 10, { rows: 1 });
    const ahead = await startApi(undefined, {}, { timing });
    const statements = await statementsOf(async () => {
      const clients = await Promise.all(
        Array.from({ length: SUBSCRIBERS }, () => listen(path, ids(60), ahead)),
      );
      for (const client of clients) expect((await client.received(1))[0]?.type).toBe("reset");
    });
    // One read at the start and one after the wait; a read every 20 ms would make twenty.
    expect(transactionsIn(statements)).toBeLessThanOrEqual(2 * SUBSCRIBERS);
  });

  test("reads again once live subscribers are there, and not before", async () => {
    const slower = await startApi(undefined, {}, { timing: { ...timing, maxAheadWaitMs: 3_600_000 } });
    await world.grow("og", 30, { rows: 1 });
    await api.publish();
    const id = api.stream.hub.id;
    await world.rewind("og", 30);
    await world.head("og", 20);
    const statements = await statementsOf(async () => {
      const clients = await Promise.all(Array.from({ length: SUBSCRIBERS }, () => listen(path, id, slower)));
      for (let block = 21; block < 30; block++) {
        await world.grow("og", block, { rows: 1 });
        await slower.publish();
      }
      for (const block of [30, 31]) {
        await world.grow("og", block, { rows: 1 });
        await slower.publish();
      }
      for (const client of clients)
        expect((await client.received(1)).map(told)).toEqual(["settlement 31.0 pending"]);
    });
    // Each reads once at the start and once when live subscribers are there; the process itself, once a block.
    expect(transactionsIn(statements)).toBeLessThanOrEqual(2 * SUBSCRIBERS + 11);
  });
});

describe("an empty id counts as none", () => {
  test("in the header, beside or without one in the URL", async () => {
    await world.grow("og", 10, { rows: 1 });
    await api.publish();
    const fresh = await listen("/v1/stream", "");
    expect([fresh.events, fresh.lastEventId.startsWith("og10.")]).toEqual([[], true]);
    const back = await listen("/v1/stream?after=og~base~p0", "");
    expect((await back.received(2)).map(told)).toEqual(["settlement 10.0 pending", "og block 10"]);
  });
});

describe("a reorg", () => {
  test("is announced with what is still valid, and the replacing rows follow", async () => {
    const client = await listen();
    await world.grow("og", 10, { rows: 1 });
    await world.grow("og", 11, { rows: 1 });
    await world.grow("og", 12, { rows: 2 });
    await api.publish();
    await client.received(7);
    await world.rewind("og", 11);
    await world.add("og", 12, { rows: 1, fork: "b" });
    await world.head("og", 13);
    await api.publish();
    const events = (await client.received(11)).slice(7);
    expect(events.map(told)).toEqual([
      "reset og reorg 10",
      "settlement 12.0 pending",
      "og block 12",
      "og block 13 (empty)",
    ]);
    expect(events[0]?.data).toMatchObject({
      validThrough: { blockNumber: 10, blockTime: timeOf(10) },
      continuesAfter: { blockNumber: 10, blockTime: timeOf(10) },
    });
    expect(events[1]?.data.txHash).toBe(hash("ogb12"));
  });

  test("of empty blocks alone is not announced", async () => {
    const client = await listen();
    await world.grow("og", 10, { rows: 1 });
    await world.head("og", 14);
    await api.publish();
    await world.head("og", 12);
    await api.publish();
    await world.grow("og", 13, { rows: 1, fork: "b" });
    await api.publish();
    expect((await client.received(6)).map(told)).toEqual([
      "settlement 10.0 pending",
      "og block 10",
      "og block 14 (empty)",
      "og block 12 (empty)",
      "settlement 13.0 pending",
      "og block 13",
    ]);
  });

  test("is announced to subscribers that return from before it, at the same process and at another", async () => {
    const client = await listen();
    await world.grow("og", 10, { rows: 1 });
    await world.grow("og", 11, { rows: 1 });
    await world.grow("og", 12, { rows: 1 });
    await api.publish();
    const events = await client.received(6);
    await client.close();
    await world.rewind("og", 12);
    await world.add("og", 12, { rows: 2, fork: "b" });
    await world.head("og", 16);
    await api.publish();
    const elsewhere = await startApi();

    const touched = await listen("/v1/stream", events[4]?.id);
    expect((await touched.received(4)).map(told)).toEqual([
      "reset og reorg 11",
      "settlement 12.0 pending",
      "settlement 12.1 pending",
      "og block 12",
    ]);
    // A process that did not publish the replaced blocks knows only that final ones are valid: block 16 - 5.
    const there = await listen("/v1/stream", events[4]?.id, elsewhere);
    await there.received(4);
    expect(there.events.map(told)).toEqual(touched.events.map(told));

    for (const at of [api, elsewhere]) {
      const untouched = await listen("/v1/stream", events[3]?.id, at);
      expect((await untouched.received(3)).slice(0, 3).map(told)).toEqual([
        "settlement 12.0 pending",
        "settlement 12.1 pending",
        "og block 12",
      ]);
      expect(untouched.events.some(({ type }) => type === "reset")).toBe(false);
    }
  });

  test("of one chain does not reach subscribers of the other", async () => {
    const client = await listen("/v1/stream?events=payment");
    await world.grow("og", 10, { rows: 1 });
    await world.grow("base", 10, { rows: 1 });
    await api.publish();
    await world.rewind("og", 10);
    await world.grow("og", 11, { fork: "b" });
    await world.grow("base", 11, { rows: 1 });
    await api.publish();
    expect((await client.received(2)).map(told)).toEqual(["payment 10.0", "payment 11.0"]);
  });
});

describe("a chain that is not ready", () => {
  test("has no events, while the other chain's continue", async () => {
    const client = await listen();
    await world.grow("og", 10, { rows: 1 });
    await world.grow("base", 10, { rows: 1 });
    await api.publish();
    const events = await client.received(4);
    // A crash: rows step back, the checkpoint does not.
    await world.rewind("og", 10);
    await world.head("og", 10, "not-ready");
    await world.grow("base", 11, { rows: 1 });
    await api.publish();
    expect((await client.received(6)).slice(4).map(told)).toEqual(["payment 11.0", "base block 11"]);

    const waiting = await listen("/v1/stream", events[0]?.id);
    const elsewhere = await startApi(undefined, {}, { timing: { retryMs: 20 } });
    const waitingThere = await listen("/v1/stream", events[0]?.id, elsewhere);
    await waitingThere.received(4);
    expect(waitingThere.events.map(told)).toEqual([
      "payment 10.0",
      "base block 10",
      "payment 11.0",
      "base block 11",
    ]);
    // Ready at an earlier block, which was delivered already.
    await world.head("og", 5);
    await api.publish();
    await world.grow("og", 10, { rows: 1 });
    await world.grow("og", 11, { rows: 1 });
    await api.publish();
    await elsewhere.publish();
    await client.until(() => client.events.length > 6);
    expect(client.events.slice(6).map(told)).toEqual(["settlement 11.0 pending", "og block 11"]);
    await waiting.until(() => waiting.events.map(told).includes("og block 11"));
    await waitingThere.until(() => waitingThere.events.map(told).includes("og block 11"));
    expect(waitingThere.events.slice(4).map(told)).toEqual([
      "og block 10",
      "settlement 11.0 pending",
      "og block 11",
    ]);
  });

  test("at the start joins the stream with a reset once it is ready", async () => {
    await world.head("og", 10, "not-ready");
    const early = await startApi();
    const client = await listen("/v1/stream", undefined, early);
    expect(client.lastEventId).toBe("base");
    await world.grow("base", 10, { rows: 1 });
    await early.publish();
    await client.received(2);
    await world.grow("og", 12, { rows: 1 });
    await early.publish();
    await world.grow("og", 13, { rows: 1 });
    await early.publish();
    expect((await client.received(5)).slice(2).map(told)).toEqual([
      "reset og begun null",
      "settlement 13.0 pending",
      "og block 13",
    ]);
    expect(client.events[2]?.data.continuesAfter).toEqual({ blockNumber: 12, blockTime: timeOf(12) });
  });

  test("with nothing indexed at all leaves an open, silent stream", async () => {
    await tables.clear();
    const early = await startApi();
    const client = await listen("/v1/stream", undefined, early);
    expect([client.response.status, client.lastEventId]).toEqual([200, ""]);
  });
});

describe("a subscriber selects", () => {
  test("types, and properties that events have", async () => {
    const payments = await listen(`/v1/stream?payer=${address("carol")}&payee=${address("payee")}`);
    const settlements = await listen(`/v1/stream?teeId=${hash("node 1")}&events=settlement,block`);
    const both = await listen(`/v1/stream?payer=${address("carol")}`);
    await world.grow("og", 10, { rows: 2 });
    await world.grow("base", 10, { rows: 1, payer: "bob" });
    await api.publish();
    await world.grow("og", 11, { rows: 1, payer: "carol" });
    await world.grow("base", 11, { rows: 1, payer: "carol" });
    await api.publish();
    await both.received(2);
    expect(payments.events.map(told)).toEqual(["payment 11.0"]);
    expect(both.events.map(told)).toEqual(["settlement 11.0 pending", "payment 11.0"]);
    expect(settlements.events.map(told)).toEqual([
      "settlement 10.1 pending",
      "og block 10",
      "base block 10",
      "og block 11",
      "base block 11",
    ]);
    // and the same at a process that has to read it from the database
    const elsewhere = await startApi();
    const again = await listen(`/v1/stream?payer=${address("carol")}`, "og~base~p0", elsewhere);
    await again.received(2);
    expect(dataOf(again.events)).toEqual(dataOf(both.events));
  });

  test.each([
    ["?events=node,score", "events"],
    ["?events=", "events"],
    ["?event=node", "event"],
    ["?teeId=0x12", "teeId"],
    ["?payer=me", "payer"],
    ["?scheme=gift", "scheme"],
    [`?events=node&payer=${address("a")}`, "payer"],
    [`?events=block&payer=${address("a")}`, "payer"],
    [`?owner=${address("a")}&payee=${address("b")}`, "owner"],
    ["?registry=mine", "registry"],
  ])("%s is refused by name", async (search, parameter) => {
    const response = await api.get(`/v1/stream${search}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid-parameter", parameter });
  });
});

describe("limits", () => {
  test("the number of open streams is bounded", async () => {
    const small = await startApi(
      undefined,
      {},
      { limits: { bufferBytes: 1_000_000, subscribers: 2, subscribersPerClient: 2 } },
    );
    const first = await listen("/v1/stream", undefined, small);
    await listen("/v1/stream", undefined, small);
    const refused = await small.get("/v1/stream");
    expect(refused.status).toBe(503);
    expect(refused.headers.get("Retry-After")).toBe("30");
    expect(await refused.json()).toMatchObject({ code: "busy", listeners: 2 });
    await first.close();
    await listen("/v1/stream", undefined, small);
    expect(small.stream.hub.usage.subscribers).toBe(2);
  });

  test("a HEAD request opens no stream", async () => {
    const response = await api.fetch("/v1/stream", { method: "HEAD" });
    expect([response.status, response.headers.get("Content-Type")]).toEqual([200, "text/event-stream"]);
    expect(api.stream.hub.usage.subscribers).toBe(0);
  });

  test("a subscriber that falls behind the buffer is disconnected, resumes, and has lost nothing", async () => {
    const small = await startApi(
      undefined,
      {},
      { limits: { bufferBytes: 20_000, subscribers: 5, subscribersPerClient: 5 } },
    );
    const reading = await listen("/v1/stream?events=settlement", undefined, small);
    // Reads one chunk and no more.
    const stalled = (await small.get("/v1/stream?events=settlement")).body?.getReader();
    const parser = new EventParser();
    parser.take(new TextDecoder().decode((await stalled?.read())?.value));
    for (let block = 10; block < 60; block++) {
      await world.grow("og", block, { rows: 1 });
      await small.publish();
      await reading.received(block - 9);
    }
    expect(small.stream.hub.usage).toMatchObject({ subscribers: 1, disconnects: 1 });
    expect((await stalled?.read())?.done).toBe(true);
    const again = await listen("/v1/stream?events=settlement", parser.lastEventId, small);
    await again.received(50);
    expect(again.events).toEqual(reading.events);
  });

  test("streams end when the process does", async () => {
    const lifetime = new StoppableLifetime();
    const ending = await startApi(undefined, {}, { lifetime });
    const client = await listen("/v1/stream", undefined, ending);
    lifetime.stop();
    await client.until(() => client.ended, 1_000);
    const late = new EventClient(await ending.get("/v1/stream"));
    await late.until(() => late.ended, 1_000);
  });

  test("a subscriber that is catching up when the process ends is ended too", async () => {
    await world.grow("og", 10, { rows: 1 });
    const lifetime = new StoppableLifetime();
    const ending = await startApi(undefined, {}, { lifetime });
    const response = await ending.get("/v1/stream", { "Last-Event-ID": "og~base~p0" });
    const reader = response.body?.getReader();
    await reader?.read();
    lifetime.stop();
    expect((await reader?.read())?.done).toBe(true);
    expect(ending.stream.hub.usage.subscribers).toBe(0);
  });

  test("events wait while the database is away, and are delivered when it is back", async () => {
    const client = await listen("/v1/stream?events=settlement");
    await tables.client.query("alter table og.block rename to block_away");
    await world.head("og", 10);
    await api.publish();
    await tables.client.query("alter table og.block_away rename to block");
    await world.grow("og", 11, { rows: 1 });
    await api.publish();
    expect((await client.received(1)).map(told)).toEqual(["settlement 11.0 pending"]);
  });
});
