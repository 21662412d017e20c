import { generateKeyPairSync } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Hex } from "../../proofs/hex.ts";
import type { SignedInference } from "../../proofs/inference.ts";
import { keccak256Hex } from "../../proofs/keccak.ts";
import type { Enclave } from "../../proofs/testing/leaves.ts";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { compare } from "./sync/settlements.ts";
import { type Behaviour, BlobServer, blobIdOf } from "./testing/blobServer.ts";
import { dumpProofs } from "./testing/verifierTables.ts";
import { dumpOf, EARLIER_REGISTRY, infer, newEnclave, REGISTRY, RELAYER, World } from "./testing/world.ts";

const alice = newEnclave();
const bob = newEnclave();
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
beforeEach(() => world.reset());
afterEach(() => world.stopVerifiers());

const verdicts = async () =>
  (
    await world.pool.query<Record<string, unknown>>(
      `select block_number::int as block, verdict, reason, valid_leaves as valid, invalid_leaves as invalid, unknown_leaves as unknown
       from proofs.settled order by block_number, log_index`,
    )
  ).rows;
const nodeCounts = async () =>
  Object.fromEntries(
    (
      await world.pool.query<{ tee_id: string; n: number }>(
        "select tee_id, sum(inferences)::int as n from proofs.node_bucket group by 1",
      )
    ).rows.map(({ tee_id, n }) => [tee_id, n]),
  );
const relayerTotals = async () =>
  (
    await world.pool.query(
      `select sum(individuals)::int as individuals, sum(batches)::int as batches, sum(verified)::int as verified,
         sum(partial)::int as partial, sum(invalid)::int as invalid, sum(unavailable)::int as unavailable,
         sum(valid_leaves)::int as "validLeaves", sum(invalid_leaves)::int as "invalidLeaves",
         sum(unknown_leaves)::int as "unknownLeaves"
       from proofs.relayer_bucket where relayer = $1`,
      [RELAYER],
    )
  ).rows[0];

const leaves = (from: number, to: number, enclave = alice) =>
  Array.from({ length: to - from }, (_, index) => infer(enclave, from + index));

test("every kind of batch ends in its verdict, and only valid leaves of known nodes count", async () => {
  await world.register(alice, { blockNumber: 10 });
  await world.register(bob, { blockNumber: 50 });
  await world.settleLeaves({ blockNumber: 20 }, leaves(0, 5));
  const [first, second, ...rest] = leaves(5, 9);
  const forged = { ...(second ?? infer(alice, 0)), signature: first?.signature ?? "0x" };
  await world.settleLeaves({ blockNumber: 21 }, [first ?? forged, forged, ...rest]);
  // a signature of another length, and none
  await world.settleLeaves({ blockNumber: 22 }, [
    { ...infer(alice, 9), signature: "0x" },
    { ...infer(alice, 10), signature: `0x${"ab".repeat(300)}` },
  ]);
  // registered later, whoever signed it, and never
  await world.settleLeaves({ blockNumber: 23 }, [
    infer(bob, 11),
    { ...infer(bob, 18), signature: first?.signature ?? "0x" },
    infer(newEnclave(), 12),
    infer(alice, 13),
  ]);
  const short = dumpOf(leaves(14, 16));
  await world.settleBatch(
    { blockNumber: 24 },
    { root: short.root, size: 3, blobId: world.blobs.put(short.bytes) },
  );
  const other = dumpOf(leaves(16, 18));
  await world.settleBatch(
    { blockNumber: 25 },
    { root: short.root, size: 2, blobId: world.blobs.put(other.bytes) },
  );
  await world.settleBatch(
    { blockNumber: 26 },
    { root: short.root, size: 2, blobId: world.blobs.put("<html>\0") },
  );
  await world.settleBatch({ blockNumber: 27 }, { root: short.root, size: 2, blobId: blobIdOf("missing") });
  for (const [index, blobId] of ["0x", "../admin/head", `0x${"ff".repeat(10_240)}`, "A".repeat(42)].entries())
    await world.settleBatch({ blockNumber: 28, logIndex: index }, { root: short.root, size: 2, blobId });
  const big = world.blobs.put(Buffer.alloc(1024 * 1024 + 1, " "));
  await world.settleBatch({ blockNumber: 29 }, { root: short.root, size: 2, blobId: big });
  world.start();
  await world.finished();

  const none = { valid: null, invalid: null, unknown: null };
  expect(await verdicts()).toEqual([
    { block: 20, verdict: "verified", reason: null, valid: 5, invalid: 0, unknown: 0 },
    { block: 21, verdict: "partial", reason: "invalid-signatures", valid: 3, invalid: 1, unknown: 0 },
    { block: 22, verdict: "partial", reason: "invalid-signatures", valid: 0, invalid: 2, unknown: 0 },
    { block: 23, verdict: "partial", reason: "unknown-nodes", valid: 1, invalid: 0, unknown: 3 },
    { block: 24, verdict: "partial", reason: "size-mismatch", valid: 2, invalid: 0, unknown: 0 },
    { block: 25, verdict: "invalid", reason: "root-mismatch", ...none },
    { block: 26, verdict: "invalid", reason: "not-json", ...none },
    { block: 27, verdict: "unavailable", reason: "blob-missing", ...none },
    ...Array.from({ length: 4 }, () => ({
      block: 28,
      verdict: "invalid",
      reason: "impossible-blob-id",
      ...none,
    })),
    { block: 29, verdict: "invalid", reason: "too-large", ...none },
  ]);
  expect(await nodeCounts()).toEqual({ [alice.teeId]: 5 + 3 + 1 + 2 });
  expect(await relayerTotals()).toEqual({
    ...{ individuals: 0, batches: 13, verified: 1, partial: 4, invalid: 7, unavailable: 1 },
    ...{ validLeaves: 11, invalidLeaves: 3, unknownLeaves: 3 },
  });
  expect(world.blobs.asked.every((id) => /^[A-Za-z0-9_-]{43}$/.test(id))).toBe(true);
});

test("spellings, repetitions and other roots, as the decision page says", async () => {
  await world.register(alice, { blockNumber: 10 });
  const many = leaves(0, 3);
  const dump = dumpOf(many);
  const one = dumpOf([infer(alice, 10)]);
  const same = dumpOf([
    infer(alice, 11),
    infer(alice, 12),
    ...Array<SignedInference>(3).fill(infer(alice, 13)),
  ]);
  const text = dump.bytes.toString();
  const settle = (blockNumber: number, { root }: { root: Hex }, blob: string | Buffer, size = 3) =>
    world.settleBatch({ blockNumber }, { root, size, blobId: world.blobs.put(blob) });
  await settle(20, dump, `\ufeff${text}`);
  await settle(21, dump, JSON.stringify(JSON.parse(text), null, 1));
  await settle(22, dump, text.replace(/"tree":\[[^\]]*\],/, ""));
  await settle(23, dump, text.replace(/"tree":\[[^\]]*\]/, '"tree":[]'));
  await settle(
    24,
    dump,
    text.replaceAll(/0x[0-9a-f]+/g, (hex) => `0x${hex.slice(2).toUpperCase()}`),
  );
  await settle(25, dump, text.replace('"values"', '"values":[],"values"'));
  await settle(26, dump, text.replaceAll(/"(17\d{8})"/g, "$1"));
  await settle(27, one, one.bytes, 1);
  await settle(28, same, same.bytes, 5);
  // the blob that is right for block 27, under a root that it does not give
  await settle(29, dump, one.bytes);
  await settle(30, dump, text.replace(/"value":\[/, '"value":["0x00",'));
  await settle(31, dump, text.replace('"uint256"', '"uint64"'));
  await settle(32, dump, text.replaceAll(/"(17\d{8})"/g, "$1.5"));
  await settle(33, dump, text.replaceAll(/"(17\d{8})"/g, `${"9".repeat(20)}`));
  await settle(34, dump, `${"[".repeat(1_000)}${"]".repeat(1_000)}`);
  await settle(35, dump, text.replace(/"values":\[.*\]/, '"values":[]'));
  await settle(36, dump, Buffer.from(text, "utf16le"));
  world.start();
  await world.finished();

  const told = (await verdicts()).map(({ block, verdict, reason, valid }) => [block, verdict, reason, valid]);
  expect(told).toEqual([
    ...[20, 21, 22, 23, 24, 25, 26].map((block) => [block, "verified", null, 3]),
    [27, "verified", null, 1],
    [28, "verified", null, 5],
    [29, "invalid", "root-mismatch", null],
    [30, "invalid", "malformed-values", null],
    [31, "invalid", "wrong-format", null],
    [32, "invalid", "malformed-values", null],
    [33, "invalid", "malformed-values", null],
    [34, "invalid", "too-deep", null],
    [35, "invalid", "malformed-values", null],
    [36, "invalid", "not-json", null],
  ]);
  expect(await nodeCounts()).toEqual({ [alice.teeId]: 3 + 1 + 3 });
  const { rows } = await world.pool.query("select count(*)::int as n from proofs.inference");
  expect(rows).toEqual([{ n: 7 }]);
});

test("signatures of any length, and keys that are none of the enclaves', count for nobody", async () => {
  await world.register(alice, { blockNumber: 10 });
  const strange = [
    generateKeyPairSync("ec", { namedCurve: "P-256" }),
    generateKeyPairSync("ed25519"),
    generateKeyPairSync("rsa", { modulusLength: 1024 }),
    generateKeyPairSync("rsa", { modulusLength: 3072 }),
  ].map(({ privateKey, publicKey }): Enclave => {
    const publicKeyDer = publicKey.export({ type: "spki", format: "der" });
    return { privateKey, publicKeyDer, teeId: keccak256Hex(publicKeyDer) };
  });
  // a good signature by a key with one byte more than its DER
  const padded = Buffer.concat([bob.publicKeyDer, Buffer.from([0])]);
  strange.push({ ...bob, publicKeyDer: padded, teeId: keccak256Hex(padded) });
  for (const [n, enclave] of strange.entries()) await world.register(enclave, { blockNumber: 11 + n });
  const valid = infer(alice, 0);
  const odd = [0, 1, 255, 257, 512].map(
    (length, n): SignedInference => ({
      ...infer(alice, 1 + n),
      signature: `0x${valid.signature
        .slice(2)
        .padEnd(1_024, "0")
        .slice(0, 2 * length)}`,
    }),
  );
  const foreign = strange.map(({ teeId }, n) => ({ ...infer(bob, 20 + n), teeId }));
  await world.settleLeaves({ blockNumber: 30 }, [valid, ...odd, ...foreign]);
  for (const [n, leaf] of [...odd, ...foreign].entries())
    await world.settleIndividually({ blockNumber: 31, logIndex: n }, leaf, "0x");
  world.start();
  await world.finished();

  const [batch, ...individuals] = await verdicts();
  expect(batch).toMatchObject({
    verdict: "partial",
    reason: "invalid-signatures",
    valid: 1,
    invalid: 10,
    unknown: 0,
  });
  expect(individuals).toHaveLength(10);
  for (const { verdict, reason } of individuals)
    expect([verdict, reason]).toEqual(["invalid", "invalid-signature"]);
  expect(await nodeCounts()).toEqual({ [alice.teeId]: 1 });
});

test("a key that is registered again counts since it was registered first", async () => {
  const again = { blockNumber: 50 };
  await world.register(alice, { blockNumber: 10 });
  await world.settleLeaves({ blockNumber: 5 }, leaves(0, 1));
  await world.settleLeaves({ blockNumber: 20 }, leaves(1, 2));
  await world.settleLeaves({ blockNumber: 60 }, leaves(2, 3));
  await world.tables.block("og", again.blockNumber, 1_700_000_050);
  for (const [logIndex, kind] of ["removed", "registered"].entries())
    await world.tables.insert("og", "registryEvent", {
      ...{ ...again, logIndex, registry: REGISTRY, kind, teeId: alice.teeId, timestamp: 1_700_000_050 },
    });
  world.start();
  await world.finished();
  expect((await verdicts()).map(({ block, verdict, reason }) => [block, verdict, reason])).toEqual([
    [5, "partial", "unknown-nodes"],
    [20, "verified", null],
    [60, "verified", null],
  ]);
});

test("settlements with megabytes of blob id are taken a few at a time, and all of them", async () => {
  const blobId: Hex = `0x${"ab".repeat(1_500_000)}`;
  const { root } = dumpOf(leaves(0, 1));
  for (let n = 0; n < 12; n++) await world.settleBatch({ blockNumber: 20 + n }, { root, size: 1, blobId });
  const client = await world.pool.connect();
  try {
    const page = await compare(client, 10740, { ready: true, blockNumber: 1_000_000 }, 0);
    // 16 Mi digits, of 3 million each
    expect(page.arrived.map(({ blockNumber }) => blockNumber)).toEqual([20, 21, 22, 23, 24]);
    expect(page.lastBlock).toBe(24);
  } finally {
    client.release();
  }
  world.start();
  await world.finished();
  expect((await verdicts()).map(({ reason }) => reason)).toEqual(
    Array.from({ length: 12 }, () => "impossible-blob-id"),
  );
});

test("an individual settlement has its signature's verdict, whatever its blob", async () => {
  await world.register(alice, { blockNumber: 10 });
  const payload = (model: string) =>
    JSON.stringify({ input: {}, output: { model, usage: { prompt_tokens: 3, completion_tokens: 4 } } });
  const twice = infer(alice, 1);
  await world.settleIndividually({ blockNumber: 20 }, twice, world.blobs.put(payload("a")));
  await world.settleIndividually({ blockNumber: 21 }, twice, blobIdOf("missing"));
  await world.settleIndividually(
    { blockNumber: 22 },
    { ...infer(alice, 2), signature: twice.signature },
    "0x",
  );
  await world.settleIndividually({ blockNumber: 23 }, infer(bob, 3), world.blobs.put("{}"));
  world.start();
  await world.finished();

  expect((await verdicts()).map(({ verdict, reason }) => [verdict, reason])).toEqual([
    ["verified", null],
    ["verified", null],
    ["invalid", "invalid-signature"],
    ["partial", "unknown-node"],
  ]);
  expect(await nodeCounts()).toEqual({ [alice.teeId]: 1 });
  const { rows } = await world.pool.query("select state, reason from proofs.payload order by state, reason");
  expect(rows).toEqual([
    { state: "invalid", reason: "impossible-blob-id" },
    { state: "invalid", reason: "wrong-shape" },
    { state: "unavailable", reason: "blob-missing" },
    { state: "unmatched", reason: expect.any(String) },
  ]);
});

test("tokens that no payload claims are unknown, not many", async () => {
  const claiming = (tokens: number) =>
    world.blobs.put(JSON.stringify({ input: {}, output: { usage: { prompt_tokens: tokens } } }));
  const sums = async () =>
    (await world.pool.query("select prompt_tokens, completion_tokens, inferences from proofs.node_bucket"))
      .rows;
  await world.register(alice, { blockNumber: 10 });
  await world.settleLeaves({ blockNumber: 20 }, [infer(alice, 1), infer(alice, 2)]);
  world.start();
  await world.finished();
  expect(await sums()).toEqual([{ prompt_tokens: null, completion_tokens: null, inferences: "2" }]);

  await world.settleIndividually({ blockNumber: 21 }, infer(alice, 3), claiming(5));
  await world.finished();
  expect(await sums()).toMatchObject([{ prompt_tokens: "5", completion_tokens: null, inferences: "3" }]);
  for (const [index, n] of [4, 5].entries())
    await world.settleIndividually(
      { blockNumber: 22 + index },
      infer(alice, n),
      claiming(Number.MAX_SAFE_INTEGER - index),
    );
  await world.finished();
  expect(await sums()).toMatchObject([{ prompt_tokens: String(Number.MAX_SAFE_INTEGER), inferences: "5" }]);
});

test("an inference counts once, in batches or alone, and wherever it counts it does so since the registration", async () => {
  await world.register(alice, { blockNumber: 10 });
  const same = infer(alice, 1);
  await world.settleLeaves({ blockNumber: 20 }, [same, same, infer(alice, 2)]);
  await world.settleLeaves({ blockNumber: 21 }, [same, infer(alice, 3)]);
  await world.settleIndividually({ blockNumber: 22 }, same, "0x");
  world.start();
  await world.finished();
  expect(await nodeCounts()).toEqual({ [alice.teeId]: 3 });
  expect((await verdicts()).map(({ valid }) => valid)).toEqual([3, 2, null]);
});

test("a settlement that vanishes takes its counts with it; its content need not be checked again when it returns", async () => {
  await world.register(alice, { blockNumber: 10 });
  await world.settleLeaves({ blockNumber: 20 }, leaves(0, 3));
  const content = leaves(3, 5);
  await world.settleLeaves({ blockNumber: 30 }, content);
  await world.settleIndividually({ blockNumber: 30, logIndex: 1 }, infer(alice, 9), "0x");
  world.start();
  await world.finished();
  expect(await nodeCounts()).toEqual({ [alice.teeId]: 6 });

  await world.rewind(30);
  await world.finished();
  expect(await nodeCounts()).toEqual({ [alice.teeId]: 3 });
  expect(await relayerTotals()).toMatchObject({ individuals: 0, batches: 1, validLeaves: 3 });
  expect(await verdicts()).toHaveLength(1);

  world.blobs.blobs.clear();
  await world.settleLeaves({ blockNumber: 30, fork: "b" }, content);
  world.blobs.blobs.clear();
  await world.finished();
  expect(await nodeCounts()).toEqual({ [alice.teeId]: 5 });
  expect((await verdicts()).at(-1)).toMatchObject({ block: 30, verdict: "verified" });
});

test("a verdict is dated by the revision that shows it, and keeps that date until it changes", async () => {
  const dated = async () =>
    (
      await world.pool.query<{ revision: number; verdict: string; newest: number }>(
        `select s.revision::int as revision, verdict, r.value::int as newest from proofs.settled s, proofs.revision r
         order by block_number`,
      )
    ).rows;
  await world.register(alice, { blockNumber: 10 });
  await world.settleLeaves({ blockNumber: 20 }, leaves(0, 2));
  world.start();
  await world.finished();
  const [first] = await dated();
  expect(first).toMatchObject({ verdict: "verified" });
  expect(first?.revision).toBeGreaterThan(0);
  expect(first?.revision).toBeLessThanOrEqual(first?.newest ?? 0);

  await world.settleBatch({ blockNumber: 21 }, { root: dumpOf(leaves(2, 3)).root, size: 1, blobId: "?" });
  await world.finished();
  const [same, second] = await dated();
  expect(same?.revision).toBe(first?.revision);
  expect(second).toMatchObject({ verdict: "invalid" });
  expect(second?.revision).toBeGreaterThan(first?.newest ?? 0);
});

test("another settlement at the same place replaces the one that a reorg took back", async () => {
  await world.register(alice, { blockNumber: 10 });
  await world.settleLeaves({ blockNumber: 30 }, leaves(0, 4));
  world.start();
  await world.finished();
  await world.rewind(30);
  await world.settleLeaves({ blockNumber: 30, fork: "b" }, leaves(4, 5));
  await world.finished();
  expect(await verdicts()).toMatchObject([{ block: 30, verdict: "verified", valid: 1 }]);
  expect(await nodeCounts()).toEqual({ [alice.teeId]: 1 });
});

test("nothing is taken back while the indexer recovers, or for blocks it has not reached again", async () => {
  await world.register(alice, { blockNumber: 10 });
  await world.settleLeaves({ blockNumber: 30 }, leaves(0, 4));
  world.start();
  await world.finished();
  const before = await dumpProofs(world.pool);
  const { rows } = await world.pool.query("select * from og.settlement");
  expect(rows).toHaveLength(1);
  const settleAgain = async () => {
    await world.pool.query("notify published");
    await new Promise((resolve) => setTimeout(resolve, 500));
    return await dumpProofs(world.pool);
  };
  await world.setHead(1_000_000, "not-ready");
  await world.rewind(5);
  expect(await settleAgain()).toEqual(before);
  await world.setHead(9, "ready");
  expect(await settleAgain()).toEqual(before);
  await world.setHead(40, "ready");
  expect(Object.values(await settleAgain()).flat().length).toBeLessThan(Object.values(before).flat().length);
  expect(await verdicts()).toEqual([]);
});

test("keys and registrations that become known later, move or vanish, change what was found", async () => {
  await world.settleLeaves({ blockNumber: 30 }, [...leaves(0, 2), ...leaves(2, 4, bob)]);
  await world.settleIndividually({ blockNumber: 31 }, infer(alice, 9), "0x");
  world.start();
  await world.finished();
  expect(await verdicts()).toMatchObject([
    { verdict: "partial", reason: "unknown-nodes", valid: 0, unknown: 4 },
    { verdict: "partial", reason: "unknown-node" },
  ]);

  await world.register(alice, { blockNumber: 10 }, { keyShown: false });
  await world.finished();
  expect(await verdicts()).toMatchObject([
    { verdict: "partial", valid: 0, unknown: 4 },
    { verdict: "pending", reason: "unknown-key" },
  ]);

  await world.tables.insert("observations", "nodeRecord", {
    teeId: alice.teeId,
    publicKey: `0x${alice.publicKeyDer.toString("hex")}`,
  });
  // another registry shows the key, but counts nothing
  await world.register(bob, { blockNumber: 5 }, { registry: EARLIER_REGISTRY });
  await world.finished();
  expect(await verdicts()).toMatchObject([
    { verdict: "partial", reason: "unknown-nodes", valid: 2, unknown: 2 },
    { verdict: "verified", reason: null },
  ]);
  expect(await nodeCounts()).toEqual({ [alice.teeId]: 3 });

  await world.register(bob, { blockNumber: 29 });
  await world.finished();
  expect(await verdicts()).toMatchObject([{ verdict: "verified", valid: 4 }, { verdict: "verified" }]);
  expect(await nodeCounts()).toEqual({ [alice.teeId]: 3, [bob.teeId]: 2 });

  await world.pool.query(
    "update og.registry_event set block_number = 31, log_index = block_number where block_number in (10, 29)",
  );
  await world.finished();
  expect(await verdicts()).toMatchObject([
    { verdict: "partial", valid: 0, unknown: 4 },
    { verdict: "partial", reason: "unknown-node" },
  ]);
  expect(await nodeCounts()).toEqual({});
});

test("the current registry alone says who is registered", async () => {
  await world.register(alice, { blockNumber: 10 });
  await world.register(bob, { blockNumber: 10, logIndex: 1 }, { registry: EARLIER_REGISTRY });
  await world.settleLeaves({ blockNumber: 30 }, [infer(alice, 1), infer(bob, 2)]);
  world.start();
  await world.finished();
  expect(await nodeCounts()).toEqual({ [alice.teeId]: 1 });
  await world.stopVerifiers();
  world.start({}, EARLIER_REGISTRY);
  await world.finished();
  expect(await nodeCounts()).toEqual({ [bob.teeId]: 1 });
});

test("a blob that comes late is verified, one that comes after it was given up too", async () => {
  await world.register(alice, { blockNumber: 10 });
  const { blobId } = await world.settleLeaves({ blockNumber: 20 }, leaves(0, 2));
  const blob = world.blobs.blobs.get(blobId) ?? "mute";
  world.blobs.blobs.clear();
  world.start({ schedule: { absenceDelays: [0.05], unavailableDelay: 1 } });
  await expect
    .poll(verdicts, { timeout: 10_000 })
    .toMatchObject([{ verdict: "unavailable", reason: "blob-missing" }]);
  world.blobs.blobs.set(blobId, { status: 500 });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(await verdicts()).toMatchObject([{ verdict: "unavailable" }]);
  world.blobs.blobs.set(blobId, blob);
  await expect.poll(verdicts, { timeout: 20_000 }).toMatchObject([{ verdict: "verified" }]);
});

test("an aggregator that serves something else, or nothing, does not matter while another has the blob", async () => {
  await world.register(alice, { blockNumber: 10 });
  const { blobId } = await world.settleLeaves({ blockNumber: 20 }, leaves(0, 2));
  const { blobId: second } = await world.settleLeaves({ blockNumber: 21 }, leaves(2, 4));
  const liar = await BlobServer.start();
  liar.blobs.set(blobId, Buffer.from("<html>"));
  liar.blobs.set(second, "mute");
  world.start({ aggregators: [liar.url, world.blobs.url] });
  await world.finished();
  liar.stop();
  expect(await verdicts()).toMatchObject([{ verdict: "verified" }, { verdict: "verified" }]);
});

test("what an aggregator serves is not the relayer's fault for good: it is asked again", {
  timeout: 60_000,
}, async () => {
  await world.register(alice, { blockNumber: 10 });
  const { blobId } = await world.settleLeaves({ blockNumber: 20 }, leaves(0, 2));
  const blob = world.blobs.blobs.get(blobId) ?? "mute";
  const payload = JSON.stringify({ input: {}, output: { model: "m" } });
  const payloadId = world.blobs.put(payload);
  await world.settleIndividually({ blockNumber: 21 }, infer(alice, 2), payloadId);
  const serve = (behaviour: Behaviour) => {
    for (const id of [blobId, payloadId]) world.blobs.blobs.set(id, behaviour);
  };
  const states = async () => {
    const { rows } = await world.pool.query(
      "select 'batch' as kind, state, reason from proofs.batch union all select 'payload', state, reason from proofs.payload order by 1",
    );
    return rows.map(({ state, reason }) => [state, reason]);
  };
  const tries = () => world.blobs.asked.length;
  serve(Buffer.from("<html>down for maintenance</html>"));
  world.start({ schedule: { recheckDelay: 0.1, absenceDelays: [0.1], unavailableDelay: 0.2 } });
  const garbled = [
    ["invalid", "not-json"],
    ["invalid", "not-json"],
  ];
  await expect.poll(states, { timeout: 10_000 }).toEqual(garbled);
  // nor does what it loses, or fails to answer, change what was found
  for (const status of [404, 503]) {
    serve({ status });
    const before = tries();
    await expect.poll(tries, { timeout: 10_000 }).toBeGreaterThan(before + 2);
    expect(await states()).toEqual(garbled);
  }
  world.blobs.blobs.set(blobId, blob).set(payloadId, Buffer.from(payload));
  await expect.poll(states, { timeout: 20_000 }).toEqual([
    ["proven", null],
    ["unmatched", "not-recomputable"],
  ]);
  await world.finished();
  expect(await nodeCounts()).toEqual({ [alice.teeId]: 3 });
  expect(await relayerTotals()).toMatchObject({ verified: 2, invalid: 0, validLeaves: 2 });
  expect((await world.pool.query("select from proofs.job")).rowCount).toBe(0);
});

test("a settlement whose blob stays wrong is not asked for for ever", async () => {
  const { root } = dumpOf(leaves(0, 2));
  const blobId = world.blobs.put("not a dump");
  await world.settleBatch({ blockNumber: 20 }, { root, size: 2, blobId });
  world.start({ schedule: { recheckDelay: 0.1 } });
  await expect.poll(verdicts, { timeout: 5_000 }).toMatchObject([{ verdict: "invalid", reason: "not-json" }]);
  await world.pool.query("update proofs.batch set checked_at = now() - interval '4 days'");
  await world.pool.query("update proofs.job set run_at = now()");
  await expect
    .poll(async () => (await world.pool.query("select from proofs.job")).rowCount, { timeout: 5_000 })
    .toBe(0);
  expect(await verdicts()).toMatchObject([{ verdict: "invalid", reason: "not-json" }]);
});

test("while an aggregator fails, a blob that another lacks is pending and not given up", async () => {
  await world.register(alice, { blockNumber: 10 });
  const failing = await BlobServer.start();
  await world.settleBatch(
    { blockNumber: 20 },
    { root: `0x${"00".repeat(32)}`, size: 1, blobId: blobIdOf("x") },
  );
  failing.blobs.set(blobIdOf("x"), { status: 503 });
  world.start({ aggregators: [world.blobs.url, failing.url] });
  await expect
    .poll(verdicts, { timeout: 5_000 })
    .toMatchObject([{ verdict: "pending", reason: "aggregator-failing" }]);
  failing.stop();
});

test("blobs that do not come hold up no others while they are waited for", async () => {
  await world.register(alice, { blockNumber: 10 });
  for (let n = 0; n < 60; n++) {
    const blobId = blobIdOf(`mute ${n}`);
    world.blobs.blobs.set(blobId, "mute");
    await world.settleBatch(
      { blockNumber: 20, logIndex: n },
      { root: `0x${"00".repeat(32)}`, size: 1, blobId },
    );
  }
  await world.settleLeaves({ blockNumber: 21 }, leaves(0, 2));
  world.start();
  await expect
    .poll(async () => (await verdicts()).at(-1), { timeout: 4_900 })
    .toMatchObject({ verdict: "verified" });
});

test("two verifiers at once find what one finds", async () => {
  await world.register(alice, { blockNumber: 10 });
  await world.register(bob, { blockNumber: 11 });
  for (let n = 0; n < 40; n++) {
    const batch = [...leaves(n, n + 3), ...leaves(n, n + 3, bob)];
    await world.settleLeaves({ blockNumber: 20 + n }, batch);
    await world.settleIndividually({ blockNumber: 20 + n, logIndex: 1 }, infer(bob, n), blobIdOf(`${n}`));
  }
  const fill = world.blobs.blobs;
  world.start();
  await world.finished();
  await world.stopVerifiers();
  const alone = await dumpProofs(world.pool);
  await world.pool.query(`truncate proofs.job, proofs.dirty, proofs.batch, proofs.leaf, proofs.signature, proofs.inference,
    proofs.payload, proofs.settled, proofs.node_bucket, proofs.model_bucket, proofs.relayer_bucket, proofs.node_key,
    proofs.registration`);
  expect(fill.size).toBeGreaterThan(0);
  world.start();
  world.start();
  await world.finished();
  expect(await dumpProofs(world.pool)).toEqual(alone);
  expect(alone.node_bucket?.length).toBeGreaterThan(0);
});
