import { once } from "node:events";
import { Agent, get, type IncomingMessage } from "node:http";
import net from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createLog } from "../../../config/log.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { createHttpServer, type HttpServer } from "../../http/httpServer.ts";
import { StoppableLifetime } from "../../http/lifetime.ts";
import { listen } from "../../http/listen.ts";
import type { Consumer, HubLimits } from "../../stream/hub.ts";
import { EventParser } from "../../testing/eventClient.ts";
import { statementsOf } from "../../testing/statements.ts";
import { createTestApi, type TestApi } from "../../testing/testApi.ts";
import { ChainTables } from "../../testing/worlds/chainTables.ts";
import { StreamWorld, timeOf } from "../../testing/worlds/streamWorld.ts";

const SUBSCRIBERS = 1_000;

let database: TestDatabase;
let tables: ChainTables;
let world: StreamWorld;

beforeAll(async () => {
  database = await createTestDatabase();
  tables = await ChainTables.create(database.url);
  world = new StreamWorld(tables);
});
afterAll(async () => {
  await tables.close();
  await database.drop();
});
beforeEach(() => world.begin());

interface Served {
  readonly api: TestApi;
  readonly http: HttpServer;
  readonly port: number;
}

/** The API on a port, as in a process. */
async function serve(
  work: (served: Served) => Promise<void>,
  limits: HubLimits = {
    bufferBytes: 8_000_000,
    subscribers: 2 * SUBSCRIBERS,
    subscribersPerClient: 2 * SUBSCRIBERS,
  },
  idleTimeoutMs?: number,
): Promise<void> {
  const lifetime = new StoppableLifetime();
  const api = createTestApi(database.url, undefined, {}, { limits, lifetime, timing: { keepAliveMs: 300 } });
  api.now = timeOf(100);
  await api.publish();
  const http = createHttpServer({
    fetch: api.handler,
    lifetime,
    newRequestId: () => "request",
    graceMs: 5_000,
    log: createLog({ LOG_LEVEL: "warn", LOG_FORMAT: "json" }, "api", () => {}),
    ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }),
  });
  const port = await listen(http.server, 0);
  try {
    await work({ api, http, port });
  } finally {
    http.server.closeAllConnections();
    await http.stop();
    await api.close();
  }
}

const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY });

/** One of many clients, which keeps only what the comparison needs. */
class Ear {
  readonly parser = new EventParser();
  outcome: "open" | "ended" | "broken" = "open";

  private constructor(private readonly response: IncomingMessage) {
    response.setEncoding("utf8");
    response.on("data", (text: string) => this.parser.take(text));
    response.on("end", () => {
      this.outcome = "ended";
    });
    response.on("error", () => {
      this.outcome = "broken";
    });
  }

  static async open(port: number, path = "/v1/stream"): Promise<Ear> {
    const request = get({ port, host: "127.0.0.1", path, agent });
    const [response] = (await once(request, "response")) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
    const ear = new Ear(response);
    await until(() => ear.parser.comments.length > 0);
    return ear;
  }

  get ids(): readonly string[] {
    return this.parser.events.map(({ id }) => id);
  }

  close(): void {
    this.response.destroy();
  }
}

async function until(holds: () => boolean, withinMs = 30_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Waits until a number is positive and stable. */
async function untilSteady(figure: () => number): Promise<void> {
  let [last, same] = [0, 0];
  while (same < 20) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const now = figure();
    same = now > 0 && now === last ? same + 1 : 0;
    last = now;
  }
}

test("a thousand subscribers of one process each receive everything", { timeout: 120_000 }, async () => {
  await serve(async ({ api, port }) => {
    const ears: Ear[] = [];
    for (let from = 0; from < SUBSCRIBERS; from += 50)
      ears.push(...(await Promise.all(Array.from({ length: 50 }, () => Ear.open(port)))));
    expect(api.stream.hub.usage.subscribers).toBe(SUBSCRIBERS);
    const usedBefore = process.memoryUsage().rss;
    const beganAt = performance.now();
    for (let block = 10; block < 30; block++) {
      await world.add("og", block, { rows: 3 });
      await world.grow("base", block, { rows: 2 });
      await world.head("og", block);
      await api.publish();
    }
    await until(() => ears.every(({ ids }) => ids.length === 20 * 7));
    const seconds = (performance.now() - beganAt) / 1_000;
    const [first, ...others] = ears;
    expect(new Set(first?.ids).size).toBe(20 * 7);
    for (const ear of others) expect(ear.ids).toEqual(first?.ids);
    expect(api.stream.hub.usage.disconnects).toBe(0);
    console.log(
      `${SUBSCRIBERS} subscribers, ${SUBSCRIBERS * 140} events in ${seconds.toFixed(1)} s; ` +
        `+${Math.round((process.memoryUsage().rss - usedBefore) / 1_048_576)} MiB, clients included`,
    );
    for (const ear of ears) ear.close();
    await until(() => api.stream.hub.usage.subscribers === 0);
  });
});

test("a client that does not read is disconnected, while others receive everything", {
  timeout: 60_000,
}, async () => {
  await serve(
    async ({ api, port }) => {
      const ear = await Ear.open(port, "/v1/stream?events=settlement");
      const stalled = net.connect(port, "127.0.0.1");
      stalled.on("error", () => {});
      const closed = once(stalled, "close");
      stalled.write("GET /v1/stream?events=settlement HTTP/1.1\r\nHost: a\r\n\r\n");
      await once(stalled, "data");
      stalled.pause();
      // The connection holds some bytes beside the buffer.
      let block = 10;
      for (; api.stream.hub.usage.disconnects === 0 && block < 200; block++) {
        await world.grow("og", block, { rows: 100 });
        await api.publish();
        await until(() => ear.ids.length === 100 * (block - 9));
      }
      expect(api.stream.hub.usage).toMatchObject({ disconnects: 1, subscribers: 1 });
      stalled.resume();
      await closed;
      expect(ear.outcome).toBe("open");
      ear.close();
    },
    { bufferBytes: 300_000, subscribers: 10, subscribersPerClient: 10 },
  );
});

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

const ROW_BYTES = 10_000;
/** More than the buffers between the server and a paused client can hold. */
const ROWS = 1_000;

/** A large number of missed bytes, in few rows. */
async function addLargeRows(): Promise<void> {
  await world.grow("og", 10, { rows: ROWS });
  await tables.client.query("update og.settlement set signature = '0x' || repeat('ab', 4000)");
}

/** Clients that resume from the beginning and read nothing. */
const pausedClients = (port: number, count: number): readonly net.Socket[] =>
  Array.from({ length: count }, () => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("error", () => {}).pause();
    socket.write("GET /v1/stream HTTP/1.1\r\nHost: a\r\nLast-Event-ID: og~base~p0\r\n\r\n");
    return socket;
  });

test("paused subscribers that catch up take little memory each, and none once they are gone", {
  timeout: 60_000,
}, async () => {
  const CLIENTS = 30;
  await addLargeRows();
  await serve(async ({ api: { stream }, port }) => {
    const subscribers: WeakRef<Consumer>[] = [];
    const attach = stream.hub.attach.bind(stream.hub);
    // A spy would keep a reference to its arguments.
    stream.hub.attach = (consumer) => {
      subscribers.push(new WeakRef(consumer));
      attach(consumer);
    };
    const sockets = pausedClients(port, CLIENTS);
    await untilSteady(() => stream.hub.usage.inFlightBytes);
    const { subscribers: open, inFlightBytes, disconnects } = stream.hub.usage;
    expect([open, disconnects]).toEqual([CLIENTS, 0]);
    // For each: a chunk that is being sent, and the rest of a batch of 50 rows.
    expect(inFlightBytes / CLIENTS).toBeLessThan(52 * ROW_BYTES);
    for (const socket of sockets) socket.destroy();
    await until(() => stream.hub.usage.subscribers === 0);
    expect(stream.hub.usage.inFlightBytes).toBe(0);
    await until(() => {
      collectGarbage();
      return subscribers.every((subscriber) => subscriber.deref() === undefined);
    });
  });
});

test("when too many bytes are in flight, the longest-paused client is disconnected and others receive everything", {
  timeout: 60_000,
}, async () => {
  const bytes = 1_000_000;
  await addLargeRows();
  await serve(
    async ({ api: { stream }, port }) => {
      const sockets = pausedClients(port, 30);
      await until(() => stream.hub.usage.disconnects > 0);
      const reading = await Ear.open(port, "/v1/stream?events=settlement&after=og~base~p0");
      await until(() => reading.ids.length === ROWS);
      expect(reading.outcome).toBe("open");
      expect(stream.hub.usage.inFlightBytes).toBeLessThanOrEqual(bytes);
      for (const socket of sockets) socket.destroy();
      reading.close();
      await until(() => stream.hub.usage.subscribers === 0);
    },
    {
      bufferBytes: 8_000_000,
      subscribers: 100,
      subscribersPerClient: 100,
      inFlight: { bytes, bytesPerClient: bytes },
    },
  );
});

test("a walk over all pages that nobody reads holds no database connection", {
  timeout: 60_000,
}, async () => {
  await addLargeRows();
  await serve(async ({ api, port }) => {
    const sockets = Array.from({ length: 10 }, () => {
      const socket = net.connect(port, "127.0.0.1");
      socket.on("error", () => {}).pause();
      socket.write("GET /v1/settlements?all=true&limit=50&format=ndjson HTTP/1.1\r\nHost: a\r\n\r\n");
      return socket;
    });
    await until(() => api.usage().inUse > 0);
    await untilSteady(() => Number(api.usage().inUse === 0 && api.usage().waiting === 0));
    expect(api.observed).toEqual([]);
    const statements = await statementsOf(async () => {
      for (const socket of sockets) socket.destroy();
      await until(() => api.observed.length === 10);
    });
    expect([statements, api.observed.map(({ outcome }) => outcome)]).toEqual([[], sockets.map(() => "cut")]);
  });
});

test("of pipelined streams on one connection only the first begins, and it ends with the connection", async () => {
  await serve(async ({ api, port }) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.write("GET /v1/stream HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20));
    await once(socket, "data");
    expect(api.stream.hub.usage.subscribers).toBe(1);
    socket.destroy();
    await until(() => api.stream.hub.usage.subscribers === 0);
    await until(() => api.observed.length > 0);
    expect(api.observed.map(({ outcome }) => outcome)).toEqual(["cut"]);
  });
});

test("a quiet stream outlives the idle timeout", async () => {
  await serve(
    async ({ port }) => {
      const ear = await Ear.open(port);
      await until(() => ear.parser.comments.length > 5);
      expect(ear.outcome).toBe("open");
      ear.close();
    },
    undefined,
    600,
  );
});

test("when the process stops, streams end at once and cleanly", async () => {
  await serve(async ({ http, port }) => {
    const ears = await Promise.all(Array.from({ length: 20 }, () => Ear.open(port)));
    const beganAt = performance.now();
    await http.stop();
    expect(performance.now() - beganAt).toBeLessThan(2_000);
    await until(() => ears.every(({ outcome }) => outcome !== "open"));
    expect(new Set(ears.map(({ outcome }) => outcome))).toEqual(new Set(["ended"]));
  });
});
