import pg from "pg";
import { type Address, encodeAbiParameters, type Hex } from "viem";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createLog } from "../../config/log.ts";
import { migrateDatabase } from "../../db/migrate.ts";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { NoEndpointError } from "./endpoint.ts";
import { type RegistryRpc, startRegistryRpc } from "./testing/registryRpc.ts";
import { TokenReader } from "./tokens.ts";

const CHAIN_ID = 8453;
const SYMBOL = "0x95d89b41";
const DECIMALS = "0x313ce567";
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
  rpc = await startRegistryRpc(CHAIN_ID);
  await pool.query(`drop schema if exists base cascade; delete from observations.token; create schema base;
    create table base.payment (token text); create table base.channel (token text)`);
});
afterEach(() => rpc.stop());

const tokenOf = (number: number): Address => `0x${number.toString(16).padStart(40, "0")}`;
const text = (value: string) => encodeAbiParameters([{ type: "string" }], [value]);
const bytes = (value: Hex) => encodeAbiParameters([{ type: "bytes" }], [value]);
const word = (value: bigint): Hex => `0x${value.toString(16).padStart(64, "0")}`;
const padded = (value: string): Hex => `0x${Buffer.from(value).toString("hex").padEnd(64, "0")}`;

/** A token that was paid in. */
async function paid(token: Address, symbol: Hex | undefined, decimals: Hex | undefined): Promise<void> {
  await pool.query("insert into base.payment values ($1)", [token]);
  contract(token, symbol, decimals);
}
function contract(token: Address, symbol: Hex | undefined, decimals: Hex | undefined): void {
  rpc.contracts.set(`${token} ${SYMBOL}`, symbol);
  rpc.contracts.set(`${token} ${DECIMALS}`, decimals);
}

/** A reader with a clock that only the test moves. */
function reader(configured: readonly Address[] = [], url = rpc.url) {
  const clock = { nowMs: 0 };
  const chain = { name: "base", chainId: CHAIN_ID, rpcUrls: [url], wsUrl: undefined, startBlock: 0 } as const;
  const tokens = new TokenReader(pool, chain, configured, () => clock.nowMs, log);
  return { clock, step: () => tokens.step(new AbortController().signal) };
}
const rows = async () =>
  (await pool.query(`select address, symbol, decimals from observations.token order by address`)).rows.map(
    ({ address, symbol, decimals }) => [address, symbol, decimals],
  );

test("whatever a contract answers becomes a symbol of few fit characters and decimals of a byte, or null", async () => {
  const cases: readonly (readonly [Hex | undefined, Hex | undefined, string | null, number | null])[] = [
    [text("OPG"), word(18n), "OPG", 18],
    [text("USDC"), word(6n), "USDC", 6],
    [padded("MKR"), word(0n), "MKR", 0],
    [undefined, undefined, null, null],
    [text("x".repeat(100)), word(255n), "x".repeat(32), 255],
    [text("x".repeat(100_000)), word(256n), null, null],
    [text("A\0B\u202e"), word(2n ** 255n), "AB", null],
    [text("\0\0"), word(2n ** 256n - 1n), null, null],
    [text("  "), "0x", null, null],
    [text(""), "0x12", null, null],
    [bytes("0x41ff42"), `${word(6n)}00`, null, null],
    [`0x${"ff".repeat(32)}`, undefined, null, null],
    [word(0n), word(8n), null, 8],
    ["0x41", word(8n), null, 8],
    [`${word(2n ** 255n)}${word(1n).slice(2)}`, word(8n), null, 8],
    [`${word(32n)}${word(2n ** 64n).slice(2)}`, word(8n), null, 8],
    [text("größe ₮"), word(8n), "größe ₮", 8],
  ];
  for (const [index, [symbol, decimals]] of cases.entries()) await paid(tokenOf(index), symbol, decimals);
  expect(await reader().step()).toEqual({ read: cases.length, failed: 0 });
  expect(await rows()).toEqual(
    cases.map(([, , symbol, decimals], index) => [tokenOf(index), symbol, decimals]),
  );
});

test("the tokens of channels and the configured ones are asked too, and each one once", async () => {
  await paid(tokenOf(1), text("ONE"), word(1n));
  await paid(tokenOf(1), text("ONE"), word(1n));
  await pool.query("insert into base.channel values ($1)", [tokenOf(2)]);
  contract(tokenOf(2), text("TWO"), word(2n));
  contract(tokenOf(3), text("THREE"), word(3n));
  const { step } = reader([tokenOf(3), tokenOf(1)]);
  expect(await step()).toEqual({ read: 3, failed: 0 });
  contract(tokenOf(1), text("OTHER"), word(9n));
  expect(await step()).toEqual({ read: 0, failed: 0 });
  expect((await rows()).map(([, symbol]) => symbol)).toEqual(["ONE", "TWO", "THREE"]);
});

test("a token that the endpoint knows nothing of is asked again later, and holds no other up", async () => {
  await paid(tokenOf(1), text("ONE"), word(1n));
  await paid(tokenOf(2), text("TWO"), word(2n));
  await paid(tokenOf(3), "0x", "0x"); // no contract at the endpoint's head yet
  rpc.broken.add(`${tokenOf(1)} ${DECIMALS}`);
  const { clock, step } = reader();
  expect(await step()).toEqual({ read: 1, failed: 2 });
  expect(await rows()).toEqual([[tokenOf(2), "TWO", 2]]);
  expect(await step()).toEqual({ read: 0, failed: 0 });
  rpc.broken.clear();
  contract(tokenOf(3), text("THREE"), word(3n));
  clock.nowMs = 10_000;
  expect(await step()).toEqual({ read: 2, failed: 0 });
  expect(await rows()).toHaveLength(3);
});

test("without an endpoint nothing is taken for an answer", async () => {
  await paid(tokenOf(1), text("ONE"), word(1n));
  await expect(reader([], "http://127.0.0.1:1").step()).rejects.toThrow(NoEndpointError);
  expect(await rows()).toEqual([]);
  expect(await reader().step()).toEqual({ read: 1, failed: 0 });
});

test("before anything is published nobody is asked", async () => {
  await pool.query("drop schema base cascade");
  expect(await reader([tokenOf(1)]).step()).toEqual({ read: 0, failed: 0 });
});
