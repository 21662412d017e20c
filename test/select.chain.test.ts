/** Selection on the live devnet, as an SDK uses it: over HTTP, again and again, while blocks come. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Address, createPublicClient, http, keccak256 } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TEERegistryAbi } from "../abis/TEERegistry.ts";
import { readEnvironment } from "../config/environment.ts";
import { type Devnet, startDevnet } from "../devnet/devnet.ts";
import { generateClients, runClient } from "./clients/clients.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { eventually, freePort, getJson, type RunningSystem, startSystem } from "./system/system.ts";

const root = path.resolve(import.meta.dirname, "..");
const registry = readEnvironment({}).TEE_REGISTRY_ADDRESSES[0] as Address;
const LIVE_HEARTBEAT_SECONDS = 15;
/** Three of the facilitators' live rounds: short, so that a test can wait for it. */
const MAX_AGE_SECONDS = 45;
const LLM_PROXY = 0;

interface Answer {
  readonly asOf: { readonly og: { readonly blockNumber: number; readonly blockTime: number } };
  readonly validUntil: number | null;
  readonly nodes: readonly { readonly probability: number; readonly node: { readonly teeId: string } }[];
  readonly excluded: readonly { readonly reason: string; readonly count: number }[];
}

const SELECTIONS = 1_000;
/** Fewer expected than this are counted together: χ² is an approximation that needs so many. */
const MIN_EXPECTED = 5;

/** χ², and the point that chance alone passes once in a million times, by Wilson and Hilferty's approximation. */
function chiSquare(found: readonly number[], expected: readonly number[]) {
  const cells = expected.map((share, index) => ({ share, count: found[index] ?? 0 }));
  const together = { share: 0, count: 0 };
  for (const { share, count } of cells.filter(({ share }) => share < MIN_EXPECTED)) {
    together.share += share;
    together.count += count;
  }
  const counted = [...cells.filter(({ share }) => share >= MIN_EXPECTED)];
  if (together.share >= MIN_EXPECTED) counted.push(together);
  const k = counted.length - 1;
  return {
    value: counted.reduce((sum, { share, count }) => sum + (count - share) ** 2 / share, 0),
    limit: k * (1 - 2 / (9 * k) + 4.7534 * Math.sqrt(2 / (9 * k))) ** 3,
  };
}

describe("selection on the devnet", () => {
  let directory: string;
  let database: TestDatabase;
  let devnet: Devnet;
  let system: RunningSystem;

  beforeAll(async () => {
    directory = mkdtempSync(path.join(os.tmpdir(), "opengradient-select-"));
    database = await createTestDatabase();
    devnet = await startDevnet({
      days: 1,
      liveHeartbeatSeconds: LIVE_HEARTBEAT_SECONDS,
      dataDirectory: directory,
      ogPort: await freePort(),
      basePort: await freePort(),
      blobPort: 0,
      controlPort: 0,
    });
    system = await startSystem({ ...devnet.environment, DATABASE_URL: database.url, DATA_DIR: directory });
    await eventually(
      system,
      () => select("count=20"),
      ({ asOf, nodes }) => asOf.og.blockNumber > devnet.ogBlock && nodes.length > 4,
      200_000,
    );
  });
  afterAll(async () => {
    expect(await system?.stop()).toBe(0);
    await devnet?.stop();
    await database?.drop();
    rmSync(directory, { recursive: true, force: true });
  });

  const select = (query: string) => getJson<Answer>(system, `/v1/select?${query}`);

  it("picks as often as it says: 1,000 times, against the probabilities that each answer publishes", async () => {
    const published = new Map<string, number>();
    const picked = new Map<string, number>();
    const add = (sums: Map<string, number>, teeId: string, amount: number) =>
      sums.set(teeId, (sums.get(teeId) ?? 0) + amount);
    for (let request = 0; request < SELECTIONS; request++) {
      const { nodes } = await select(`count=20&seed=request-${request}`);
      const [first] = nodes;
      if (first === undefined) throw new Error("nobody was selected");
      add(picked, first.node.teeId, 1);
      // Blocks come meanwhile, so each answer counts with its own probabilities.
      for (const { node, probability } of nodes) add(published, node.teeId, probability);
    }
    const expected = [...published.values()];
    expect(expected.reduce((sum, value) => sum + value, 0)).toBeCloseTo(SELECTIONS, 6);
    const found = [...published.keys()].map((teeId) => picked.get(teeId) ?? 0);
    const fit = chiSquare(found, expected);
    expect(fit.value, `picked ${found}, expected ${expected}`).toBeLessThan(fit.limit);
    // The same picks do not fit nodes that are all alike: the test can tell.
    const alike = chiSquare(
      found,
      found.map(() => SELECTIONS / found.length),
    );
    expect(alike.value).toBeGreaterThan(alike.limit);
  });

  it("answers the same from another process at the same block", async () => {
    const port = await freePort();
    const other: ChildProcess = spawn(
      path.join(root, "node_modules/node/bin/node"),
      ["--import", "tsx", path.join(root, "api/server.ts")],
      {
        cwd: root,
        env: {
          PATH: process.env.PATH,
          DATABASE_URL: database.url,
          API_PORT: String(port),
          METRICS_PORT: "0",
        },
        stdio: "ignore",
      },
    );
    try {
      const ask = async (url: string, query: string) => {
        const response = await fetch(`${url}/v1/select?${query}`);
        return {
          status: response.status,
          block: response.headers.get("OG-Block"),
          text: await response.text(),
        };
      };
      const otherUrl = `http://127.0.0.1:${port}`;
      await eventually(
        system,
        () => ask(otherUrl, "seed=x"),
        ({ status }) => status === 200,
        60_000,
      );
      let compared = 0;
      for (let seed = 0; compared < 100; seed++) {
        const query = `count=5&seed=process-${seed}${seed % 2 === 0 ? "" : "&pcr=latest"}`;
        const [one, two] = [await ask(system.apiUrl, query), await ask(otherUrl, query)];
        // A block came in between.
        if (one.block !== two.block) continue;
        expect(two).toEqual(one);
        compared += 1;
      }
    } finally {
      const ended = new Promise((resolve) => other.once("exit", resolve));
      other.kill("SIGTERM");
      await ended;
    }
  });

  it("is understood by public clients with generated types, as is everything else", async () => {
    await generateClients(system.apiUrl);
    const rest = await runClient("rest", system.apiUrl);
    expect(rest.nodes.some(({ probability }: { probability?: number }) => (probability ?? 0) > 0)).toBe(true);
    const graphql = await runClient("graphql", system.apiUrl);
    const ids = ({ nodes }: { nodes: { teeId: string }[] }) => nodes.map(({ teeId }) => teeId);
    expect(ids(graphql)).toEqual(ids(rest));
  });

  it("leaves out a stopped node whose heartbeats are repeated, while the contract still lists it", async () => {
    const chain = createPublicClient({ transport: http(devnet.ogUrl) });
    const listedAt = async (block: number) => {
      const nodes = await chain.readContract({
        abi: TEERegistryAbi,
        address: registry,
        functionName: "getActiveTEEs",
        args: [LLM_PROXY],
        blockNumber: BigInt(block),
      });
      return nodes.map(({ publicKey }) => keccak256(publicKey));
    };
    devnet.registry.setHeartbeatMaxAge(MAX_AGE_SECONDS);
    // No event tells of it: the indexer looks at the next event of the registry that is no heartbeat.
    const [bystander, victim] = devnet.nodes
      .list()
      .filter(
        ({ registered, enabled, running, teeType }) =>
          registered && enabled && running && teeType === LLM_PROXY,
      );
    if (bystander === undefined || victim === undefined) throw new Error("two running nodes are needed");
    devnet.nodes.disable(bystander.index);
    const only = `only=${victim.teeId}`;
    const before = await eventually(
      system,
      () => select(only),
      ({ asOf, validUntil }) => validUntil !== null && validUntil - asOf.og.blockTime <= MAX_AGE_SECONDS + 1,
      60_000,
    );
    expect(before.nodes.map(({ node }) => node.teeId)).toEqual([victim.teeId]);

    devnet.nodes.stop(victim.index);
    const deadline = Date.now() + 4 * MAX_AGE_SECONDS * 1_000;
    let last = before;
    while (last.nodes.length > 0) {
      expect(Date.now(), "the stopped node is selected for too long").toBeLessThan(deadline);
      // Somebody wants to keep it looking alive.
      devnet.nodes.replay(victim.index);
      await sleep(1_000);
      last = await select(only);
    }
    const { blockNumber, blockTime } = last.asOf.og;
    const { lastSignedAt } = await getJson<{ lastSignedAt: number }>(system, `/v1/nodes/${victim.teeId}`);
    expect(last.excluded).toContainEqual({ reason: "not-proved-alive", count: 1 });
    // It went at the first block later than heartbeatMaxAge after its last signed second.
    expect(blockTime - lastSignedAt).toBeGreaterThan(MAX_AGE_SECONDS);
    expect(blockTime - lastSignedAt).toBeLessThan(MAX_AGE_SECONDS + 15);
    expect(await listedAt(blockNumber)).toContain(victim.teeId);
    const everyone = await select("count=20");
    expect(everyone.nodes.length).toBeGreaterThan(3);
    expect(everyone.nodes.map(({ node }) => node.teeId)).not.toContain(victim.teeId);
  });
});
