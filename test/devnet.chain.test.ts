/** The whole system on the devnet, against what its contracts answer by `eth_call` at the same block and second. */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import pg from "pg";
import {
  type Address,
  createPublicClient,
  decodeFunctionResult,
  encodeFunctionData,
  type Hex,
  hexToString,
  http,
  keccak256,
  numberToHex,
} from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TEERegistryAbi } from "../abis/TEERegistry.ts";
import { decodeTeeRecord, encodeGetTee } from "../abis/teeRecord.ts";
import { readEnvironment } from "../config/environment.ts";
import { type Devnet, startDevnet } from "../devnet/devnet.ts";
import { SeededRandom } from "../devnet/random.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { eventually, freePort, getAll, getStatus, type RunningSystem, startSystem } from "./system/system.ts";

const TEE_TYPES = [0, 1];
const registry = readEnvironment({}).TEE_REGISTRY_ADDRESSES[0] as Address;

describe("the devnet", () => {
  let directory: string;
  let database: TestDatabase;
  let devnet: Devnet;
  let system: RunningSystem;
  /** Block times of the OpenGradient chain by number. */
  let times: number[];

  beforeAll(async () => {
    directory = mkdtempSync(path.join(os.tmpdir(), "opengradient-devnet-"));
    database = await createTestDatabase();
    devnet = await startDevnet({
      days: 1,
      dataDirectory: directory,
      ogPort: await freePort(),
      basePort: await freePort(),
      blobPort: 0,
      controlPort: 0,
      live: false,
    });
    system = await startSystem({ ...devnet.environment, DATABASE_URL: database.url, DATA_DIR: directory });
    await eventually(
      system,
      () => getStatus(system),
      ({ chains }) =>
        chains.og.block?.number === devnet.ogBlock && chains.base.block?.number === devnet.baseBlock,
      200_000,
    );
    const client = createPublicClient({ transport: http(devnet.ogUrl, { batch: true }) });
    times = await Promise.all(
      Array.from({ length: devnet.ogBlock + 1 }, async (_, block) =>
        Number((await client.getBlock({ blockNumber: BigInt(block) })).timestamp),
      ),
    );
  });

  afterAll(async () => {
    expect(await system?.stop()).toBe(0);
    await devnet?.stop();
    await database?.drop();
    rmSync(directory, { recursive: true, force: true });
  });

  /** What the contract lists as active in the state of the last block up to `at`, were `at` the time. */
  async function activeByContract(at: number): Promise<string[]> {
    const block = times.findLastIndex((time) => time <= at);
    const ids: Hex[] = [];
    for (const teeType of TEE_TYPES) {
      const data = encodeFunctionData({
        abi: TEERegistryAbi,
        functionName: "getActiveTEEs",
        args: [teeType],
      });
      const response = await fetch(devnet.ogUrl, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          jsonrpc: "2.0",
          id: 1,
          method: "eth_call",
          params: [{ to: registry, data }, numberToHex(block), {}, { time: numberToHex(at) }],
        }),
      });
      const { result, error } = (await response.json()) as { result?: Hex; error?: unknown };
      if (result === undefined) throw new Error(JSON.stringify(error));
      const nodes = decodeFunctionResult({
        abi: TEERegistryAbi,
        functionName: "getActiveTEEs",
        data: result,
      });
      ids.push(...nodes.map(({ publicKey }) => keccak256(publicKey)));
    }
    return ids.sort();
  }

  const activeByApi = async (at: number) =>
    (await getAll<{ teeId: string }>(system, `/v1/nodes?status=active&at=${at}`))
      .map(({ teeId }) => teeId)
      .sort();

  const query = async <Row extends object>(sql: string, of: Hex | undefined): Promise<readonly Row[]> => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      return (await client.query<Row>(sql, [of])).rows;
    } finally {
      await client.end();
    }
  };
  const queryTimes = async (sql: string) =>
    (await query<{ at: string }>(sql, registry)).map(({ at }) => Number(at));

  it("agrees with getActiveTEEs at 100 random blocks", async () => {
    const random = new SeededRandom("blocks to compare");
    for (let time = 0; time < 100; time++) {
      const at = times[random.integer(10, devnet.ogBlock)] ?? 0;
      expect(await activeByApi(at), `at ${at}`).toEqual(await activeByContract(at));
    }
  });

  it("agrees a second before, at and after the edges of intervals", async () => {
    const edges = await queryTimes(
      `select distinct at from (select from_at as at from og.active_interval where registry = $1
         union select until_at from og.active_interval where registry = $1) edge order by at`,
    );
    const chosen = edges.filter((_, index) => index % Math.max(1, Math.floor(edges.length / 50)) === 0);
    expect(chosen.length).toBeGreaterThanOrEqual(50);
    for (const edge of chosen)
      for (const at of [edge - 1, edge, edge + 1])
        if (at <= (times[devnet.ogBlock] ?? 0))
          expect(await activeByApi(at), `at ${at}`).toEqual(await activeByContract(at));
  });

  it("has a key that was removed and came back as the contract had it, before and after", async () => {
    const legacy = readEnvironment(devnet.environment).TEE_REGISTRY_ADDRESSES.find((it) => it !== registry);
    const events = await query<{ at: string; tee_id: Hex }>(
      `select timestamp as at, tee_id from og.registry_event e where registry = $1 and kind in ('registered', 'removed')
         and 1 < (select count(*) from og.registry_event again where again.registry = e.registry
           and again.tee_id = e.tee_id and again.kind = 'registered')
       order by block_number, log_index`,
      legacy,
    );
    expect(events).toHaveLength(4);
    const client = createPublicClient({ transport: http(devnet.ogUrl) });
    const endpoints = new Set<string>();
    for (const { at, tee_id: teeId } of events)
      for (const block of [times.indexOf(Number(at)) - 1, times.indexOf(Number(at))]) {
        const { data } = await client
          .call({ to: legacy, data: encodeGetTee(teeId), blockNumber: BigInt(block) })
          .catch(() => ({ data: undefined }));
        const response = await fetch(
          `${system.apiUrl}/v1/nodes/${teeId}?registry=${legacy}&at=${times[block]}`,
        );
        const node = (await response.json()) as Record<string, unknown>;
        if (data === undefined) {
          expect(node.status ?? response.status, `block ${block}`).toBeOneOf(["removed", 404]);
          continue;
        }
        const { owner, paymentAddress, endpointBytes } = decodeTeeRecord(data);
        expect(node, `block ${block}`).toMatchObject({
          ...{ owner, paymentAddress, endpoint: hexToString(endpointBytes), status: "active" },
        });
        endpoints.add(endpointBytes);
      }
    expect(endpoints.size).toBe(2);
  });

  it("agrees around every change of heartbeatMaxAge, and dates it to the block", async () => {
    const changes = await queryTimes(
      "select from_at as at from og.heartbeat_max_age where registry = $1 and ordinal > 0 order by ordinal",
    );
    expect(changes.length).toBeGreaterThan(0);
    for (const change of changes)
      for (const at of [change - 1, change, change + 1])
        expect(await activeByApi(at), `at ${at}`).toEqual(await activeByContract(at));

    const client = createPublicClient({ transport: http(devnet.ogUrl, { batch: true }) });
    const values: bigint[] = [];
    for (const change of changes) {
      const block = times.indexOf(change);
      for (const blockNumber of [block - 1, block])
        values.push(
          await client.readContract({
            abi: TEERegistryAbi,
            address: registry,
            functionName: "heartbeatMaxAge",
            blockNumber: BigInt(blockNumber),
          }),
        );
    }
    for (let index = 0; index < values.length; index += 2) expect(values[index]).not.toBe(values[index + 1]);
    for (let index = 2; index < values.length; index += 2) expect(values[index]).toBe(values[index - 1]);
  });
});
