import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { seededRandom } from "../../../test/simulator/random.ts";
import { address, ChainTables, OG_CHAIN_ID } from "../../testing/worlds/chainTables.ts";
import {
  createNetworkWorld,
  HEAD,
  HEAD_BLOCK,
  MODELS,
  NODES,
  PAYERS,
} from "../../testing/worlds/networkWorld.ts";
import { nodeNamed } from "../../testing/worlds/registryHistory.ts";
import { createReader, type Reader } from "../reading/database.ts";
import type { Key, PageRequest } from "../reading/page.ts";
import type { Moment } from "../state/moment.ts";
import { readProofTables } from "../state/proofTables.ts";
import type { InferenceFilters } from "./inferenceFilters.ts";
import { listInferences } from "./inferences.ts";

let database: TestDatabase;
let reader: Reader;

beforeAll(async () => {
  database = await createTestDatabase();
  const tables = await ChainTables.create(database.url);
  await createNetworkWorld(tables);
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
    const proofs = await readProofTables(transaction, OG_CHAIN_ID);
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

/** Two weeks of settlements; of some the signed second is days ahead of the block's time. */
function randomSettlements(random: () => number) {
  const below = (limit: number) => Math.floor(random() * limit);
  const hash = (name: string, number: number) => `0x${name}${String(number).padStart(64 - name.length, "0")}`;
  const known: SignedInference[] = [];
  return Array.from({ length: 260 }, (_, index) => {
    const settledAt = FIRST + index * Math.floor((14 * DAY) / 260);
    const inferenceAgain = () => (random() < 0.2 ? known[below(known.length)] : undefined);
    const sign = (): SignedInference => {
      const ahead = random() < 0.15 ? below(5 * DAY) : -below(600);
      const inference = {
        id: hash("1d", 1_000 + known.length),
        teeId: hash("7ee", below(2)),
        model: below(3) === 0 ? null : `model-${below(2)}`,
        signedAt: settledAt + ahead,
      };
      known.push(inference);
      return inference;
    };
    const leaves = Array.from(
      { length: random() < 0.5 ? 1 : 1 + below(3) },
      () => inferenceAgain() ?? sign(),
    );
    const payer = random() < 0.5 ? address(`payer-${below(2)}`) : null;
    return { settledAt, block: 100 + index, hash: hash("b10c", index), leaves, payer };
  });
}

interface SignedInference {
  readonly id: string;
  readonly teeId: string;
  readonly model: string | null;
  readonly signedAt: number;
}

const DAY = 86_400;
const FIRST = 1_800_000_000;

test("at any moment the list holds what was settled by then, whatever second it says it was signed at", async () => {
  const settlements = randomSettlements(seededRandom(11));
  /** Individual settlements name the payload that tells the model. */
  const isTold = (inference: SignedInference, byBlock: number) =>
    settlements.some(
      ({ block, payer, leaves }) => block <= byBlock && payer !== null && leaves[0] === inference,
    );
  const world = await createTestDatabase();
  const tables = await ChainTables.create(world.url);
  for (const { settledAt, block, hash, leaves, payer } of settlements) {
    const place = { blockNumber: block, logIndex: 0, txHash: hash, settledAt, relayer: address("relayer") };
    await tables.block("og", block, settledAt);
    const kind = payer === null ? "batch" : "individual";
    await tables.insert("og", "settlement", { ...place, kind, teeId: leaves[0]?.teeId });
    for (const one of leaves) {
      const { id, teeId, signedAt } = one;
      const model = isTold(one, block) ? one.model : null;
      await tables.insertProof("inference", {
        ...{ id, teeId, signedAt, timestamp: signedAt, inputHash: id, outputHash: id, model },
      });
      await tables.client.query("update proofs.inference set model = coalesce($2, model) where id = $1", [
        id,
        model,
      ]);
      await tables.insertProof("payload", {
        ...{ key: id, inferenceId: id, blobIdHex: "0x", state: "matched", model: one.model },
      });
    }
    const held = payer === null ? leaves : leaves.slice(0, 1);
    if (payer === null)
      for (const [leafIndex, { id, teeId }] of leaves.entries())
        await tables.insertProof("leaf", {
          ...{ batchKey: hash, leafIndex, inferenceId: id, signatureKey: id, teeId },
        });
    await tables.insertProof("settled", {
      ...{ ...place, chainId: OG_CHAIN_ID, blockHash: hash, kind, verdict: "verified", claimedPayer: payer },
      ...(payer === null
        ? { batchKey: hash }
        : { inferenceId: leaves[0]?.id, signatureKey: leaves[0]?.id, payloadKey: leaves[0]?.id }),
      signedAt: Math.max(...held.map(({ signedAt }) => signedAt)),
    });
  }
  const worldReader = createReader({ urls: [world.url], connections: 1, onConnectionError: () => {} });

  const expectedAt = (block: number, { payer, teeId, model }: InferenceFilters) => {
    const held = settlements
      .filter((one) => one.block <= block && (payer === undefined || one.payer === payer))
      .flatMap((one) => (one.payer === null ? one.leaves : one.leaves.slice(0, 1)))
      .filter((one) => teeId === undefined || one.teeId === teeId)
      .filter((one) => model === undefined || (one.model === model && isTold(one, block)));
    return [...new Set(held)]
      .sort((a, b) => b.signedAt - a.signedAt || (a.id < b.id ? 1 : -1))
      .map(({ id }) => id);
  };

  /** All pages, one after the other. */
  const walk = (moment: Moment, filters: InferenceFilters, many: number, direction: "forward" | "backward") =>
    worldReader.read(async (transaction) => {
      const proofs = await readProofTables(transaction, OG_CHAIN_ID);
      const pages: string[][] = [];
      let after: Key | null = null;
      for (;;) {
        const request: PageRequest = { limit: 17, after, direction };
        const page = await listInferences(transaction, proofs, moment, filters, null, request, many);
        pages.push(page.items.map(({ id }) => id));
        if (!page.hasNextPage) return (direction === "forward" ? pages : pages.reverse()).flat();
        after = (direction === "forward" ? page.keys.at(-1) : page.keys[0]) ?? null;
      }
    });

  let ahead = 0;
  const [node, payer] = [settlements[0]?.leaves[0]?.teeId, address("payer-0")];
  for (const index of [3, 40, 129, 200, 240, 252, 259])
    for (const filters of [{}, { teeId: node }, { model: "model-1" }, { payer }, { payer, teeId: node }])
      for (const direction of ["forward", "backward"] as const)
        for (const many of filters.payer === undefined ? [0] : [EVERY_NUMBER, Number.MAX_SAFE_INTEGER - 1]) {
          const { block = 0, settledAt = 0 } = settlements[index] ?? {};
          const moment = { chainId: OG_CHAIN_ID, blockNumber: block, time: settledAt };
          const expected = expectedAt(block, filters);
          expect(await walk(moment, filters, many, direction)).toEqual(expected);
          const later = settlements.flatMap(({ leaves }) => leaves).filter((one) => one.signedAt > settledAt);
          ahead += expected.filter((id) => later.some((one) => one.id === id)).length;
        }
  expect(ahead).toBeGreaterThan(100);
  await worldReader.close();
  await tables.close();
  await world.drop();
});
