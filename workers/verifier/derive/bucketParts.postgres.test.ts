/** What an hour held after any block: when its inferences began to count, and with which payload. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { dumpOf, infer, newEnclave, World } from "../testing/world.ts";

const alice = newEnclave();
const bob = newEnclave();

let database: TestDatabase;
let world: World;

beforeAll(async () => {
  database = await createTestDatabase();
  world = await World.create(database.url);
});
beforeEach(() => world.reset());
afterEach(() => world.stopVerifiers());
afterAll(async () => {
  await world.close();
  await database.drop();
});

const payloadOf = (model: string, tokens: number) =>
  JSON.stringify({
    input: {},
    output: { model, usage: { prompt_tokens: tokens, completion_tokens: 2 * tokens } },
  });

/** `[from block, until block, model, inferences, tokens of requests]`, in this order. */
async function partsOf(teeId: string) {
  const { rows } = await world.pool.query<{ part: unknown[] }>(
    `select jsonb_build_array(from_block, until_block, model, inferences, prompt_tokens) as part
     from proofs.bucket_part where tee_id = $1 order by from_block, until_block, model`,
    [teeId],
  );
  return rows.map(({ part }) => part);
}

const uncountedIds = async () =>
  (
    await world.pool.query<{ id: string }>("select inference_id as id from proofs.uncounted order by 1")
  ).rows.map(({ id }) => id);

/** The sums of today are the sums of the parts without an end. */
async function expectSumsToAgree() {
  const { rows } = await world.pool.query(`
    select * from (
      select tee_id as of, start_at, sum(inferences)::int8 as inferences, sum(prompt_tokens)::int8 as tokens
      from proofs.bucket_part where until_block is null group by 1, 2
      union all
      select model, start_at, sum(inferences)::int8, sum(prompt_tokens)::int8
      from proofs.bucket_part where until_block is null and model is not null group by 1, 2) part
    full join (
      select tee_id as of, start_at, inferences as all, prompt_tokens as all_tokens from proofs.node_bucket
      union all select model, start_at, inferences, prompt_tokens from proofs.model_bucket) bucket using (of, start_at)
    where (inferences, tokens) is distinct from ("all", all_tokens)`);
  expect(rows).toEqual([]);
}

test("an inference counts from its first settlement that counts on, however often it was settled", async () => {
  await world.register(alice, { blockNumber: 100 });
  const leaves = [infer(alice, 1), infer(alice, 2), infer(bob, 3)];
  const { root, bytes } = dumpOf(leaves);
  const blobId = world.blobs.put(bytes);
  for (const blockNumber of [50, 150, 200])
    await world.settleBatch({ blockNumber }, { root, size: 3, blobId });
  await world.settleLeaves({ blockNumber: 160 }, [infer(alice, 4)]);
  await world.register(bob, { blockNumber: 180 });
  world.start();
  await world.finished();
  expect(await partsOf(alice.teeId)).toEqual([
    [150, null, null, 2, null],
    [160, null, null, 1, null],
  ]);
  expect(await partsOf(bob.teeId)).toEqual([[200, null, null, 1, null]]);
  expect(await uncountedIds()).toHaveLength(3);
  await expectSumsToAgree();

  // the settlement that it counted from is taken back
  await world.rewind(160);
  await world.setHead(300);
  await world.finished();
  expect(await partsOf(alice.teeId)).toEqual([[150, null, null, 2, null]]);
  expect(await partsOf(bob.teeId)).toEqual([]);
  await expectSumsToAgree();
});

test("an invalid signature that is settled first is no settlement that counts", async () => {
  await world.register(alice, { blockNumber: 10 });
  const inference = infer(alice, 1);
  await world.settleLeaves({ blockNumber: 20 }, [{ ...inference, signature: "0x12" }]);
  await world.settleIndividually({ blockNumber: 25 }, { ...inference, signature: "0x13" }, "0x");
  await world.settleLeaves({ blockNumber: 30 }, [inference, infer(alice, 2)]);
  world.start();
  await world.finished();
  expect(await partsOf(alice.teeId)).toEqual([[30, null, null, 2, null]]);
  expect(await uncountedIds()).toHaveLength(1);
});

test("it counts with the best payload that was posted by then", async () => {
  await world.register(alice, { blockNumber: 10 });
  const inference = infer(alice, 1);
  const blobs = [payloadOf("one", 3), payloadOf("two", 5)].map((text) => world.blobs.put(text)).sort();
  const [best = "", other = ""] = blobs;
  await world.settleLeaves({ blockNumber: 20 }, [inference]);
  await world.settleIndividually({ blockNumber: 30 }, inference, other);
  await world.settleIndividually({ blockNumber: 40 }, inference, best);
  world.start();
  await world.finished();
  const [one, two] = [
    ["one", 3],
    ["two", 5],
  ] as const;
  const [second, first] = String(world.blobs.blobs.get(best)).includes("one") ? [one, two] : [two, one];
  expect(await partsOf(alice.teeId)).toEqual([
    [20, 30, null, 1, null],
    [30, 40, first[0], 1, first[1]],
    [40, null, second[0], 1, second[1]],
  ]);
  await expectSumsToAgree();
});
