/**
 * Compares the inferences at every block of a chain full of odd settlements with a count one by one. Also checks what is answered
 * until the verifier has derived when inferences were settled, and which inferences count, wherever that is shown.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { MIGRATIONS_FOLDER } from "../../../db/migrate.ts";
import { inferenceId, type SignedInference } from "../../../proofs/inference.ts";
import { signInference } from "../../../proofs/testing/leaves.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { infer, newEnclave, REGISTRY, World } from "../../../workers/verifier/testing/world.ts";
import { PositionWatcher } from "../../queries/state/position.ts";
import { createTestApi, type TestApi } from "../../testing/testApi.ts";
import { hash } from "../../testing/worlds/chainTables.ts";

/** The time of block 0; block n is n seconds later, unless stated otherwise. */
const T0 = 1_700_000_000;
const HEAD = 1_000_000;
const HOUR = 3_600;
const LATEST = 2n ** 53n - 1n;

const alice = newEnclave();
const bob = newEnclave();
let database: TestDatabase;
let world: World;
let api: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  world = await World.create(database.url);
});
afterAll(async () => {
  await world.close();
  await database.drop();
});
beforeEach(async () => {
  await world.reset();
  api = createTestApi(database.url, new PositionWatcher(), { registries: [REGISTRY] });
  api.now = T0 + HEAD + 7;
});
afterEach(async () => {
  await world.stopVerifiers();
  await api.close();
});

interface Counting {
  readonly teeId: string;
  readonly id: string;
  readonly signedAt: bigint;
  readonly block: number;
}

/** The inferences of each settlement, by block; recorded beside the chain. */
class Ledger {
  readonly #counting: Counting[] = [];

  async settle(blockNumber: number, leaves: readonly SignedInference[], logIndex = 0): Promise<void> {
    await world.settleLeaves({ blockNumber, logIndex }, leaves);
    this.#add(blockNumber, leaves);
  }

  async settleAlone(
    blockNumber: number,
    one: SignedInference,
    blob: string,
    logIndex: number,
  ): Promise<void> {
    await world.settleIndividually({ blockNumber, logIndex }, one, blob);
    this.#add(blockNumber, [one]);
  }

  #add(block: number, leaves: readonly SignedInference[]): void {
    for (const leaf of leaves)
      this.#counting.push({
        teeId: leaf.teeId,
        id: inferenceId(leaf),
        signedAt: leaf.timestamp < LATEST ? leaf.timestamp : LATEST,
        block,
      });
  }

  /** A node's inferences after a block: the signed second by id. */
  at(block: number, teeId: string): ReadonlyMap<string, bigint> {
    return new Map(
      this.#counting
        .filter((one) => one.block <= block && one.teeId === teeId)
        .map(({ id, signedAt }) => [id, signedAt]),
    );
  }
}

const payload = (model: string) =>
  JSON.stringify({ input: {}, output: { model, usage: { prompt_tokens: 3, completion_tokens: 4 } } });

async function askGraph(query: string) {
  const response = await api.fetch("/graphql", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query }),
  });
  return await response.json();
}

const EXTREMES = [0n, 1n, 2n ** 53n - 2n, LATEST, 2n ** 53n, 2n ** 63n, 2n ** 64n, 2n ** 256n - 1n];

test("at every block, the counted inferences are those settled by then, whatever second they claim", async () => {
  const ledger = new Ledger();
  await world.register(alice, { blockNumber: 10 });
  await world.register(bob, { blockNumber: 11 });
  const extremes = EXTREMES.map((timestamp, index) =>
    signInference(alice, { inputHash: hash(`extreme ${index}`), outputHash: hash("any"), timestamp }),
  );
  await ledger.settle(20, [infer(alice, 1), infer(bob, 2)]);
  // of many hours, also future ones
  await ledger.settle(
    5_000,
    Array.from({ length: 40 }, (_, index) => infer(alice, 100 + index, T0 + 5_000 + (index - 20) * HOUR)),
  );
  await ledger.settle(6_000, extremes);
  // signed up to five minutes ahead, into the next hour
  const ahead = infer(bob, 300, T0 + 7_100);
  await ledger.settle(6_900, [ahead, infer(bob, 301, T0 + 6_900)]);
  // twice in one block, in either way, and again later
  const twice = infer(bob, 302, T0 + 7_000);
  const blob = world.blobs.put(payload("one"));
  const better = world.blobs.put(payload("two"));
  await ledger.settleAlone(7_050, twice, blob, 0);
  await ledger.settleAlone(7_050, twice, better, 1);
  await ledger.settle(7_050, [twice, ahead], 2);
  await ledger.settle(9_000, [twice, infer(alice, 1), extremes[3] ?? twice]);
  // months later
  await ledger.settle(900_000, [infer(bob, 303, T0 + 12), infer(alice, 304, T0 + 899_999)]);
  // blocks of one second
  await world.pool.query("update og.block set timestamp = $1 where number = 7050", [T0 + 6_900]);
  await world.pool.query("update og.settlement set settled_at = $1 where block_number = 7050", [T0 + 6_900]);
  world.start();
  await world.finished();

  for (const block of [15, 20, 4_999, 5_000, 6_000, 6_899, 6_900, 8_000, 9_000, 899_999, 900_000, HEAD]) {
    const at = T0 + block;
    // blocks of one second are one state
    const state = block === 6_900 ? 7_050 : block;
    for (const { teeId } of [alice, bob]) {
      const place = `${teeId === alice.teeId ? "alice" : "bob"} after block ${block}`;
      const { data, errors } = await askGraph(
        `{ teeNode(teeId: "${teeId}", at: ${at}) {
          hour: metrics(window: LAST_1H) { inferences } day: metrics(window: LAST_24H) { inferences }
          all: metrics(window: ALL) { inferences }
          inferences(first: 100) { totalCount nodes { inferenceId } }
          counted: inferences(filter: {counted: true}) { totalCount } } }`,
      );
      expect(errors, place).toBeUndefined();
      const { hour, day, all, inferences, counted } = data.teeNode;
      const expected = ledger.at(state, teeId);
      const ids = inferences.nodes.map(({ inferenceId }: { inferenceId: string }) => inferenceId);
      expect([place, ids.sort(), counted.totalCount]).toEqual([
        place,
        [...expected.keys()].sort(),
        expected.size,
      ]);
      const signedWithin = (seconds: number) =>
        [...expected.values()].filter((second) => second <= at && second > at - seconds).length;
      expect([place, hour.inferences, day.inferences, all.inferences]).toEqual([
        place,
        ...[HOUR, 24 * HOUR, Number.POSITIVE_INFINITY].map(signedWithin),
      ]);
    }
  }
}, 120_000);

test("until the verifier has derived when inferences were settled, past moments are refused and the present is answered", async () => {
  await world.register(alice, { blockNumber: 10 });
  await world.settleLeaves({ blockNumber: 20 }, [infer(alice, 1), infer(bob, 2)]);
  await world.settleLeaves({ blockNumber: 5_000 }, [infer(alice, 3)]);
  world.start();
  await world.finished();
  await world.stopVerifiers();
  const paths = [
    `/v1/nodes/${alice.teeId}?at=${T0 + 30}`,
    `/v1/nodes?include=metrics&at=${T0 + 30}`,
    `/v1/nodes?sort=inferences&at=${T0 + 30}`,
    "/v1/inferences?counted=false",
  ];
  const before = [];
  for (const route of paths) before.push(await bodyOf(route));
  const now = await bodyOf(`/v1/nodes/${alice.teeId}`);

  await world.pool.query("truncate proofs.bucket_part, proofs.uncounted");
  const migration = readFileSync(path.join(MIGRATIONS_FOLDER, "0011_settled_by_then.sql"), "utf8");
  for (const statement of migration
    .split("--> statement-breakpoint")
    .filter((text) => text.includes("insert into")))
    await world.pool.query(statement);
  for (const route of paths) {
    const response = await api.get(route);
    expect([route, response.status, (await response.json()).code]).toEqual([route, 503, "indexing"]);
    expect(response.headers.get("retry-after")).toBe("30");
  }
  expect(await bodyOf(`/v1/nodes/${alice.teeId}`)).toEqual(now);
  for (const route of [`/v1/pcrs?at=${T0 + 30}`, "/v1/inferences", "/v1/inferences?counted=true"])
    expect([route, (await api.get(route)).status]).toEqual([route, 200]);

  world.start();
  await world.finished();
  for (const [index, route] of paths.entries()) expect(await bodyOf(route)).toEqual(before[index]);
});

/** Removes what depends on when the request was sent. */
async function bodyOf(route: string): Promise<unknown> {
  const { pageInfo: _, asOf: __, ...body } = await api.json(route);
  return body;
}
