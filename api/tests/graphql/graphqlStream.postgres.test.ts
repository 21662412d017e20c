import { createClient } from "graphql-sse";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createLog } from "../../../config/log.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { idOf, SelectNetwork } from "../../../test/selectNetwork.ts";
import { LIVE_EXAMPLE } from "../../graphql/graphiql/examples.ts";
import { createHttpServer } from "../../http/httpServer.ts";
import { StoppableLifetime } from "../../http/lifetime.ts";
import { listen } from "../../http/listen.ts";
import { RateLimiter } from "../../http/rateLimiter.ts";
import { EventClient, EventParser, type ReceivedEvent } from "../../testing/eventClient.ts";
import { statementsOf, transactionsIn } from "../../testing/statements.ts";
import { createTestApi, type TestApi } from "../../testing/testApi.ts";
import { address, ChainTables, hash } from "../../testing/worlds/chainTables.ts";
import { StreamWorld, timeOf } from "../../testing/worlds/streamWorld.ts";

let database: TestDatabase;
let tables: ChainTables;
let world: StreamWorld;
let api: TestApi;
const opened: { close: () => Promise<void> }[] = [];

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
    for (const each of opened.splice(0).reverse()) await each.close();
  };
});

async function startApi(streaming: Parameters<typeof createTestApi>[3] = {}): Promise<TestApi> {
  const started = createTestApi(database.url, undefined, {}, streaming);
  started.now = timeOf(1_000);
  opened.push(started);
  await started.publish();
  return started;
}

const EVENTS = `subscription Events($filter: StreamFilter, $after: String) {
  events(filter: $filter, after: $after) {
    __typename
    cursor
    ... on NodeChanged { teeId status node { teeId status } }
    ... on SettlementChanged { eventId verdict settlement { eventId verdict relayer } }
    ... on PaymentAdded { eventId payment { eventId amount organic } }
    ... on BlockIndexed { chain number hash timestamp }
    ... on StreamReset { chain reason validThrough { blockNumber blockTime } continuesAfter { blockNumber } detail }
  }
}`;

const ask = (
  body: object,
  headers: Readonly<Record<string, string>> = { Accept: "text/event-stream" },
  at = api,
): Promise<Response> =>
  at.fetch("/graphql", {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

async function subscribe(
  query = EVENTS,
  variables: object = {},
  headers: Readonly<Record<string, string>> = {},
  at = api,
): Promise<EventClient> {
  const response = await ask({ query, variables }, { Accept: "text/event-stream", ...headers }, at);
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  const client = new EventClient(response);
  opened.push(client);
  await client.until(() => client.parser.comments.length > 0);
  return client;
}

const eventsOf = (received: readonly ReceivedEvent[]) => received.map(({ data }) => data.data.events);

describe("a subscription", () => {
  test("delivers what /v1/stream delivers, with objects of the schema", async () => {
    const client = await subscribe();
    const stream = new EventClient(await api.get("/v1/stream"));
    opened.push(stream);
    await stream.until(() => stream.parser.comments.length > 0);
    await world.grow("og", 10, { rows: 1 });
    await world.grow("base", 20, { rows: 1 });
    await api.publish();
    await world.judge(10, "verified");
    await api.publish();
    const received = await client.received(5);
    await stream.received(5);
    expect(received.map(({ type }) => type)).toEqual(Array.from({ length: 5 }, () => "next"));
    expect(received.map(({ id }) => id)).toEqual(stream.events.map(({ id }) => id));
    const [settlement, block, payment, , verdict] = eventsOf(received);
    const eventId = `10740-${hash("oga10")}-0`;
    expect(settlement).toMatchObject({
      __typename: "SettlementChanged",
      cursor: received[0]?.id,
      eventId,
      settlement: { eventId, relayer: address("relayer") },
    });
    expect(block).toMatchObject({ chain: "OG", number: 10, timestamp: timeOf(10) });
    expect(payment.payment).toEqual({ eventId: `8453-${hash("basea20")}-0`, amount: "5", organic: true });
    expect(verdict).toMatchObject({ verdict: "VERIFIED", settlement: { verdict: "VERIFIED" } });
    expect(received[4]?.data.extensions.asOf.proofsRevision).toBe(1);
  });

  test("of nodes reads each as it is now, and the fields below it", async () => {
    const network = await SelectNetwork.begin(tables);
    await network.live(0.2);
    await network.show(api);
    await api.publish();
    const client = await subscribe(
      `subscription ($filter: StreamFilter) { events(filter: $filter) {
        ... on NodeChanged { teeId status score node { status score { value } operator { address } publicKey } } } }`,
      { filter: { types: ["NODE"], teeId: idOf("c") } },
    );
    await network.rows.nextBlock(2);
    const node = network.rows.nodes.find(({ name }) => name === "c");
    if (node === undefined) throw new Error("no node c");
    await network.rows.setEnabled(node, false);
    await network.show(api);
    const [event] = eventsOf(await client.received(1));
    expect(event).toMatchObject({ teeId: idOf("c"), status: "DISABLED", node: { status: "DISABLED" } });
    expect(event.score).toBe(event.node.score.value);
    expect(event.node.operator.address).toBe(address("owner-2"));
    expect(event.node.publicKey).toMatch(/^0x/);
  });

  test("answers each of several nodes that change together with that node", async () => {
    const network = await SelectNetwork.begin(tables);
    await network.live(0.2);
    await network.show(api);
    await api.publish();
    const client = await subscribe(
      "subscription ($filter: StreamFilter) { events(filter: $filter) { ... on NodeChanged { teeId node { teeId status } } } }",
      { filter: { types: ["NODE"] } },
    );
    await network.rows.nextBlock(2);
    const names = ["c", "d", "e"];
    for (const node of network.rows.nodes)
      if (names.includes(node.name)) await network.rows.setEnabled(node, false);
    await network.show(api);
    const disabled = () =>
      eventsOf(client.events)
        .filter(({ node }) => node.status === "DISABLED")
        .map(({ teeId }) => teeId);
    await client.until(() => disabled().length >= names.length);
    expect(new Set(disabled())).toEqual(new Set(names.map(idOf)));
    for (const { teeId, node } of eventsOf(client.events)) expect(node.teeId).toBe(teeId);
  });

  test("resumes after a cursor, or after the Last-Event-ID", async () => {
    const client = await subscribe();
    for (const block of [10, 11, 12]) {
      await world.grow("og", block, { rows: 1 });
      await api.publish();
    }
    const received = await client.received(6);
    const after = received[1]?.id;
    const again = await subscribe(EVENTS, { after });
    // Each answer is from the newest state when it was made: of equal events, that may differ.
    const identified = (events: readonly ReceivedEvent[]) =>
      events.map(({ type, id, data }) => ({ type, id, events: data.data.events }));
    expect(identified(await again.received(4))).toEqual(identified(received.slice(2)));
    const newer = await subscribe(EVENTS, { after }, { "Last-Event-ID": String(received[3]?.id) });
    expect(identified(await newer.received(2))).toEqual(identified(received.slice(4)));
    const elsewhere = await startApi();
    const there = await subscribe(EVENTS, { after }, {}, elsewhere);
    expect(eventsOf(await there.received(4))).toEqual(eventsOf(received.slice(2)));
  });

  test("delivers a reorg, and null for what it took back", async () => {
    const client = await subscribe(EVENTS, { filter: { types: ["SETTLEMENT"] } });
    await world.grow("og", 10, { rows: 1 });
    await world.grow("og", 11, { rows: 1 });
    await api.publish();
    await client.received(2);
    await world.rewind("og", 11);
    await world.grow("og", 12, { fork: "b" });
    await api.publish();
    const [, , reset] = eventsOf(await client.received(3));
    expect(reset).toMatchObject({
      __typename: "StreamReset",
      chain: "OG",
      reason: "REORG",
      validThrough: { blockNumber: 10, blockTime: timeOf(10) },
    });
    // The row of an event is read when the event is delivered; by then it may be gone.
    const reader = (await ask({ query: EVENTS })).body?.getReader();
    const parser = new EventParser();
    const read = async () => parser.take(new TextDecoder().decode((await reader?.read())?.value));
    await read();
    await world.grow("og", 13, { rows: 1, fork: "b" });
    await api.publish();
    await world.rewind("og", 13);
    await read();
    await reader?.cancel();
    const [gone] = eventsOf(parser.events);
    expect(gone).toMatchObject({ verdict: "PENDING", settlement: null });
  });

  test("loses the fields of a chain that is not ready, and continues", async () => {
    const client = await subscribe(
      "subscription { events(filter: { types: [PAYMENT] }) { ... on PaymentAdded { eventId payment { organic } } } }",
    );
    await tables.setHead("og", 0, timeOf(0), "not-ready");
    await world.grow("base", 20, { rows: 1 });
    await api.publish();
    const [event] = eventsOf(await client.received(1));
    expect(event.payment).toEqual({ organic: null });
  });
});

test("the saved subscription delivers everything but blocks", async () => {
  const client = await subscribe(LIVE_EXAMPLE.query, LIVE_EXAMPLE.variables);
  await world.grow("og", 10, { rows: 1 });
  await world.grow("base", 20, { rows: 1 });
  await api.publish();
  const [settlement, payment] = eventsOf(await client.received(2));
  expect(settlement.settlement).toMatchObject({ kind: "INDIVIDUAL", verdict: "PENDING" });
  expect(payment.payment).toMatchObject({ payee: address("payee"), amount: "5" });
});

describe("answers", () => {
  test("are made once for equal subscriptions, each in one transaction", async () => {
    const clients: EventClient[] = [];
    for (let index = 0; index < 20; index++) clients.push(await subscribe());
    const other = await subscribe("subscription { events { ... on PaymentAdded { payment { amount } } } }");
    await world.grow("base", 20, { rows: 3 });
    const statements = await statementsOf(async () => {
      await api.publish();
      await Promise.all([...clients, other].map((client) => client.received(4)));
    });
    // one to publish, then two subscriptions' answers to four events
    expect(transactionsIn(statements)).toBe(1 + 2 * 4);
    for (const client of clients) expect(client.events).toEqual(clients[0]?.events);
  });

  test("that fail carry the error, and the next event follows", async () => {
    const response = await ask({ query: EVENTS, extensions: { maxLag: 60 } });
    const client = new EventClient(response);
    opened.push(client);
    await client.until(() => client.lastEventId !== "");
    await world.grow("base", 20, { rows: 1 });
    await api.publish();
    const [failed] = await client.received(1);
    expect(failed?.data.errors[0].extensions).toMatchObject({ code: "stale", chain: "og" });
    expect(failed?.data.errors[0].extensions.http).toBeUndefined();
    api.now = timeOf(21);
    await world.head("og", 20);
    await world.grow("base", 21, { rows: 1 });
    await api.publish();
    await client.until(() => client.events.at(-1)?.data.errors === undefined);
  });
});

describe("an event costs", () => {
  const HEAVY = `subscription { events(filter: { types: [PAYMENT] }) {
    ... on PaymentAdded { payment { payeeNodes(first: 50) { nodes { settlements(first: 50) { nodes { eventId } } } } } } } }`;

  /** Subscribes as a rate-limited client. */
  async function subscribeAs(remoteAddress: string, query: string, at: TestApi): Promise<EventClient> {
    const url = `http://test/graphql?${new URLSearchParams({ query })}`;
    const request = new Request(url, { headers: { Accept: "text/event-stream" } });
    const outgoing = { once: () => {}, destroy: () => {} };
    const client = new EventClient(
      await at.handler(request, { incoming: { socket: { remoteAddress } }, outgoing }),
    );
    opened.push(client);
    await client.until(() => client.parser.comments.length > 0);
    return client;
  }

  const remaining = (limiter: RateLimiter, client: string) =>
    limiter.take(client, 0, performance.now()).remaining;

  test("what its selection reads; a client without budget waits, and receives no error", async () => {
    const limit = { perMinute: 1, burst: 20 };
    const limiter = new RateLimiter(limit);
    const limited = await startApi({ rateLimits: { limit, limiter, loopback: "limited" } });
    const poor = await subscribeAs("203.0.113.1", HEAVY, limited);
    const rich = await subscribeAs("203.0.113.2", "subscription { events { cursor } }", limited);
    expect(remaining(limiter, "203.0.113.1")).toBe(15);
    await world.grow("base", 20, { rows: 10 });
    await limited.publish();
    // Opening costs 5, and each event is planned to read some 3,000 rows.
    const heard = await rich.received(11);
    await poor.received(5);
    expect(remaining(limiter, "203.0.113.1")).toBeLessThan(3);
    expect(remaining(limiter, "203.0.113.2")).toBe(13);
    expect(poor.events.map(({ id }) => id)).toEqual(heard.slice(0, 5).map(({ id }) => id));
    expect(poor.events.every(({ data }) => data.errors === undefined)).toBe(true);
    expect(poor.ended).toBe(false);
  });

  test("nothing is skipped when the budget comes back", async () => {
    const limit = { perMinute: 6_000, burst: 6 };
    const limited = await startApi({
      rateLimits: { limit, limiter: new RateLimiter(limit), loopback: "limited" },
      timing: { keepAliveMs: 20 },
    });
    const client = await subscribeAs("203.0.113.1", HEAVY, limited);
    await world.grow("base", 20, { rows: 5 });
    await limited.publish();
    const logIndexes = (await client.received(5)).map(({ id }) => /base20\.\w+\.(\d)/.exec(id)?.[1]);
    expect(logIndexes).toEqual(["0", "1", "2", "3", "4"]);
  });
});

describe("connections", () => {
  const distinct = (index: number) =>
    `subscription { events(filter: { types: [PAYMENT] }) { ... on PaymentAdded { p${index}: payment { amount } } } }`;

  /** Makes payments unreadable while the work runs. */
  async function withoutPayments(work: () => Promise<void>): Promise<void> {
    const locker = new pg.Client({ connectionString: database.url });
    await locker.connect();
    try {
      await locker.query("begin; lock table base.payment in access exclusive mode");
      await work();
    } finally {
      await locker.end();
    }
  }

  const isWaiting = async () => {
    const { rows } = await tables.client.query(
      "select 1 from pg_stat_activity where application_name = 'api' and wait_event_type = 'Lock' and datname = current_database()",
    );
    return rows.length > 0;
  };

  test("to the database are left for others by sixty subscriptions, however slow their answers", async () => {
    const clients = await Promise.all(
      Array.from({ length: 60 }, (_, index) => ask({ query: distinct(index) })),
    );
    const readers = clients.map((response) => response.body?.getReader());
    for (const reader of readers) await reader?.read();
    await world.grow("og", 20, { rows: 3 });
    await world.grow("base", 20, { rows: 1 });
    await api.publish();
    await withoutPayments(async () => {
      const answers = readers.map((reader) => reader?.read());
      await vi.waitFor(async () => expect(await isWaiting()).toBe(true));
      expect(api.usage()).toEqual({ connections: 4, inUse: 1, waiting: 59 });
      expect((await (await api.get("/v1/settlements?all=true&limit=1")).json()).items).toHaveLength(3);
      for (const reader of readers) await reader?.cancel();
      expect(api.usage()).toMatchObject({ waiting: 0 });
      await Promise.all(answers);
    });
  });

  test("to the database are released as soon as a client leaves, and nothing more is read for it", async () => {
    const reader = (await ask({ query: distinct(0) })).body?.getReader();
    await reader?.read();
    await world.grow("base", 20, { rows: 20 });
    await api.publish();
    await withoutPayments(async () => {
      const answer = reader?.read();
      await vi.waitFor(async () => expect(await isWaiting()).toBe(true));
      const statements = await statementsOf(async () => {
        await reader?.cancel();
        await answer;
        await vi.waitFor(() => expect(api.usage()).toMatchObject({ inUse: 0, waiting: 0 }));
      });
      expect(statements).toEqual(["rollback"]);
    });
    expect(api.stream.hub.usage.subscribers).toBe(0);
  });
});

test("an event whose answer is longer than allowed is an error, and the subscription goes on", async () => {
  const small = createTestApi(database.url, undefined, { graphqlMaxResponseBytes: 2_000 });
  small.now = timeOf(1_000);
  opened.push(small);
  await small.publish();
  const many = Array.from({ length: 30 }, (_, index) => `hash${index}: hash`).join(" ");
  const query = `subscription { events { __typename cursor ... on BlockIndexed { chain ${many} } } }`;
  const client = await subscribe(query, {}, {}, small);
  await world.grow("og", 10, { rows: 1 });
  await small.publish();
  const [settlement, block] = await client.received(2);
  expect(settlement?.data.data.events.__typename).toBe("SettlementChanged");
  expect(block?.data).toMatchObject({ errors: [{ extensions: { code: "answer-too-large" } }] });
  expect(block?.data.data).toBeUndefined();
  await world.grow("og", 20, { rows: 1 });
  await small.publish();
  expect((await client.received(4))[2]?.data.data.events.__typename).toBe("SettlementChanged");
});

test("an empty id counts as none", async () => {
  await world.grow("og", 10, { rows: 1 });
  await api.publish();
  const client = await subscribe(EVENTS, {}, { "Last-Event-ID": "" });
  expect(client.events).toEqual([]);
  const back = await subscribe(EVENTS, { after: "og~base~p0" }, { "Last-Event-ID": "" });
  expect((await back.received(2)).map(({ data }) => data.data.events.__typename)).toEqual([
    "SettlementChanged",
    "BlockIndexed",
  ]);
});

describe("refused is", () => {
  const refusal = async (body: object, headers?: Readonly<Record<string, string>>, at = api) => {
    const response = await ask(body, headers, at);
    return { status: response.status, error: (await response.json()).errors[0] };
  };

  test.each([
    ["a filter that nothing meets", { filter: { types: ["NODE"], payer: address("a") } }, "payer"],
    ["a node's id of another length", { filter: { teeId: "0x12" } }, "teeId"],
    ["a cursor that is none", { after: "x" }, "after"],
  ])("%s", async (_, variables, parameter) => {
    const { status, error } = await refusal({ query: EVENTS, variables });
    expect([status, error.extensions.code, error.extensions.parameter]).toEqual([
      400,
      "invalid-parameter",
      parameter,
    ]);
  });

  test("a subscription that is too costly", async () => {
    const query = `subscription { events { ... on NodeChanged { node { settlements(first: 100) { nodes { leaves(first: 100) { nodes { verdict } } } } } } } }`;
    const { status, error } = await refusal({ query });
    expect([status, error.extensions.code]).toEqual([400, "query-too-costly"]);
  });

  test("a client that does not accept events, with what to do", async () => {
    const { status, error } = await refusal({ query: EVENTS }, { Accept: "application/json" });
    expect([status, error.extensions.code]).toEqual([400, "invalid-query"]);
    expect(error.message).toContain("Accept: text/event-stream");
  });

  test("one stream more than may be open", async () => {
    const small = await startApi({
      limits: { bufferBytes: 1_000_000, subscribers: 1, subscribersPerClient: 1 },
    });
    await subscribe(EVENTS, {}, {}, small);
    const { status, error } = await refusal({ query: EVENTS }, undefined, small);
    expect([status, error.extensions.code]).toEqual([503, "busy"]);
  });

  test("no HEAD request, and none opens a stream", async () => {
    const path = `/graphql?${new URLSearchParams({ query: "subscription { events { cursor } }" })}`;
    const response = await api.fetch(path, { method: "HEAD" });
    expect(response.headers.get("Content-Type")).toBe("text/event-stream");
    expect(api.stream.hub.usage.subscribers).toBe(0);
  });
});

describe("clients", () => {
  /** The API on a port, until it is stopped. */
  async function serve(port = 0) {
    const lifetime = new StoppableLifetime();
    const served = await startApi({ lifetime, timing: { keepAliveMs: 100 } });
    const { server, stop } = createHttpServer({
      fetch: served.handler,
      lifetime,
      graceMs: 5_000,
      newRequestId: () => "request",
      log: createLog({ LOG_LEVEL: "warn", LOG_FORMAT: "json" }, "api", () => {}),
    });
    opened.push({ close: stop });
    return { served, stop, port: await listen(server, port) };
  }

  test("graphql-sse subscribes, and resumes when the process is replaced", async () => {
    const first = await serve();
    const client = createClient({
      url: `http://127.0.0.1:${first.port}/graphql`,
      retryAttempts: 20,
      retry: () => new Promise((resolve) => setTimeout(resolve, 50)),
    });
    const events: { cursor: string; number: number }[] = [];
    const query =
      "subscription ($after: String) { events(filter: { types: [BLOCK] }, after: $after) { cursor ... on BlockIndexed { number } } }";
    const unsubscribe = client.subscribe<{ events: { cursor: string; number: number } }>(
      {
        query,
        // Read again whenever the client reconnects.
        get variables() {
          return { after: events.at(-1)?.cursor };
        },
      },
      {
        next: ({ data }) => {
          if (data != null) events.push(data.events);
        },
        error: (error) => {
          throw error;
        },
        complete: () => {},
      },
    );
    opened.push({ close: async () => unsubscribe() });
    await vi.waitFor(() => expect(first.served.stream.hub.usage.subscribers).toBe(1));
    await world.grow("og", 10);
    await first.served.publish();
    await vi.waitFor(() => expect(events).toHaveLength(1));
    await first.stop();
    await world.grow("og", 11);
    const second = await serve(first.port);
    await vi.waitFor(() => expect(events.length).toBeGreaterThan(1), 5_000);
    await world.grow("og", 12);
    await second.served.publish();
    await vi.waitFor(() => expect(events.map(({ number }) => number)).toEqual([10, 11, 12]));
  });

  test("a browser's EventSource needs no more than a URL", async () => {
    const path = `/graphql?${new URLSearchParams({
      query: "subscription { events(filter: { types: [BLOCK] }) { ... on BlockIndexed { number } } }",
    })}`;
    const response = await api.get(path, { Accept: "text/event-stream" });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
      "og-block": "0",
      "og-block-time": String(timeOf(0)),
      "base-block": "0",
    });
    expect(response.headers.get("ETag")).toBeNull();
    const client = new EventClient(response);
    opened.push(client);
    await client.until(() => client.lastEventId !== "");
    await world.grow("og", 10);
    await api.publish();
    const [event] = await client.received(1);
    await client.close();
    await world.grow("og", 11);
    await api.publish();
    const back = new EventClient(
      await api.get(path, { Accept: "text/event-stream", "Last-Event-ID": String(event?.id) }),
    );
    opened.push(back);
    expect(eventsOf(await back.received(1))).toEqual([{ number: 11 }]);
  });
});
