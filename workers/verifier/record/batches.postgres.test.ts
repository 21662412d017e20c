import { afterAll, beforeAll, expect, test } from "vitest";
import { OG_CHAIN_ID } from "../../../api/testing/worlds/chainTables.ts";
import { DEFAULT_BATCH_LIMITS } from "../../../proofs/batchBlob.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { checkBatch } from "../check/batchCheck.ts";
import { KnownKeys } from "../check/knownKeys.ts";
import { type BatchJob, Claims } from "../jobs/claims.ts";
import { readChain } from "../sync/chainView.ts";
import { applyRegistrations, compareRegistrations } from "../sync/registrations.ts";
import { apply, compare } from "../sync/settlements.ts";
import { blobIdOf } from "../testing/blobServer.ts";
import { dumpOf, infer, newEnclave, REGISTRY, World } from "../testing/world.ts";
import { recordBatches } from "./batches.ts";

let database: TestDatabase;
let world: World;
beforeAll(async () => {
  database = await createTestDatabase();
  world = await World.create(database.url);
  await world.reset();
});
afterAll(async () => {
  await world.close();
  await database.drop();
});

test("a signature met without its key, then in a batch that is checked with it, is decided wherever it stands", async () => {
  const enclave = newEnclave();
  const shared = infer(enclave, 1);
  const [first, second] = [dumpOf([shared]), dumpOf([shared, infer(enclave, 2)])];
  await world.register(enclave, { blockNumber: 10 });
  for (const [index, { root, bytes }] of [first, second].entries())
    await world.settleBatch({ blockNumber: 20 + index }, { root, size: index + 1, blobId: blobIdOf(bytes) });
  await world.settleIndividually({ blockNumber: 30 }, shared, blobIdOf(Buffer.from("{}")));

  const { pool } = world;
  const registrations = await readChain(pool, OG_CHAIN_ID, (client, head) =>
    compareRegistrations(client, OG_CHAIN_ID, REGISTRY, head),
  );
  const settlements = await readChain(pool, OG_CHAIN_ID, (client, head) =>
    compare(client, OG_CHAIN_ID, head, 0),
  );
  if (registrations === undefined || settlements === undefined) throw new Error("nothing is published");
  await applyRegistrations(pool, OG_CHAIN_ID, REGISTRY, registrations);
  await apply(pool, settlements);

  const holder = "one";
  const jobs = await new Claims(pool, holder, 60).claim({ kind: "batch", tried: false }, 2);
  const record = async ({ root, bytes }: { root: string; bytes: Buffer }, keys: KnownKeys) => {
    const job = jobs.find(({ merkleRoot }) => merkleRoot === root) as BatchJob;
    const outcome = checkBatch(bytes, job.merkleRoot, DEFAULT_BATCH_LIMITS, keys);
    expect(await recordBatches(pool, holder, [{ job, ...outcome }])).toBe(1);
  };
  const verdicts = async () =>
    (await pool.query("select verdict, valid_leaves as valid from proofs.settled order by block_number"))
      .rows;

  await record(first, new KnownKeys());
  expect(await verdicts()).toEqual([
    { verdict: "partial", valid: 0 },
    { verdict: "pending", valid: null },
    { verdict: "pending", valid: null },
  ]);
  const keys = new KnownKeys();
  keys.add([{ teeId: enclave.teeId, publicKey: enclave.publicKeyDer }]);
  await record(second, keys);
  expect(await verdicts()).toEqual([
    { verdict: "verified", valid: 1 },
    { verdict: "verified", valid: 2 },
    { verdict: "verified", valid: null },
  ]);
});
