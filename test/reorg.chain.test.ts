/**
 * A reorg of Base while it is indexed live: blocks that were indexed lose their transactions, and some come back
 * later in another order. Afterwards every column of every table equals that of an index which never saw the losing fork.
 */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { type Devnet, startDevnet } from "../devnet/devnet.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { eventually, freePort, getAll, getStatus, type RunningSystem, startSystem } from "./system/system.ts";
import { dumpTables } from "./system/tables.ts";

/** Less than the 30 blocks that Ponder holds back before it calls a block final. */
const REORG_DEPTH = 20;
/** Enough for any transaction of the devnet. */
const GAS = "0x1e8480";

const answerSchema = z.object({
  result: z.unknown().optional(),
  error: z.object({ message: z.string() }).optional(),
});
const blockSchema = z.object({
  hash: z.string(),
  number: z.string(),
  transactions: z.array(z.object({ hash: z.string(), from: z.string(), to: z.string(), input: z.string() })),
});
type Block = z.infer<typeof blockSchema>;

let directory: string;
let devnet: Devnet;
interface Index {
  readonly database: TestDatabase;
  readonly system: RunningSystem;
}
const indexes: Index[] = [];

async function callBase(method: string, params: readonly unknown[]): Promise<unknown> {
  const response = await fetch(devnet.baseUrl, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  const { result, error } = answerSchema.parse(await response.json());
  if (error !== undefined) throw new Error(`${method}: ${error.message}`);
  return result;
}

const readBlock = async (block: string): Promise<Block> =>
  blockSchema.parse(await callBase("eth_getBlockByNumber", [block, true]));

async function readNewestBlocks(count: number): Promise<Block[]> {
  const head = Number((await readBlock("latest")).number);
  return Promise.all(
    Array.from({ length: count }, (_, index) => readBlock(`0x${(head - count + 1 + index).toString(16)}`)),
  );
}

async function startIndex(): Promise<Index> {
  const database = await createTestDatabase();
  const system = await startSystem({
    ...devnet.environment,
    DATABASE_URL: database.url,
    DATA_DIR: directory,
  });
  indexes.push({ database, system });
  return { database, system };
}

const reachesBase = (system: RunningSystem, block: number) =>
  eventually(
    system,
    () => getStatus(system),
    // Whether a payment is organic, OpenGradient says.
    ({ chains }) => chains.og.ready && chains.base.ready && chains.base.block?.number === block,
    200_000,
  );

beforeAll(async () => {
  directory = mkdtempSync(path.join(os.tmpdir(), "opengradient-reorg-"));
  devnet = await startDevnet({
    days: 0.25,
    dataDirectory: directory,
    ogPort: await freePort(),
    basePort: await freePort(),
    blobPort: 0,
    controlPort: 0,
    live: false,
  });
});

afterAll(async () => {
  for (const { database, system } of indexes) {
    expect(await system.stop()).toBe(0);
    await database.drop();
  }
  await devnet?.stop();
  rmSync(directory, { recursive: true, force: true });
});

it("leaves what an index that never saw the losing fork holds", async () => {
  const reorganised = await startIndex();
  await reachesBase(reorganised.system, devnet.baseBlock);
  const before = await getAll<{ id: string }>(reorganised.system, "/v1/payments");

  const losing = await readNewestBlocks(REORG_DEPTH);
  const sent = losing.flatMap(({ transactions }) => transactions);
  expect(sent.length, "transactions on the losing fork").toBeGreaterThan(3);
  await callBase("anvil_reorg", [REORG_DEPTH, []]);
  // Every second one comes back, in the reverse order, in blocks that the losing fork did not have; the others are gone.
  const sentAgain = sent.filter((_, index) => index % 2 === 0).reverse();
  for (const { from, to, input } of sentAgain) {
    await callBase("eth_sendTransaction", [{ from, to, data: input, gas: GAS, gasPrice: "0x0" }]);
    await callBase("evm_mine", []);
  }
  const head = devnet.baseBlock + sentAgain.length;
  const winning = await readNewestBlocks(REORG_DEPTH + sentAgain.length);
  const replaced = new Set(losing.map(({ hash }) => hash));
  expect(winning.filter(({ hash }) => replaced.has(hash))).toEqual([]);
  const carried = winning.flatMap(({ transactions }) => transactions);
  expect(carried.length, "transactions that the winning fork carries again").toBe(sentAgain.length);

  await reachesBase(reorganised.system, head);
  const calm = await startIndex();
  await reachesBase(calm.system, head);
  const [after, undisturbed] = [
    await dumpTables(reorganised.database.url, "base"),
    await dumpTables(calm.database.url, "base"),
  ];
  expect([...after.keys()]).toEqual([...undisturbed.keys()]);
  for (const [table, rows] of undisturbed) expect(after.get(table), table).toEqual(rows);

  const payments = await getAll<{ id: string }>(reorganised.system, "/v1/payments");
  expect(payments).toEqual(await getAll(calm.system, "/v1/payments"));
  const ids = new Set(payments.map(({ id }) => id));
  expect(
    before.some(({ id }) => !ids.has(id)),
    "a payment of the losing fork is gone",
  ).toBe(true);
}, 600_000);
