import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../../../db/freePort.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { COMMON_PAYEE, OPG } from "../../testing/testApi.ts";
import { ChainTables } from "../../testing/worlds/chainTables.ts";
import { createNetworkWorld } from "../../testing/worlds/networkWorld.ts";
import { OTHER_REGISTRY, REGISTRY } from "../../testing/worlds/registryHistory.ts";

const PROJECT = path.resolve(import.meta.dirname, "../../..");
/** More than the buffers between the server and a paused client can hold. */
const PAYMENTS = 60_000;
const BURST = 20;

let database: TestDatabase;
let api: ChildProcess;
let url: string;
let metricsUrl: string;
/** Its log records. */
const records: Record<string, unknown>[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  const tables = await ChainTables.create(database.url);
  await createNetworkWorld(tables);
  await tables.client.query(
    `insert into base.payment
     select (jsonb_populate_record(null::base.payment, p.row || jsonb_build_object('log_index', 1000 + n))).*
     from (select to_jsonb(payment) as row from base.payment order by block_number limit 1) p, generate_series(1, $1::int) n`,
    [PAYMENTS],
  );
  await tables.close();
  const [port, metricsPort] = [await freePort(), await freePort()];
  url = `http://127.0.0.1:${port}`;
  metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
  api = spawn(
    path.join(PROJECT, "node_modules/node/bin/node"),
    ["--import", "tsx", path.join(PROJECT, "api/server.ts")],
    {
      cwd: PROJECT,
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: database.url,
        API_PORT: String(port),
        METRICS_PORT: String(metricsPort),
        TEE_REGISTRY_ADDRESSES: `${REGISTRY},${OTHER_REGISTRY}`,
        EXTRA_PAYEE_ADDRESSES: COMMON_PAYEE,
        OPG_ADDRESS: OPG,
        // Slower than any machine asks.
        RATE_LIMIT_PER_MINUTE: "1",
        RATE_LIMIT_BURST: String(BURST),
        TRUSTED_PROXY_ADDRESSES: "127.0.0.1",
        LOG_LEVEL: "debug",
        LOG_FORMAT: "json",
      },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  if (api.stdout !== null)
    createInterface({ input: api.stdout }).on("line", (line) => void records.push(JSON.parse(line)));
  // nodes once there is a snapshot
  for (const path of ["/v1/payments?limit=1", "/v1/nodes?limit=1"])
    await until(async () => (await fetch(url + path).catch(() => null))?.status === 200);
});
afterAll(async () => {
  api?.kill("SIGKILL");
  await database?.drop();
});

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 30_000; !(await holds()); await sleep(50))
    if (Date.now() > deadline) throw new Error("it did not come true within 30 s");
}

test("a client that disconnects in the middle of its request is not logged as a failure", async () => {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.write(
    "POST /graphql HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
  );
  await sleep(200);
  socket.destroy();
  const logged = () => records.filter(({ method, outcome }) => method === "POST" && outcome === "cut");
  await until(() => logged().length > 0);
  await sleep(200);
  expect(records.filter(({ msg }) => msg === "request failed")).toEqual([]);
});

test("a request is logged under its id, which the response repeats", async () => {
  const response = await fetch(`${url}/v1/nodes?limit=1`, { headers: { "X-Request-Id": "mine-1" } });
  expect(response.headers.get("X-Request-Id")).toBe("mine-1");
  await response.body?.cancel();
  await until(() => records.some(({ requestId }) => requestId === "mine-1"));
  expect(records.find(({ requestId }) => requestId === "mine-1")).toMatchObject({
    level: "debug",
    msg: "request",
    route: "/v1/nodes",
    status: 200,
    client: "127.0.0.1",
  });
});

test("metrics of requests by route, both chains, the snapshot and the verifier are on their own port", async () => {
  // Once there is a snapshot.
  await until(async () => (await (await fetch(metricsUrl)).text()).includes("snapshot_age_seconds "));
  const text = await (await fetch(metricsUrl)).text();
  const figure = (name: string) => {
    const line = text.split("\n").find((one) => one.startsWith(`opengradient_api_${name} `));
    return line === undefined ? null : Number(line.split(" ").at(-1));
  };
  expect(
    figure('requests_total{route="/v1/nodes",method="GET",status="200",outcome="sent"}'),
  ).toBeGreaterThan(0);
  expect(figure('request_duration_seconds_bucket{le="+Inf",route="/v1/nodes",method="GET"}')).toBeGreaterThan(
    0,
  );
  for (const name of [
    'chain_lag_seconds{chain="og"}',
    'chain_lag_seconds{chain="base"}',
    "snapshot_age_seconds",
    "verifier_pending",
    "verifier_oldest_pending_seconds",
  ])
    expect([name, figure(name)]).toEqual([name, expect.any(Number)]);
  expect(figure('chain_ready{chain="og"}')).toBe(1);
  expect(figure("database_up")).toBe(1);
  expect((await fetch(`${url}/metrics`)).status).toBe(404);
});

test("a client behind a trusted proxy has its own rate limit; loopback has none", async () => {
  const ask = (forwardedFor?: string, target = "/v1/tee-types") =>
    fetch(url + target, { headers: forwardedFor === undefined ? {} : { "X-Forwarded-For": forwardedFor } });
  const told = ({ headers }: Response) =>
    ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy"].map((name) =>
      headers.get(name),
    );
  expect(told(await ask("203.0.113.9"))).toEqual([
    String(BURST),
    String(BURST - 1),
    "60",
    `${BURST};w=${60 * BURST}`,
  ]);
  // Entries that a client itself prepends are ignored.
  for (let index = 1; index < BURST; index++) await ask(`10.0.0.${index}, 203.0.113.9`);
  const refused = await ask("203.0.113.9");
  expect(refused.status).toBe(429);
  expect(refused.headers.get("Content-Type")).toBe("application/problem+json");
  expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);
  expect(told(refused)[1]).toBe("0");
  expect(await refused.json()).toMatchObject({ code: "rate-limited", status: 429, cost: 1, remaining: 0 });
  expect((await ask("203.0.113.9", "/health")).status).toBe(200);
  expect((await ask("203.0.113.10")).status).toBe(200);
  for (let index = 0; index < 2 * BURST; index++) {
    const own = await ask();
    expect([own.status, told(own)]).toEqual([200, [null, null, null, null]]);
  }
});

test("on SIGTERM, a download in flight finishes, streams end, and new connections are refused", async () => {
  const [stream] = (await once(get(`${url}/v1/stream`), "response")) as [IncomingMessage];
  const streamEnded = once(stream.resume(), "end");
  const download = get(`${url}/v1/payments?format=ndjson&all=true&limit=1000`);
  const [body] = (await once(download, "response")) as [IncomingMessage];
  let [lines, bytes] = [0, 0];
  const take = (chunk: Buffer) => {
    bytes += chunk.length;
    for (const byte of chunk) if (byte === 10) lines++;
  };
  body.on("data", take).pause();
  await sleep(300);
  const ended = once(api, "exit");
  api.kill("SIGTERM");
  await streamEnded;
  await until(() =>
    fetch(`${url}/health`).then(
      () => false,
      () => true,
    ),
  );
  expect(lines).toBeLessThan(PAYMENTS);
  expect(api.exitCode).toBeNull();
  body.resume();
  await once(body, "end");
  expect([body.complete, lines]).toEqual([true, PAYMENTS + 45]);
  expect(bytes).toBeGreaterThan(100 * PAYMENTS);
  expect(await ended).toEqual([0, null]);
});
