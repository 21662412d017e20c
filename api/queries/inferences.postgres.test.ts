import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { address, ChainTables, OG_CHAIN_ID } from "../testing/chainTables.ts";
import { HEAD, HEAD_BLOCK, MODELS, makeWorld, NODES, PAYERS } from "../testing/graphWorld.ts";
import { nodeNamed } from "../testing/registryHistory.ts";
import { createReader, type Reader } from "./database.ts";
import { type InferenceFilters, listInferences } from "./inferences.ts";
import { readProofTables } from "./proofs.ts";

let database: TestDatabase;
let reader: Reader;

beforeAll(async () => {
  database = await createTestDatabase();
  const tables = await ChainTables.create(database.url);
  await makeWorld(tables);
  await tables.close();
  reader = createReader({ urls: [database.url], connections: 1, onConnectionError: () => {} });
});
afterAll(async () => {
  await reader.close();
  await database.drop();
});

const MOMENT = { chainId: OG_CHAIN_ID, blockNumber: HEAD_BLOCK, time: HEAD };
const EVERY_NUMBER = -1;

/** @param many - of how many settlements on a payer counts as one with many. */
const idsOf = (filters: InferenceFilters, many: number, direction: "forward" | "backward") =>
  reader.read(async (transaction) => {
    const proofs = await readProofTables(transaction);
    const page = { limit: 100, after: null, direction };
    const { items } = await listInferences(transaction, proofs, MOMENT, filters, null, page, many);
    return items.map(({ id }) => id);
  });

test("a payer's inferences are the same, whether it settled few or many", async () => {
  let found = 0;
  for (const payer of PAYERS.map(address))
    for (const narrow of [
      {},
      ...MODELS.map((model) => ({ model })),
      ...NODES.map((name) => ({ teeId: nodeNamed(name).teeId })),
    ])
      for (const more of [{}, { signatureValid: true }, { signatureValid: false }])
        for (const direction of ["forward", "backward"] as const) {
          const filters = { payer, ...narrow, ...more };
          const few = await idsOf(filters, Number.MAX_SAFE_INTEGER - 1, direction);
          expect(await idsOf(filters, EVERY_NUMBER, direction)).toEqual(few);
          expect(new Set(few).size).toBe(few.length);
          found += few.length;
        }
  expect(found).toBeGreaterThan(50);
});
