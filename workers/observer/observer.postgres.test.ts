import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import { type Address, encodeAbiParameters, type Hex, keccak256 } from "viem";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { ChainSettings } from "../../config/environment.ts";
import { createLog } from "../../config/log.ts";
import { migrateDatabase } from "../../db/migrate.ts";
import { nodeRecord } from "../../db/schema/observations.ts";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { Observer } from "./observer.ts";
import { type RegistryRpc, startRegistryRpc } from "./testing/registryRpc.ts";

const REGISTRY: Address = `0x${"aa".repeat(20)}`;
const KEY: Hex = `0x${"30".repeat(40)}`;
const TEE_ID = keccak256(KEY);
const log = createLog({ LOG_LEVEL: "error", LOG_FORMAT: "pretty" }, "observer");

let database: TestDatabase;
let pool: pg.Pool;
let rpc: RegistryRpc;

beforeAll(async () => {
  database = await createTestDatabase();
  await migrateDatabase(database.url);
  pool = new pg.Pool({ connectionString: database.url });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(async () => {
  rpc = await startRegistryRpc(10740);
  await pool.query(`drop schema if exists og cascade; delete from observations.node_record; create schema og;
    create table og.node (chain_id int, registry text, tee_id text, registered_block bigint, removed_at bigint);
    create table og.registry_event (chain_id int, registry text, tee_id text, kind text, block_number bigint)`);
  await register(TEE_ID, 50);
});
afterEach(() => rpc.stop());

const register = (teeId: Hex, block: number) =>
  pool.query("insert into og.node values (10740, $1, $2, $3, null)", [REGISTRY, teeId, block]);
const announce = (teeId: Hex, kind: string, block: number) =>
  pool.query("insert into og.registry_event values (10740, $1, $2, $3, $4)", [REGISTRY, teeId, kind, block]);

const common = {
  owner: `0x${"01".repeat(20)}`,
  paymentAddress: `0x${"02".repeat(20)}`,
  endpoint: "0x68ff00",
  publicKey: KEY,
  tlsCertificate: "0x3082",
  pcrHash: `0x${"03".repeat(32)}`,
  teeType: 0,
  enabled: true,
  registeredAt: 1_700_000_000n,
  lastHeartbeatAt: 1_700_000_900n,
} as const;
const COMMON = [
  { name: "owner", type: "address" },
  { name: "paymentAddress", type: "address" },
  { name: "endpoint", type: "bytes" },
  { name: "publicKey", type: "bytes" },
  { name: "tlsCertificate", type: "bytes" },
  { name: "pcrHash", type: "bytes32" },
  { name: "teeType", type: "uint8" },
  { name: "enabled", type: "bool" },
  { name: "registeredAt", type: "uint256" },
  { name: "lastHeartbeatAt", type: "uint256" },
] as const;
const OHTTP = {
  name: "ohttpConfig",
  type: "tuple",
  components: [
    { name: "keyId", type: "uint8" },
    { name: "kemId", type: "uint16" },
    { name: "kdfId", type: "uint16" },
    { name: "aeadId", type: "uint16" },
    { name: "publicKey", type: "bytes" },
    { name: "keyConfig", type: "bytes" },
    { name: "registeredAt", type: "uint256" },
  ],
} as const;

const earlier = (change: Partial<Record<keyof typeof common, unknown>> = {}) =>
  encodeAbiParameters([{ type: "tuple", components: COMMON }], [{ ...common, ...change } as typeof common]);
const current = (publicKey: Hex) =>
  encodeAbiParameters(
    [{ type: "tuple", components: [...COMMON, OHTTP] }],
    [
      {
        ...common,
        ohttpConfig: {
          ...{ keyId: 1, kemId: 32, kdfId: 1, aeadId: 1, publicKey, keyConfig: "0x05" },
          registeredAt: 1_700_000_500n,
        },
      },
    ],
  );

const chain = (...rpcUrls: string[]): ChainSettings => ({
  name: "og",
  chainId: 10740,
  rpcUrls,
  wsUrl: undefined,
  startBlock: 0,
});
const INTERVAL_MS = 600_000;
/** An observer with a clock that only the test moves. */
function observer(settings = chain(rpc.url)) {
  const clock = { nowMs: 0 };
  const settled = { chain: settings, intervalMs: INTERVAL_MS, nowMs: () => clock.nowMs };
  const running = new Observer(pool, drizzle(pool), settled, log);
  return { clock, step: () => running.step(new AbortController().signal) };
}
/** One reading of everything. */
const cycle = (settings = chain(rpc.url)) => observer(settings).step();
/** The nodes that a step asked for. */
async function askedBy(step: () => Promise<unknown>): Promise<readonly Hex[]> {
  rpc.asked = [];
  await step();
  return [...rpc.asked].sort();
}
const rows = () => drizzle(pool).select().from(nodeRecord).orderBy(nodeRecord.blockNumber);

test("stores a record once, and confirms it while it stays the same, heartbeats aside", async () => {
  rpc.record = earlier();
  rpc.head = 100;
  expect(await cycle()).toMatchObject({ changed: 1 });
  rpc.record = earlier({ lastHeartbeatAt: 1_700_009_999n });
  rpc.head = 200;
  expect(await cycle()).toMatchObject({ confirmed: 1 });
  const [row, ...others] = await rows();
  expect(others).toEqual([]);
  expect(row).toMatchObject({
    ...{ chainId: 10740, registry: REGISTRY, teeId: TEE_ID, blockNumber: 100, blockTimestamp: 1100 },
    ...{ endpointHex: "0x68ff00", ohttpPublicKey: null, enabled: true, registeredAt: 1_700_000_000 },
    ...{ lastConfirmedBlock: 200, lastConfirmedAt: 1200 },
  });
});

test("stores a new row when an OHTTP key appears or changes", async () => {
  rpc.record = earlier();
  rpc.head = 100;
  await cycle();
  rpc.record = current(`0x${"11".repeat(32)}`);
  rpc.head = 200;
  await cycle();
  rpc.record = current(`0x${"22".repeat(32)}`);
  rpc.head = 300;
  await cycle();
  expect((await rows()).map((row) => [row.blockNumber, row.ohttpPublicKey, row.ohttpRegisteredAt])).toEqual([
    [100, null, null],
    [200, `0x${"11".repeat(32)}`, 1_700_000_500],
    [300, `0x${"22".repeat(32)}`, 1_700_000_500],
  ]);
});

test("an RPC that lags behind changes nothing", async () => {
  rpc.record = earlier();
  rpc.head = 300;
  await cycle();
  rpc.record = earlier({ enabled: false });
  rpc.head = 200;
  expect(await cycle()).toMatchObject({ older: 1 });
  expect(await rows()).toHaveLength(1);
});

test("keeps nothing that is not the node's: a revert, another key, an unknown layout", async () => {
  for (const record of [undefined, earlier({ publicKey: "0x31" }), "0x01" as Hex]) {
    rpc.record = record;
    expect(await cycle()).toMatchObject({ absent: 1 });
  }
  expect(await rows()).toEqual([]);
});

test("uses the next RPC when one is of another chain", async () => {
  const wrong = await startRegistryRpc(1);
  wrong.record = earlier({ enabled: false });
  rpc.record = earlier();
  await cycle(chain(wrong.url, rpc.url));
  expect((await rows()).map((row) => row.enabled)).toEqual([true]);
  await expect(cycle(chain(wrong.url))).rejects.toThrow(/chain id 1, expected 10740/);
  await wrong.stop();
});

test.each<[string, (first: RegistryRpc) => void]>([
  ["is behind the index", (first) => Object.assign(first, { head: 40, record: undefined })],
  ["claims a block far beyond the others", (first) => Object.assign(first, { head: 1_000_000_000 })],
  ["claims a block that no chain has", (first) => Object.assign(first, { head: 2 ** 60 })],
  ["cannot read the record", (first) => first.broken.add(TEE_ID)],
])("uses the next RPC when one %s", async (_what, spoil) => {
  const first = await startRegistryRpc(10740);
  first.record = earlier({ enabled: false });
  spoil(first);
  rpc.record = earlier();
  expect(await cycle(chain(first.url, rpc.url))).toMatchObject({ changed: 1, failed: 0 });
  expect((await rows()).map((row) => [row.blockNumber, row.enabled])).toEqual([[100, true]]);
  await first.stop();
});

test("has nothing to do before anything is published", async () => {
  await pool.query("drop schema og cascade");
  expect(await cycle()).toBeUndefined();
});

/** A second node, and its record. */
const OTHER_KEY: Hex = `0x${"31".repeat(40)}`;
const OTHER_ID = keccak256(OTHER_KEY);

test("reads a node as soon as it is known, and again when an event changed it, without a new look at the others", async () => {
  rpc.record = earlier();
  rpc.records.set(OTHER_ID, earlier({ publicKey: OTHER_KEY }));
  const { step } = observer();
  expect(await askedBy(step)).toEqual([TEE_ID]);
  expect(await step()).toBeUndefined();

  rpc.head = 120;
  await register(OTHER_ID, 110);
  expect(await askedBy(step)).toEqual([OTHER_ID]);
  expect(await step()).toBeUndefined();

  await announce(TEE_ID, "disabled", 130);
  rpc.record = earlier({ enabled: false });
  rpc.head = 140;
  expect(await askedBy(step)).toEqual([TEE_ID]);
  expect(await step()).toBeUndefined();
  expect((await rows()).map((row) => [row.teeId, row.blockNumber, row.blockHash, row.enabled])).toEqual([
    [TEE_ID, 100, `0x${(100).toString(16).padStart(64, "0")}`, true],
    [OTHER_ID, 120, `0x${(120).toString(16).padStart(64, "0")}`, true],
    [TEE_ID, 140, `0x${(140).toString(16).padStart(64, "0")}`, false],
  ]);
});

test("reads every node again after the interval", async () => {
  rpc.record = earlier();
  const { clock, step } = observer();
  await step();
  clock.nowMs = INTERVAL_MS - 1;
  expect(await step()).toBeUndefined();
  clock.nowMs = INTERVAL_MS;
  rpc.head = 200;
  expect(await step()).toMatchObject({ confirmed: 1 });
});

test("reads what is missing first, in batches", async () => {
  rpc.record = earlier();
  const { clock, step } = observer();
  await step();
  const ids = Array.from({ length: 120 }, (_, index) =>
    keccak256(`0x${"32".repeat(40)}${index.toString(16).padStart(2, "0")}`),
  );
  for (const id of ids) await register(id, 90);
  clock.nowMs = INTERVAL_MS; // the known node is due as well
  rpc.head = 200;
  const first = await askedBy(step);
  expect(first).toHaveLength(100);
  expect(first).not.toContain(TEE_ID);
  const second = await askedBy(step);
  expect(second).toHaveLength(21);
  expect(second).toContain(TEE_ID);
  expect(new Set([...first, ...second]).size).toBe(121);
});

test("one node that cannot be read waits longer and longer, and keeps no other waiting", async () => {
  rpc.record = earlier();
  rpc.records.set(OTHER_ID, earlier({ publicKey: OTHER_KEY }));
  rpc.broken.add(TEE_ID);
  await register(OTHER_ID, 60);
  const { clock, step } = observer();
  expect(await step()).toMatchObject({ failed: 1, changed: 1 });
  const triedAt: number[] = [];
  for (; clock.nowMs < 100_000; clock.nowMs += 1_000)
    if ((await askedBy(step)).length > 0) triedAt.push(clock.nowMs / 1_000);
  expect(triedAt).toEqual([2, 6, 14, 30, 62]);
  rpc.broken.clear();
  clock.nowMs = 200_000;
  expect(await step()).toMatchObject({ changed: 1 });
  expect(await step()).toBeUndefined();
});

test("an RPC that does not know the change yet is asked again", async () => {
  rpc.record = earlier();
  const { clock, step } = observer();
  await step();
  await announce(TEE_ID, "disabled", 105); // indexed from another endpoint
  expect(await step()).toMatchObject({ older: 1 });
  expect(await step()).toBeUndefined();
  rpc.record = earlier({ enabled: false });
  rpc.head = 105;
  clock.nowMs = 2_000;
  expect(await step()).toMatchObject({ changed: 1 });
  expect(await step()).toBeUndefined();
});

test("a removed node, and one of another chain, is not asked for", async () => {
  await pool.query("update og.node set removed_at = 5");
  await pool.query("insert into og.node values (1, $1, $2, 3, null)", [REGISTRY, OTHER_ID]);
  expect(await askedBy(observer().step)).toEqual([]);
});
