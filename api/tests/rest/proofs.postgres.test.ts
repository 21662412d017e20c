import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { checkReceipt } from "../../../proofs/checkReceipt.ts";
import { type Hex, hexOf } from "../../../proofs/hex.ts";
import { inferenceId, type SignedInference } from "../../../proofs/inference.ts";
import { type Enclave, newEnclave, signInference } from "../../../proofs/testing/leaves.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { blobIdOf } from "../../../workers/verifier/testing/blobServer.ts";
import { dumpOf, infer, REGISTRY, RELAY, RELAYER, World } from "../../../workers/verifier/testing/world.ts";
import { PositionWatcher } from "../../queries/state/position.ts";
import { createTestApi, type TestApi } from "../../testing/testApi.ts";
import { hash, utf8Hex } from "../../testing/worlds/chainTables.ts";

/** The time of block 0; block n is n seconds later. */
const T0 = 1_700_000_000;
const HEAD = 1_000_000;
const PAYER = `0x${"dd".repeat(20)}`;

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
  api = openApi();
});
afterEach(async () => {
  await world.stopVerifiers();
  await api.close();
});

function openApi(settings: Parameters<typeof createTestApi>[2] = {}): TestApi {
  const opened = createTestApi(database.url, new PositionWatcher(), { registries: [REGISTRY], ...settings });
  opened.now = T0 + HEAD + 7;
  return opened;
}

async function verify() {
  world.start();
  await world.finished();
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
const inferMany = (from: number, to: number, enclave: Enclave = alice) =>
  numbers(from, to).map((number) => infer(enclave, number));
const payload = (model: string) =>
  JSON.stringify({ input: {}, output: { model, usage: { prompt_tokens: 3, completion_tokens: 4 } } });
const problem = async (path: string) => {
  const response = await api.get(path);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  // biome-ignore lint/suspicious/noExplicitAny: problems have members of their own
  return { status: response.status, ...((await response.json()) as any) };
};
// biome-ignore lint/suspicious/noExplicitAny: items of every shape
const itemsOf = async (path: string): Promise<any[]> => (await api.json(path)).items;
const blocksOf = async (query: string): Promise<number[]> =>
  (await itemsOf(`/v1/settlements?${query}`)).map(({ blockNumber }) => blockNumber);
const idsOf = async (path: string): Promise<string[]> => (await itemsOf(path)).map(({ id }) => id);

/** All items of a list, read in small pages. */
async function walk(path: string, limit: number): Promise<unknown[]> {
  const seen: unknown[] = [];
  for (let after = ""; ; ) {
    const { items, pageInfo } = await api.json(
      `${path}${path.includes("?") ? "&" : "?"}limit=${limit}${after}`,
    );
    seen.push(...items);
    if (!pageInfo.hasNextPage) return seen;
    after = `&after=${pageInfo.endCursor}`;
  }
}

/** A batch in block 21 with a valid leaf, a forged one, and one of an unknown node. */
async function settlePartly(): Promise<readonly [SignedInference, SignedInference, SignedInference]> {
  const valid = infer(alice, 1);
  const forged = { ...infer(alice, 2), signature: valid.signature };
  const stranger = infer(bob, 3);
  await world.settleLeaves({ blockNumber: 21 }, [valid, forged, stranger]);
  return [valid, forged, stranger];
}

describe("settlements", () => {
  test("have their verdict, and are found by it", async () => {
    await world.register(alice, { blockNumber: 10 });
    await world.settleLeaves({ blockNumber: 20 }, inferMany(10, 15));
    await settlePartly();
    const { root } = dumpOf(inferMany(20, 22));
    await world.settleBatch({ blockNumber: 22 }, { root, size: 2, blobId: world.blobs.put("<html>") });
    await world.settleBatch({ blockNumber: 23 }, { root, size: 2, blobId: blobIdOf("missing") });
    await world.settleIndividually({ blockNumber: 24 }, infer(alice, 30), world.blobs.put(payload("m")));
    await world.settleIndividually({ blockNumber: 25 }, { ...infer(alice, 31), signature: "0xab" }, "0x");
    await verify();
    await world.stopVerifiers();
    await world.settleLeaves({ blockNumber: 26 }, inferMany(40, 42));
    await world.tables.insert("og", "settlement", {
      blockNumber: 27,
      kind: "legacy",
      relay: RELAY,
      relayer: RELAYER,
      txHash: hash("legacy"),
    });

    const items = await itemsOf("/v1/settlements");
    const told = items.map((item) => [
      item.blockNumber,
      item.verdict,
      item.reason,
      item.leafCount,
      item.validLeaves,
      item.invalidLeaves,
      item.payload?.state ?? null,
    ]);
    expect(told).toEqual([
      [27, "unverifiable", "no-signature", null, null, null, null],
      [26, "pending", null, null, null, null, null],
      [25, "invalid", "invalid-signature", null, null, null, "invalid"],
      [24, "verified", null, null, null, null, "unmatched"],
      [23, "unavailable", "blob-missing", null, null, null, null],
      [22, "invalid", "not-json", null, null, null, null],
      [21, "partial", "invalid-signatures", 3, 1, 1, null],
      [20, "verified", null, 5, 5, 0, null],
    ]);
    expect(items[2].payload.reason).toBe("impossible-blob-id");
    expect(items.map(({ detail }) => detail)).toEqual([
      "the event of an earlier contract carries no signature to check",
      null,
      "the signature is not the node's over these hashes and this second",
      null,
      "no aggregator has the blob",
      "the blob's 6 bytes are not JSON",
      expect.stringMatching(/^1 of 3 leaves with a signature .*; 1 of 3 leaves of a node .*$/),
      null,
    ]);
    expect(items[3].inferenceId).toBe(inferenceId(infer(alice, 30)));
    expect(await blocksOf("verdict=verified")).toEqual([24, 20]);
    expect(await blocksOf("verdict=partial")).toEqual([21]);
    expect(await blocksOf("verdict=invalid")).toEqual([25, 22]);
    expect(await blocksOf("verdict=unavailable")).toEqual([23]);
    expect(await blocksOf("verdict=pending")).toEqual([26]);
    expect(await blocksOf("verdict=unverifiable")).toEqual([27]);
    expect(await blocksOf("verdict=invalid&kind=individual")).toEqual([25]);
    expect(await blocksOf(`verdict=verified&teeId=${alice.teeId}&payer=${PAYER}`)).toEqual([24]);
    expect(await blocksOf(`verdict=verified&to=${T0 + 24}`)).toEqual([20]);
    expect(await blocksOf(`inferenceId=${inferenceId(infer(alice, 12))}`)).toEqual([20]);
    expect(await blocksOf(`inferenceId=${inferenceId(infer(alice, 30))}`)).toEqual([24]);
    expect((await walk("/v1/settlements?verdict=verified", 1)).length).toBe(2);
    expect(await problem("/v1/settlements?verdict=good")).toMatchObject({
      status: 400,
      parameter: "verdict",
    });
  });

  test("those that wait for a blob and those not seen yet are pending, page by page", async () => {
    const { root } = dumpOf(inferMany(0, 2));
    for (const blockNumber of numbers(20, 25))
      await world.settleBatch({ blockNumber }, { root, size: 2, blobId: blobIdOf("missing") });
    await world.tables.insertProof("settled", {
      ...{ chainId: 10740, blockNumber: 22, logIndex: 0, txHash: hash("tx22"), blockHash: "0x" },
      ...{ kind: "batch", relayer: RELAYER, settledAt: T0 + 22, verdict: "pending", reason: "blob-missing" },
    });
    const seen = (await walk("/v1/settlements?verdict=pending", 2)) as {
      blockNumber: number;
      reason: unknown;
    }[];
    expect(seen.map(({ blockNumber }) => blockNumber)).toEqual([24, 23, 22, 21, 20]);
    expect(seen.map(({ reason }) => reason)).toEqual([null, null, "blob-missing", null, null]);
  });

  test("a batch shows its leaves with their verdicts, and pages through many", async () => {
    await world.register(alice, { blockNumber: 10 });
    const [valid, forged, stranger] = await settlePartly();
    await world.settleLeaves({ blockNumber: 22 }, inferMany(100, 225));
    await world.settleLeaves({ blockNumber: 9 }, [valid, forged]);
    await verify();
    const [, , early] = await idsOf("/v1/settlements");
    // No node was registered by then, so neither leaf counts for or against one.
    expect(await itemsOf(`/v1/settlements/${early}/leaves?verdict=unknown-node`)).toHaveLength(2);
    expect(await itemsOf(`/v1/settlements/${early}/leaves?verdict=invalid`)).toEqual([]);
    const [many, few] = await idsOf("/v1/settlements");
    const one = await api.json(`/v1/settlements/${few}`);
    expect(one.leaves.pageInfo.hasNextPage).toBe(false);
    const verdictOf = Object.fromEntries(
      one.leaves.items.map((leaf: { inferenceId: string; verdict: string }) => [
        leaf.inferenceId,
        leaf.verdict,
      ]),
    );
    expect(verdictOf).toEqual({
      [inferenceId(valid)]: "valid",
      [inferenceId(forged)]: "invalid",
      [inferenceId(stranger)]: "unknown-node",
    });
    expect(one.leaves.items.find((leaf: { verdict: string }) => leaf.verdict === "valid")).toMatchObject({
      teeId: alice.teeId,
      inputHash: valid.inputHash,
      outputHash: valid.outputHash,
      timestamp: String(valid.timestamp),
      signature: valid.signature,
    });
    expect(await itemsOf(`/v1/settlements/${few}/leaves?verdict=unknown-node`)).toHaveLength(1);

    const shown = await api.json(`/v1/settlements/${many}`);
    expect(shown.leaves.items).toHaveLength(100);
    const rest = await api.json(`/v1/settlements/${many}/leaves?after=${shown.leaves.pageInfo.endCursor}`);
    expect(rest.items.map(({ leafIndex }: { leafIndex: number }) => leafIndex)).toEqual(numbers(100, 125));
    const all = (await walk(`/v1/settlements/${many}/leaves`, 40)) as { leafIndex: number }[];
    expect(all.map(({ leafIndex }) => leafIndex)).toEqual(numbers(0, 125));
    const csv = await (await api.get(`/v1/settlements/${many}/leaves?all=true&limit=50&format=csv`)).text();
    expect(csv.trim().split("\n")).toHaveLength(126);
    expect(await problem(`/v1/settlements/10740-${hash("none")}-0/leaves`)).toMatchObject({
      status: 404,
      code: "settlement-not-found",
    });
  });

  test("one that a reorg removes takes its verdict, inferences and receipts with it", async () => {
    await world.setHead(100);
    await world.register(alice, { blockNumber: 10 });
    const inference = infer(alice, 1);
    await world.settleIndividually({ blockNumber: 20 }, inference, "0x");
    await verify();
    await world.stopVerifiers();
    const id = inferenceId(inference);
    expect(await idsOf("/v1/inferences")).toEqual([id]);
    await world.rewind(20);
    // another settlement at the same position: the verifier's row there belongs to the removed one
    await world.settleIndividually({ blockNumber: 20, fork: "b" }, infer(alice, 2), "0x");
    const [item] = await itemsOf("/v1/settlements");
    expect(item).toMatchObject({ verdict: "pending", payload: { state: "pending" } });
    expect(await blocksOf("verdict=verified")).toEqual([]);
    expect(await blocksOf("verdict=pending")).toEqual([20]);
    expect(await blocksOf(`inferenceId=${id}`)).toEqual([]);
    expect(await idsOf("/v1/inferences")).toEqual([]);
    expect(await problem(`/v1/inferences/${id}/receipt`)).toMatchObject({
      status: 404,
      code: "inference-not-found",
    });
    await verify();
    expect(await idsOf("/v1/inferences")).toEqual([inferenceId(infer(alice, 2))]);
    expect((await itemsOf("/v1/models")).length).toBe(0);
  });
});

describe("inferences", () => {
  test("are listed once, with every occurrence, newest signed first", async () => {
    await world.register(alice, { blockNumber: 10 });
    const twice = infer(alice, 500);
    await world.settleIndividually({ blockNumber: 600 }, twice, world.blobs.put(payload("gpt")));
    await world.settleLeaves({ blockNumber: 601 }, [infer(alice, 501), twice]);
    await world.settleLeaves({ blockNumber: 602 }, [infer(bob, 502)]);
    await verify();
    const items = await itemsOf("/v1/inferences");
    expect(items.map(({ id }) => id)).toEqual([infer(bob, 502), infer(alice, 501), twice].map(inferenceId));
    const settlements = await itemsOf("/v1/settlements");
    const leaves = await itemsOf(`/v1/settlements/${settlements[1].id}/leaves`);
    const leaf = leaves.find((one) => one.inferenceId === inferenceId(twice));
    expect(items[2]).toEqual({
      id: inferenceId(twice),
      teeId: alice.teeId,
      inputHash: twice.inputHash,
      outputHash: twice.outputHash,
      signedAt: T0 + 500,
      signature: twice.signature,
      signatureBytes: 256,
      signatureSha256: null,
      signatureValid: true,
      counted: true,
      uncountedReason: null,
      settlements: [
        { id: settlements[2].id, leafIndex: null },
        { id: settlements[1].id, leafIndex: leaf.leafIndex },
      ],
      claimedPayers: [PAYER],
      model: "gpt",
      promptTokens: 3,
      completionTokens: 4,
      nodeAtSigning: {
        registry: REGISTRY,
        status: "stale",
        statusPrecision: "exact",
        pcrHash: null,
        pcrVersion: null,
        pcrApproved: true,
      },
    });
    expect(items[0]).toMatchObject({ signatureValid: null, nodeAtSigning: null });
    expect(await api.json(`/v1/inferences/${inferenceId(twice)}`)).toEqual(items[2]);
    const csv = await (await api.get("/v1/inferences?format=csv")).text();
    expect(csv.split("\n")[0]).toContain("nodeAtSigning.status");
  });

  test("are found by every filter", async () => {
    await world.register(alice, { blockNumber: 10 });
    const [first, second] = [infer(alice, 500), infer(alice, 501)];
    await world.settleIndividually({ blockNumber: 600 }, first, world.blobs.put(payload("gpt")));
    await world.settleLeaves({ blockNumber: 601 }, [second, { ...infer(alice, 502), signature: "0x00" }]);
    await verify();
    const [a, b, forged] = [first, second, infer(alice, 502)].map(inferenceId);
    const find = (query: string) => idsOf(`/v1/inferences?${query}`);
    expect(await find("")).toEqual([forged, b, a]);
    expect(await find(`teeId=${alice.teeId}&signatureValid=true`)).toEqual([b, a]);
    expect(await find("signatureValid=false")).toEqual([forged]);
    expect(await find(`payer=${PAYER}`)).toEqual([a]);
    expect(await find(`payer=0x${"00".repeat(20)}`)).toEqual([]);
    expect(await find(`inputHash=${second.inputHash}`)).toEqual([b]);
    expect(await find(`outputHash=${first.outputHash}`)).toEqual([a]);
    expect(await find("model=gpt")).toEqual([a]);
    expect(await find(`from=${T0 + 501}&to=${T0 + 502}`)).toEqual([b]);
    expect(await find(`teeId=${bob.teeId}`)).toEqual([]);
    expect(await idsOf(`/v1/nodes/${alice.teeId}/inferences?model=gpt`)).toEqual([a]);
    expect(await problem(`/v1/nodes/${bob.teeId}/inferences`)).toMatchObject({ code: "node-not-found" });
    expect(await problem("/v1/inferences?colour=red")).toMatchObject({ status: 400, parameter: "colour" });
    expect(await problem(`/v1/inferences/${hash("none")}`)).toMatchObject({ code: "inference-not-found" });
  });

  test("pages neither repeat nor skip, also among equal seconds and while others arrive", async () => {
    await world.register(alice, { blockNumber: 10 });
    const many = numbers(0, 12).map((number) => infer(alice, number, T0 + 500 + (number % 3)));
    await world.settleLeaves({ blockNumber: 600 }, many);
    await world.setHead(600);
    await verify();
    const first = await api.json("/v1/inferences?limit=5");
    await world.settleLeaves({ blockNumber: 601 }, [infer(alice, 50, T0 + 550)]);
    await world.setHead(601);
    await world.finished();
    const second = await api.json(`/v1/inferences?limit=20&after=${first.pageInfo.endCursor}`);
    const seen = [...first.items, ...second.items].map(({ id }) => id);
    expect([...seen].sort()).toEqual(many.map(inferenceId).sort());
    const signed = [...first.items, ...second.items].map(({ signedAt }) => signedAt);
    expect(signed).toEqual([...signed].sort((a, b) => b - a));
    expect(await walk("/v1/inferences", 4)).toHaveLength(13);
    const lines = await (await api.get("/v1/inferences?all=true&limit=4&format=ndjson")).text();
    expect(lines.trim().split("\n")).toHaveLength(13);
  });

  test("with a signed time beyond 2^53 are listed without a time", async () => {
    await world.register(alice, { blockNumber: 10 });
    const inputHash: Hex = hash("in");
    const odd = signInference(alice, { inputHash, outputHash: inputHash, timestamp: 2n ** 255n });
    await world.settleLeaves({ blockNumber: 20 }, [odd, infer(alice, 1)]);
    await verify();
    const [item] = await itemsOf("/v1/inferences?limit=1");
    expect(item).toMatchObject({
      id: inferenceId(odd),
      signedAt: null,
      signatureValid: true,
      nodeAtSigning: null,
    });
    expect(await walk("/v1/inferences", 1)).toHaveLength(2);
    const receipt = await api.json(`/v1/inferences/${inferenceId(odd)}/receipt`);
    expect(receipt.leaf.timestamp).toBe(String(2n ** 255n));
    expect(checkReceipt(receipt)).toMatchObject({ ok: true });
  });

  test("have long signatures shortened in lists", async () => {
    await world.register(alice, { blockNumber: 10 });
    const huge = { ...infer(alice, 1), signature: `0x${"ab".repeat(250_000)}` as const };
    await world.settleLeaves({ blockNumber: 20 }, [huge]);
    await world.settleIndividually(
      { blockNumber: 21 },
      { ...infer(alice, 2), signature: huge.signature },
      "0x",
    );
    await verify();
    const shown = huge.signature.slice(0, 2 + 2 * 4_096);
    const [batch] = await idsOf("/v1/settlements?kind=batch");
    expect((await itemsOf("/v1/inferences")).map(({ signature }) => signature)).toEqual([shown, shown]);
    expect((await itemsOf(`/v1/settlements/${batch}/leaves`))[0].signature).toBe(shown);
    const [individual] = await itemsOf("/v1/settlements?kind=individual");
    expect(individual.signature).toBe(shown);
    expect((await api.json(`/v1/settlements/${individual.id}`)).signature).toBe(huge.signature);
  });

  test("show the node's status at the second of signing", async () => {
    const pcrHash = hash("pcr");
    await world.register(alice, { blockNumber: 10 });
    await world.tables.client.query("update og.node set pcr_hash = $1", [pcrHash]);
    const event = { registry: REGISTRY, kind: "pcr-approved", pcrHash, teeType: 0, label: "v1" };
    await world.tables.insert("og", "registryEvent", {
      ...event,
      blockNumber: 10,
      logIndex: 9,
      timestamp: T0 + 10,
    });
    await world.tables.block("og", 400, T0 + 400);
    await world.tables.insert("og", "registryEvent", {
      ...event,
      ...{ kind: "pcr-revoked", blockNumber: 400, logIndex: 9, timestamp: T0 + 400, effectiveAt: T0 + 400 },
    });
    await world.tables.insert("og", "activeInterval", {
      ...{
        registry: REGISTRY,
        teeId: alice.teeId,
        ordinal: 0,
        fromAt: T0 + 10,
        untilAt: T0 + 200,
        endCause: "stale",
      },
    });
    const signedAt = [T0 + 5, T0 + 199, T0 + 200, T0 + 399, T0 + 400];
    await world.settleLeaves(
      { blockNumber: 500 },
      signedAt.map((time, number) => infer(alice, number, time)),
    );
    await verify();
    const standing = (await itemsOf("/v1/inferences")).map((item) => [
      item.signedAt - T0,
      item.nodeAtSigning && [item.nodeAtSigning.status, item.nodeAtSigning.pcrApproved],
    ]);
    expect(standing).toEqual([
      [400, ["revoked", false]],
      [399, ["stale", true]],
      [200, ["stale", true]],
      [199, ["active", true]],
      [5, null],
    ]);
    const [, , , active] = await itemsOf("/v1/inferences");
    expect(active.nodeAtSigning).toMatchObject({ pcrHash, pcrVersion: "v1" });
    const receipt = await api.json(`/v1/inferences/${active.id}/receipt`);
    expect(receipt.nodeAtSigning).toEqual({
      status: "active",
      pcr: { hash: pcrHash, version: "v1", approved: true },
    });
  });
});

describe("receipts", () => {
  test("of every leaf and of an individual settlement verify offline", async () => {
    await world.register(alice, { blockNumber: 10 });
    const leaves = inferMany(0, 7);
    await world.settleLeaves({ blockNumber: 20 }, leaves);
    const alone = infer(alice, 50);
    await world.settleIndividually({ blockNumber: 21, logIndex: 4 }, alone, "0x");
    await verify();
    for (const inference of [...leaves, alone]) {
      const receipt = await api.json(`/v1/inferences/${inferenceId(inference)}/receipt`);
      expect(checkReceipt(receipt)).toMatchObject({ ok: true });
      expect(receipt.publicKey).toBe(hexOf(alice.publicKeyDer));
      const otherLeaf = { ...receipt, leaf: { ...receipt.leaf, outputHash: hash("other") } };
      expect(checkReceipt(otherLeaf)).toMatchObject({ ok: false });
    }
    const receipt = await api.json(`/v1/inferences/${inferenceId(alone)}/receipt`);
    expect(receipt).toMatchObject({
      settlement: { kind: "individual", blockNumber: 21, logIndex: 4, claimedPayer: PAYER, blobIdHex: "0x" },
      merkle: null,
      registration: { registry: REGISTRY, blockNumber: 10 },
      asOf: { chainId: 10740, blockNumber: HEAD },
    });
    const again = await api.get(`/v1/inferences/${inferenceId(alone)}/receipt`);
    expect(await again.text()).toBe(JSON.stringify(receipt));
  });

  test("use the earliest settlement that proves the inference", async () => {
    await world.register(alice, { blockNumber: 30 });
    const inference = infer(alice, 1);
    // before its registration, with a forged signature, and twice validly
    await world.settleLeaves({ blockNumber: 20 }, [inference]);
    await world.settleLeaves({ blockNumber: 40 }, [{ ...inference, signature: "0x1234" }]);
    await world.settleLeaves({ blockNumber: 50 }, [infer(alice, 2), inference, infer(alice, 3)]);
    await world.settleIndividually({ blockNumber: 60 }, inference, "0x");
    await verify();
    const receipt = await api.json(`/v1/inferences/${inferenceId(inference)}/receipt`);
    expect(receipt.settlement).toMatchObject({ kind: "batch", blockNumber: 50, batchSize: "3" });
    expect(checkReceipt(receipt)).toMatchObject({ ok: true });
    const { settlements } = await api.json(`/v1/inferences/${inferenceId(inference)}`);
    expect(settlements).toHaveLength(4);
  });

  test("are refused for unproven inferences, with the reason", async () => {
    await world.register(alice, { blockNumber: 30 });
    const [early, forged, stranger] = [infer(alice, 1), infer(alice, 2), infer(bob, 3)];
    await world.settleLeaves({ blockNumber: 20 }, [early]);
    await world.settleLeaves({ blockNumber: 40 }, [{ ...forged, signature: "0x1234" }, stranger]);
    await verify();
    const refusal = (inference: SignedInference) =>
      problem(`/v1/inferences/${inferenceId(inference)}/receipt`);
    const notProven = { status: 409, code: "inference-not-proven" };
    expect(await refusal(early)).toMatchObject({ ...notProven, signatureValid: true });
    expect(await refusal(forged)).toMatchObject({ ...notProven, signatureValid: false });
    expect(await refusal(stranger)).toMatchObject({ ...notProven, signatureValid: null });
    const counted = infer(alice, 5);
    await world.settleLeaves({ blockNumber: 50 }, [counted]);
    await world.settleLeaves({ blockNumber: 51 }, [{ ...counted, signature: "0x12" }]);
    await verify();
    const found = async (query: string) =>
      (await itemsOf(`/v1/inferences?${query}`)).map(({ id, counted, uncountedReason }) => [
        id,
        counted,
        uncountedReason,
      ]);
    const rows = {
      early: [inferenceId(early), false, "unknown-node"],
      forged: [inferenceId(forged), false, "invalid-signature"],
      stranger: [inferenceId(stranger), false, "unknown-key"],
      counted: [inferenceId(counted), true, null],
    };
    expect(await found("")).toEqual([rows.counted, rows.stranger, rows.forged, rows.early]);
    expect(await found("counted=true")).toEqual([rows.counted]);
    expect(await found("counted=false")).toEqual([rows.stranger, rows.forged, rows.early]);
    expect(await found("counted=false&signatureValid=true")).toEqual([rows.early]);
    expect(await found("counted=false&signatureValid=false")).toEqual([rows.forged]);
    expect(await found("counted=true&signatureValid=false")).toEqual([]);
    expect(await found(`counted=false&teeId=${alice.teeId}`)).toEqual([rows.forged, rows.early]);
    expect(await api.json(`/v1/inferences/${inferenceId(early)}`)).toMatchObject({
      counted: false,
      uncountedReason: "unknown-node",
    });
    expect(await refusal(infer(alice, 9))).toMatchObject({ status: 404, code: "inference-not-found" });
    expect(await problem("/v1/inferences/0x12/receipt")).toMatchObject({ status: 400, parameter: "id" });
  });

  test("are refused as soon as a reorg takes the registration back", async () => {
    await world.register(alice, { blockNumber: 10 });
    const inference = infer(alice, 1);
    await world.settleLeaves({ blockNumber: 20 }, [inference]);
    await verify();
    await world.stopVerifiers();
    const receipt = `/v1/inferences/${inferenceId(inference)}/receipt`;
    expect((await api.get(receipt)).status).toBe(200);
    await world.pool.query("delete from og.registry_event");
    await world.setHead(HEAD + 1);
    expect(await problem(receipt)).toMatchObject({ status: 409, code: "inference-not-proven" });
  });
});

describe("relayers, models, nodes and totals", () => {
  test("a relayer has the outcomes of its settlements", async () => {
    await world.register(alice, { blockNumber: 10 });
    await world.settleLeaves({ blockNumber: 20 }, inferMany(0, 5));
    await settlePartly();
    const { root } = dumpOf(inferMany(20, 22));
    await world.settleBatch({ blockNumber: 22 }, { root, size: 2, blobId: blobIdOf("missing") });
    await world.settleBatch({ blockNumber: 23 }, { root, size: 2, blobId: "0x00" });
    await world.settleIndividually({ blockNumber: 100 }, infer(alice, 30), "0x");
    await verify();
    await world.stopVerifiers();
    await world.settleIndividually({ blockNumber: 200 }, infer(alice, 31), "0x");
    const relayer = await api.json(`/v1/relayers/${RELAYER.toUpperCase().replace("X", "x")}`);
    expect(relayer).toEqual({
      address: RELAYER,
      firstSeenAt: T0 + 20,
      lastSeenAt: T0 + 200,
      lastHeartbeatAt: null,
      heartbeats: { sent: 0, repeated: 0, lateness: { p50Seconds: null, p95Seconds: null, samples: 0 } },
      settlements: { individual: 2, batch: 4, legacy: 0 },
      verdicts: { pending: 1, verified: 2, partial: 1, invalid: 1, unavailable: 1, unverifiable: 0 },
      leaves: { valid: 6, invalid: 1, unknownNode: 1 },
      proofAvailability: 0.5,
      settlementLatency: {
        individual: { p50Seconds: 70, p95Seconds: 169, samples: 2 },
        // leaves of second n in block 20, and the valid one of second 1 in block 21
        batch: { p50Seconds: 18, p95Seconds: 20, samples: 6 },
      },
    });
    expect(await problem(`/v1/relayers/0x${"00".repeat(20)}`)).toMatchObject({ code: "relayer-not-found" });
  });

  test("models are those of proven inferences, also within a window", async () => {
    await world.register(alice, { blockNumber: 10 });
    await world.register(bob, { blockNumber: 11 });
    const settle = (blockNumber: number, inference: SignedInference, model: string) =>
      world.settleIndividually({ blockNumber }, inference, world.blobs.put(payload(model)));
    await settle(20, infer(alice, 1, T0 + 1), "gpt");
    await settle(21, infer(alice, 2, T0 + 7_200), "gpt");
    await settle(22, infer(bob, 3, T0 + 7_300), "gpt");
    await settle(23, infer(alice, 4, T0 + 50), "claude");
    await settle(24, { ...infer(alice, 5), signature: "0x00" }, "forged");
    await verify();
    const items = await itemsOf("/v1/models");
    expect(items).toEqual([
      {
        ...{ model: "gpt", inferences: 3, promptTokens: 9, completionTokens: 12, nodes: 2 },
        ...{ firstSeenAt: T0 + 1, lastSeenAt: T0 + 7_300 },
      },
      {
        ...{ model: "claude", inferences: 1, promptTokens: 3, completionTokens: 4, nodes: 1 },
        ...{ firstSeenAt: T0 + 50, lastSeenAt: T0 + 50 },
      },
    ]);
    expect(await itemsOf(`/v1/models?from=${T0 + 1}&to=${T0 + 7_300}`)).toMatchObject([
      { model: "gpt", inferences: 2, nodes: 1, lastSeenAt: T0 + 7_200 },
      { model: "claude" },
    ]);
    expect(await itemsOf(`/v1/models?from=${T0 + 2}&to=${T0 + 51}`)).toMatchObject([
      { model: "claude", inferences: 1 },
    ]);
    const names = async (query: string) =>
      ((await walk(`/v1/models?${query}`, 1)) as { model: string }[]).map(({ model }) => model);
    expect(await names("sort=inferences")).toEqual(["gpt", "claude"]);
    expect(await names("sort=lastSeenAt")).toEqual(["gpt", "claude"]);
    expect((await (await api.get("/v1/models?format=csv")).text()).split("\n")[0]).toBe(
      "model,inferences,promptTokens,completionTokens,nodes,firstSeenAt,lastSeenAt",
    );
  });

  test("a node's windows count what it signed within them, and nodes sort by it", async () => {
    await world.register(alice, { blockNumber: 10 });
    await world.register(bob, { blockNumber: 11 });
    const now = T0 + HEAD;
    const signedBefore = (seconds: readonly number[], enclave: Enclave) =>
      seconds.map((ago) => infer(enclave, ago, now - ago));
    await world.settleLeaves({ blockNumber: HEAD - 3 }, [
      ...signedBefore([0, 10, 3_599, 3_600, 50_000, 86_399, 86_400, 700_000], alice),
      ...signedBefore([10, 20, 30, 40, 50, 60, 70], bob),
    ]);
    await world.settleIndividually({ blockNumber: HEAD - 2 }, infer(alice, 1, now - 5), blobIdOf("missing"));
    await world.settleIndividually(
      { blockNumber: HEAD - 1 },
      infer(alice, 2, now - 4),
      world.blobs.put(payload("m")),
    );
    await verify();
    const { metrics } = await api.json(`/v1/nodes/${alice.teeId}`);
    const counts = Object.entries<{ inferences: number }>(metrics).map(([name, { inferences }]) => [
      name,
      inferences,
    ]);
    expect(Object.fromEntries(counts)).toEqual({ "1h": 5, "24h": 8, "7d": 9, "30d": 10, all: 10 });
    expect(metrics["24h"].proofAvailability).toBe(0.5);
    const sorted = async () =>
      (await walk("/v1/nodes?sort=inferences", 1)) as { teeId: string; metrics: never }[];
    expect((await sorted()).map(({ teeId }) => teeId)).toEqual([alice.teeId, bob.teeId]);
    const past = await api.json(`/v1/nodes?sort=inferences&at=${now - 9}`);
    expect(past.items.map((node: { teeId: string }) => node.teeId)).toEqual([bob.teeId, alice.teeId]);
    const network = await api.json("/v1/network");
    expect(network.inferences).toBe(17);
  });

  test("status has the verifier's backlog", async () => {
    await world.register(alice, { blockNumber: 10 });
    const buckets = { startAt: T0 - (T0 % 3_600), individualSettlements: 1, batchSettlements: 1 };
    await world.tables.insert("og", "networkBucket", buckets);
    await world.settleIndividually({ blockNumber: 20 }, infer(alice, 1), "0x");
    const { root } = dumpOf(inferMany(20, 22));
    await world.settleBatch({ blockNumber: 30 }, { root, size: 2, blobId: world.blobs.put("{}") });
    const backlog = async () => (await api.json("/v1/status")).verifier;
    expect(await backlog()).toEqual({ pending: 2, oldestPendingSeconds: HEAD + 7 - 20 });
    await verify();
    expect(await backlog()).toEqual({ pending: 0, oldestPendingSeconds: null });
  });
});

describe("the state of an answer", () => {
  test("changed proofs change the entity tag; changes without effect do not", async () => {
    await world.register(alice, { blockNumber: 10 });
    await world.settleIndividually({ blockNumber: 20 }, infer(alice, 1), "0x");
    const before = await api.get("/v1/settlements");
    const tag = before.headers.get("ETag") ?? "";
    expect(before.headers.get("Proofs-Revision")).toBe("0");
    await verify();
    const after = await api.get("/v1/settlements", { "If-None-Match": tag });
    expect(after.status).toBe(200);
    expect(Number(after.headers.get("Proofs-Revision"))).toBeGreaterThan(0);
    const again = await api.get("/v1/settlements", { "If-None-Match": after.headers.get("ETag") ?? "" });
    expect(again.status).toBe(304);
    expect(again.headers.get("Proofs-Revision")).toBe(after.headers.get("Proofs-Revision"));
    // answers without proofs are unaffected
    const pcrs = await api.get("/v1/pcrs");
    await world.pool.query("update proofs.revision set value = value + 1");
    expect((await api.get("/v1/pcrs", { "If-None-Match": pcrs.headers.get("ETag") ?? "" })).status).toBe(304);
  });

  test("a cursor survives new findings, but not their loss", async () => {
    for (const blockNumber of [20, 21])
      await world.settleIndividually({ blockNumber }, infer(alice, blockNumber), "0x");
    await verify();
    await world.stopVerifiers();
    const { pageInfo } = await api.json("/v1/settlements?limit=1");
    const next = `/v1/settlements?limit=1&after=${pageInfo.endCursor}`;
    await world.pool.query("update proofs.revision set value = value + 5");
    expect(await itemsOf(next)).toHaveLength(1);
    await world.pool.query("update proofs.revision set value = 0");
    expect(await problem(next)).toMatchObject({ status: 410, code: "cursor-expired" });
  });

  test("another build or configuration changes entity tags and refuses cursors", async () => {
    for (const blockNumber of [20, 21])
      await world.settleIndividually({ blockNumber }, infer(alice, blockNumber), "0x");
    const first = await api.get("/v1/settlements?limit=1");
    const { pageInfo } = (await first.json()) as { pageInfo: { endCursor: string } };
    for (const settings of [{ build: "other" }, { registries: [REGISTRY, `0x${"bb".repeat(20)}`] }]) {
      const other = openApi(settings);
      try {
        const response = await other.get("/v1/settlements?limit=1");
        expect(response.headers.get("ETag")).not.toBe(first.headers.get("ETag"));
        const next = await other.get(`/v1/settlements?limit=1&after=${pageInfo.endCursor}`);
        expect([next.status, ((await next.json()) as { code: string }).code]).toEqual([
          410,
          "cursor-expired",
        ]);
      } finally {
        await other.close();
      }
    }
  });

  test("an observation changes the entity tag", async () => {
    const tag = (await api.get("/v1/nodes")).headers.get("ETag") ?? "";
    expect((await api.get("/v1/nodes", { "If-None-Match": tag })).status).toBe(304);
    await world.tables.insert("observations", "nodeRecord", {
      ...{
        registry: REGISTRY,
        teeId: alice.teeId,
        blockNumber: 1,
        blockHash: "0x",
        endpointHex: utf8Hex("x"),
      },
    });
    expect((await api.get("/v1/nodes", { "If-None-Match": tag })).status).toBe(200);
  });

  test("without the verifier's tables everything is pending and nothing fails", async () => {
    await world.register(alice, { blockNumber: 10 });
    const { root } = dumpOf(inferMany(20, 22));
    await world.settleBatch({ blockNumber: 20 }, { root, size: 2, blobId: blobIdOf("x") });
    await world.settleIndividually({ blockNumber: 21 }, infer(alice, 1), "0x");
    const [{ id }] = await itemsOf("/v1/settlements?kind=batch");
    await world.pool.query("alter schema proofs rename to proofs_hidden");
    try {
      const response = await api.get("/v1/settlements");
      expect(response.headers.get("Proofs-Revision")).toBeNull();
      const { items } = (await response.json()) as { items: { verdict: string }[] };
      expect(items.map(({ verdict }) => verdict)).toEqual(["pending", "pending"]);
      expect(await blocksOf("verdict=pending")).toEqual([21, 20]);
      expect(await blocksOf("verdict=verified")).toEqual([]);
      expect(await blocksOf(`inferenceId=${hash("any")}`)).toEqual([]);
      expect(await api.json(`/v1/settlements/${id}`)).toMatchObject({ verdict: "pending", leaves: null });
      for (const list of ["/v1/inferences", "/v1/models", `/v1/settlements/${id}/leaves`])
        expect(await itemsOf(list)).toEqual([]);
      expect(await problem(`/v1/inferences/${hash("any")}/receipt`)).toMatchObject({
        code: "inference-not-found",
      });
      expect((await api.json(`/v1/relayers/${RELAYER}`)).verdicts).toMatchObject({ pending: 2, verified: 0 });
      const node = await api.json(`/v1/nodes/${alice.teeId}`);
      expect(node.metrics.all).toMatchObject({ inferences: null, proofAvailability: null });
      expect(await itemsOf("/v1/nodes?sort=inferences")).toHaveLength(1);
      expect((await api.json("/v1/network")).inferences).toBeNull();
      expect((await api.json("/v1/status")).verifier.oldestPendingSeconds).toBe(HEAD + 7 - 20);
    } finally {
      await world.pool.query("alter schema proofs_hidden rename to proofs");
    }
  });
});
