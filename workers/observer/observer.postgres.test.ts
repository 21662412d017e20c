import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import { type Address, encodeAbiParameters, type Hex, keccak256 } from "viem";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { ChainSettings } from "../../config/environment.ts";
import { createLog } from "../../config/log.ts";
import { migrateDatabase } from "../../db/migrate.ts";
import { nodeRecord } from "../../db/schema/observations.ts";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { observe } from "./cycle.ts";
import { type RegistryRpc, startRegistryRpc } from "./registryRpc.ts";

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
    create table og.node (registry text, tee_id text, removed_at bigint)`);
  await pool.query("insert into og.node values ($1, $2, null)", [REGISTRY, TEE_ID]);
});
afterEach(() => rpc.stop());

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
const cycle = (settings = chain(rpc.url)) =>
  observe(pool, drizzle(pool), settings, log, new AbortController().signal);
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
  await expect(cycle(chain(wrong.url))).rejects.toThrow(/chain id 1 instead of 10740/);
  await wrong.stop();
});

test("has nothing to do before anything is published", async () => {
  await pool.query("drop schema og cascade");
  expect(await cycle()).toBeUndefined();
});
