/**
 * The order in which things reach the verifier never matters: whatever comes first, blobs, keys, registrations or
 * settlements, of which some vanish again, the same rows come of it as of all at once.
 */
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Hex, hexOf } from "../../proofs/hex.ts";
import type { SignedInference } from "../../proofs/inference.ts";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { blobIdOf } from "./testing/blobServer.ts";
import { dumpProofs } from "./testing/verifierTables.ts";
import { dumpOf, EARLIER_REGISTRY, infer, newEnclave, World } from "./testing/world.ts";

const alice = newEnclave();
const bob = newEnclave();
const carol = newEnclave();
const stranger = newEnclave();
let database: TestDatabase;
let world: World;
beforeAll(async () => {
  database = await createTestDatabase();
  world = await World.create(database.url);
});
afterAll(async () => {
  await world.close();
  await database.drop();
});
afterEach(() => world.stopVerifiers());

interface Step {
  readonly name: string;
  /** The step that must have been before. */
  readonly after?: string;
  readonly run: () => Promise<unknown> | unknown;
}

const OTHER_RELAYER = `0x${"ce".repeat(20)}` as const;
const payloadOf = (model: string, tokens: number) =>
  JSON.stringify({ input: {}, output: { model, usage: { prompt_tokens: tokens, completion_tokens: 1 } } });

// signed once: a signature is another one every time
const shared = infer(alice, 1);
const forged = { ...infer(alice, 2), signature: shared.signature };
const [seven, eight] = [infer(alice, 7), infer(bob, 8)];
const [six, alone] = [infer(bob, 6), infer(bob, 20)];
const mixed = dumpOf([shared, forged, infer(bob, 3), infer(stranger, 4), infer(carol, 5)]);
const twice = dumpOf([six, six, seven]);
const early = dumpOf([eight, infer(alice, 9)]);
const again = dumpOf([shared, seven, { ...eight, signature: "0x12" }]);

/** What happens, in an order of many: everything is in place at the end. */
function story(): readonly Step[] {
  const put = ({ bytes }: { bytes: Buffer }) => world.blobs.put(bytes);
  const idOf = ({ bytes }: { bytes: Buffer }) => blobIdOf(bytes);
  const settle = (name: string, blockNumber: number, batch: { root: Hex; bytes: Buffer }, size: number) => [
    {
      name,
      run: () => world.settleBatch({ blockNumber }, { root: batch.root, size, blobId: idOf(batch) }),
    },
    { name: `${name}'s blob`, after: name, run: () => put(batch) },
  ];
  const individually = (name: string, blockNumber: number, inference: SignedInference, payload: string) => {
    const bytes = Buffer.from(payload);
    return [
      {
        name,
        run: () => world.settleIndividually({ blockNumber }, inference, idOf({ bytes })),
      },
      { name: `${name}'s blob`, after: name, run: () => put({ bytes }) },
    ];
  };
  return [
    { name: "alice", run: () => world.register(alice, { blockNumber: 10 }) },
    { name: "bob without a key", run: () => world.register(bob, { blockNumber: 40 }, { keyShown: false }) },
    {
      name: "bob's key",
      run: () =>
        world.tables.insert("observations", "nodeRecord", {
          ...{ teeId: bob.teeId, publicKey: hexOf(bob.publicKeyDer) },
        }),
    },
    {
      name: "bob registered earlier",
      after: "bob without a key",
      run: () =>
        world.pool.query("update og.registry_event set block_number = 30, log_index = 2 where tee_id = $1", [
          bob.teeId,
        ]),
    },
    {
      name: "carol elsewhere",
      run: () => world.register(carol, { blockNumber: 12 }, { registry: EARLIER_REGISTRY }),
    },
    ...settle("mixed", 50, mixed, 5),
    ...settle("twice", 51, twice, 4),
    ...settle("early", 29, early, 2),
    ...settle("again", 60, again, 3),
    {
      name: "mixed once more, by another",
      run: () =>
        world.settleBatch(
          { blockNumber: 70 },
          { root: mixed.root, size: 5, blobId: idOf(mixed), relayer: OTHER_RELAYER },
        ),
    },
    { name: "that vanishes", after: "mixed once more, by another", run: () => world.rewind(70) },
    {
      name: "under another root",
      run: () => world.settleBatch({ blockNumber: 61 }, { root: twice.root, size: 5, blobId: idOf(mixed) }),
    },
    ...individually("one", 52, eight, payloadOf("m", 3)),
    ...individually("the same with another blob", 53, eight, payloadOf("n", 4)),
    ...individually("of a batch", 54, six, payloadOf("m", 5)),
    ...individually("no batch's", 55, alone, "{}"),
    { name: "recovering", run: () => world.setHead(1_000_000, "not-ready") },
    { name: "recovered", after: "recovering", run: () => world.setHead(1_000_000) },
  ];
}

/** Steps by their draws, each after the one it has to be after. */
function inOrder(steps: readonly Step[], draws: readonly number[]): readonly Step[] {
  const left = steps
    .map((step, index) => ({ step, draw: draws[index] ?? 0 }))
    .sort((a, b) => a.draw - b.draw);
  const done: Step[] = [];
  while (left.length > 0) {
    const next = left.findIndex(
      ({ step: { after } }) => after === undefined || done.some(({ name }) => name === after),
    );
    const [taken] = left.splice(next, 1);
    if (next < 0 || taken === undefined) throw new Error("a step waits for one that does not exist");
    done.push(taken.step);
  }
  return done;
}

const SCHEDULE = { absenceDelays: Array<number>(100).fill(0.2), unavailableDelay: 0.2 };

test("whatever arrives first, the same rows come of it", { timeout: 240_000 }, async () => {
  await world.reset();
  for (const { run } of story()) await run();
  world.start({ schedule: SCHEDULE });
  await world.finished();
  await world.stopVerifiers();
  const expected = await dumpProofs(world.pool);
  expect(expected.settled).toHaveLength(9);
  const told = expected.settled?.map(
    (row) => (JSON.parse(row) as { verdict: string; reason: string }).reason,
  );
  expect(new Set(told)).toEqual(
    new Set([null, "invalid-signatures", "size-mismatch", "unknown-nodes", "root-mismatch"]),
  );
  expect(expected.node_bucket).toHaveLength(2);

  const steps = story().length;
  const draws = fc.shuffledSubarray([...story().keys()], { minLength: steps });
  // milliseconds after each step, or long enough for the verifier to have done all it can
  const pauses = fc.array(fc.constantFrom(0, 0, 30, 300), { minLength: steps, maxLength: steps });
  await fc.assert(
    fc.asyncProperty(draws, pauses, fc.integer({ min: 1, max: 2 }), async (draws, pauses, verifiers) => {
      await world.reset();
      for (let started = 0; started < verifiers; started++) world.start({ schedule: SCHEDULE });
      for (const [index, { run }] of inOrder(story(), draws).entries()) {
        await run();
        await world.pool.query("notify published");
        await new Promise((resolve) => setTimeout(resolve, pauses[index]));
      }
      await world.finished();
      await world.stopVerifiers();
      expect(await dumpProofs(world.pool)).toEqual(expected);
    }),
    { numRuns: 8, endOnFailure: true },
  );
});
