/** Which PCR is the latest of a type, whatever registries of any age said of it. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { ChainTables, hash, OG_CHAIN_ID } from "../../testing/worlds/chainTables.ts";
import { REGISTRY, RegistryHistory } from "../../testing/worlds/registryHistory.ts";
import { latestPcr, readPcrApprovals } from "../evidence/evidenceChanges.ts";
import { createReader, type Reader } from "../reading/database.ts";

const T0 = 1_800_000_000;
const [OLD, NEW] = [hash("old"), hash("new")];
/** Of legacy events, which name no type. */
const ALL = -1;

let database: TestDatabase;
let tables: ChainTables;
let reader: Reader;
let history: RegistryHistory;

beforeAll(async () => {
  database = await createTestDatabase();
  tables = await ChainTables.create(database.url);
  reader = createReader({ urls: [database.url], onConnectionError: () => {} });
});
afterAll(async () => {
  await reader.close();
  await tables.close();
  await database.drop();
});
beforeEach(async () => {
  await tables.clear();
  history = new RegistryHistory(tables);
});

/** @param type - -1 for all. */
const approve = (after: number, pcr: string, type: number) => () =>
  history.approvePcr(T0 + after, pcr, "v1", type);
const revoke =
  (after: number, pcr: string, type: number, effectiveAfter = after) =>
  () =>
    history.revokePcr(T0 + after, pcr, type, T0 + effectiveAfter);

/** Of types 0 and 1, some seconds after the first block. */
async function latest(after: number): Promise<readonly (string | null)[]> {
  const moment = { chainId: OG_CHAIN_ID, blockNumber: Number.MAX_SAFE_INTEGER, time: T0 + after };
  const approvals = await reader.read((transaction) => readPcrApprovals(transaction, moment, REGISTRY));
  return [0, 1].map((type) => latestPcr(approvals, type, T0 + after));
}

test.each([
  ["none without an approval", [], [null, null]],
  [
    "the one approved last, of the type",
    [approve(1, NEW, 1), approve(2, OLD, 0), approve(3, NEW, 0)],
    [NEW, NEW],
  ],
  ["one that was approved again", [approve(1, OLD, 0), approve(2, NEW, 0), approve(3, OLD, 0)], [OLD, null]],
  ["not one that was revoked", [approve(1, OLD, 0), approve(2, NEW, 0), revoke(3, NEW, 0)], [OLD, null]],
  ["one approved for all", [approve(1, OLD, 0), approve(2, NEW, ALL)], [NEW, NEW]],
  [
    "one approved for all, but not where it was revoked for the type since",
    [approve(1, OLD, 0), approve(2, NEW, ALL), revoke(3, NEW, 0)],
    [OLD, NEW],
  ],
  [
    "not one of a type that was revoked for all since",
    [approve(1, OLD, ALL), approve(2, NEW, 0), revoke(3, NEW, ALL)],
    [OLD, OLD],
  ],
  [
    "one approved for the type after it was revoked for all",
    [approve(1, OLD, ALL), approve(2, NEW, ALL), revoke(3, NEW, ALL), approve(4, NEW, 1)],
    [OLD, NEW],
  ],
  [
    "one approved for all after it was revoked for the type, as late as that",
    [approve(1, NEW, 0), revoke(2, NEW, 0), approve(3, OLD, 0), approve(4, NEW, ALL)],
    [NEW, NEW],
  ],
])("%s", async (_, events, expected) => {
  for (const event of events) await event();
  expect(await latest(10)).toEqual(expected);
});

test("one whose approval ends later is the latest until then", async () => {
  for (const event of [approve(1, OLD, ALL), approve(2, NEW, ALL), revoke(3, NEW, ALL, 100)]) await event();
  expect(await latest(99)).toEqual([NEW, NEW]);
  expect(await latest(100)).toEqual([OLD, OLD]);
});
