/**
 * Kills (-9) of the indexers in backfill, live and during a reorg, while a client keeps asking. Afterwards every column of
 * every table equals that of an undisturbed run, and every answer was one that the undisturbed run gives for its block.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChainName } from "../config/environment.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import {
  baseTruth,
  hasRecording,
  ogTruth,
  type ReplayServer,
  recordedSettings,
  startReplay,
} from "./recorded/recording.ts";
import { ponderPids } from "./system/processes.ts";
import { eventually, freePort, getAll, getStatus, type RunningSystem, startSystem } from "./system/system.ts";
import { dumpTables } from "./system/tables.ts";

const REORG_DEPTH = 3;
const KILLS = { backfill: 3, live: 4, reorg: 3 };

interface Answer {
  readonly block: string;
  readonly blockTime: string;
  readonly body: string;
}

async function ask(system: RunningSystem, route: string): Promise<Answer | null> {
  const response = await fetch(`${system.apiUrl}${route}`).catch(() => null);
  const body = (await response?.text()) ?? "";
  // Not yet, or again not: saying so is right. Anything else is not.
  if (response === null || response.status === 503) return null;
  expect(response.status, `${body}\n${system.output().slice(-3000)}`).toBe(200);
  return {
    block: response.headers.get("og-block") ?? "",
    blockTime: response.headers.get("og-block-time") ?? "",
    body,
  };
}

/** Of others than the indexed chain: what the verifier knew by then (today's verdicts count for every moment) and Base. */
const NOT_OF_THIS_CHAIN = {
  ...{ inferences: "any", promptTokens: "any", completionTokens: "any", proofAvailability: "any" },
  ...{ payers: "any", revenue: "any" },
};

const nodesOf = (body: string): unknown =>
  (JSON.parse(body).items as readonly { readonly metrics: { readonly "24h": object } }[]).map((node) => ({
    ...node,
    metrics: { ...node.metrics["24h"], ...NOT_OF_THIS_CHAIN },
  }));

describe.skipIf(!hasRecording)("an indexer that is killed again and again", () => {
  let replays: Record<ChainName, ReplayServer>;
  let calmReplays: Record<ChainName, ReplayServer>;
  let databases: { disturbed: TestDatabase; calm: TestDatabase };
  let disturbed: RunningSystem;
  let calm: RunningSystem;
  const heads = { og: hasRecording ? ogTruth().head : 0, base: hasRecording ? baseTruth().head : 0 };
  const reorgAt = heads.base - 40;

  const setHead = async (chain: ChainName, block: number) => {
    await fetch(`${replays[chain].url}/admin/head?set=${block}`);
  };
  const kill = (chain: ChainName): boolean => {
    const pids = ponderPids(databases.disturbed.url, chain);
    for (const pid of pids) process.kill(pid, "SIGKILL");
    return pids.length > 0;
  };
  const killOnce = async (chain: ChainName) => {
    while (!kill(chain)) await sleep(200);
  };
  const reached = (system: RunningSystem, chain: ChainName, block: number) =>
    eventually(
      system,
      () => getStatus(system),
      ({ chains }) => chains[chain].ready && chains[chain].block?.number === block,
      200_000,
    );

  const settings = (database: TestDatabase, servers: Record<ChainName, ReplayServer>) => ({
    ...recordedSettings([]),
    DATABASE_URL: database.url,
    OG_RPC_URL: servers.og.url,
    BASE_RPC_URL: servers.base.url,
    // What the observer sees depends on when it looks: it is not part of what is compared.
    OBSERVER_INTERVAL_SECONDS: "86400",
  });

  beforeAll(async () => {
    databases = { disturbed: await createTestDatabase(), calm: await createTestDatabase() };
    replays = {
      og: await startReplay("og", await freePort(), ["--head", String(heads.og - 200)]),
      base: await startReplay("base", await freePort(), [
        ...["--head", String(reorgAt - 60)],
        ...["--reorg-at", String(reorgAt), "--reorg-depth", String(REORG_DEPTH)],
      ]),
    };
    calmReplays = {
      og: await startReplay("og", await freePort()),
      base: await startReplay("base", await freePort()),
    };
  });

  afterAll(async () => {
    const codes = await Promise.all([disturbed, calm].map(async (system) => (await system?.stop()) ?? 0));
    for (const server of [...Object.values(replays ?? {}), ...Object.values(calmReplays ?? {})])
      server.stop();
    await databases?.disturbed.drop();
    await databases?.calm.drop();
    expect(codes).toEqual([0, 0]);
  });

  it("ends with the tables of an undisturbed run and never answers with a mixture", async () => {
    disturbed = await startSystem(settings(databases.disturbed, replays));
    const answers: Answer[] = [];
    let asking = true;
    const client = (async () => {
      while (asking) {
        const answer = await ask(disturbed, "/v1/nodes?limit=1000");
        if (answer !== null && answers.at(-1)?.body !== answer.body) answers.push(answer);
        await sleep(40);
      }
    })();

    // In backfill: as soon as Ponder is up, and a little later each time.
    for (let time = 0; time < KILLS.backfill; time++) {
      await killOnce("og");
      await sleep(1500 + 700 * time);
    }
    await reached(disturbed, "og", heads.og - 200);
    await reached(disturbed, "base", reorgAt - 60);

    // Live: the chain grows on, whoever is dead.
    const livePeriod = Math.floor(200 / KILLS.live);
    for (let block = heads.og - 199; block <= heads.og; block++) {
      await setHead("og", block);
      await sleep(150);
      if ((heads.og - block) % livePeriod === Math.floor(livePeriod / 2)) await killOnce("og");
    }
    await reached(disturbed, "og", heads.og);

    // During a reorg: on the losing fork, at the switch, and right after it.
    for (let block = reorgAt - 59; block < reorgAt; block++) {
      await setHead("base", block);
      await sleep(60);
    }
    for (let time = 0; time < KILLS.reorg; time++) {
      await setHead("base", reorgAt - 1 + time);
      await sleep(1200);
      await killOnce("base");
    }
    for (let block = reorgAt + KILLS.reorg; block <= heads.base; block++) {
      await setHead("base", block);
      await sleep(60);
    }
    await reached(disturbed, "base", heads.base);
    asking = false;
    await client;

    calm = await startSystem(settings(databases.calm, calmReplays));
    await reached(calm, "og", heads.og);
    await reached(calm, "base", heads.base);
    for (const chain of ["og", "base"] as const) {
      const [after, undisturbed] = [
        await dumpTables(databases.disturbed.url, chain),
        await dumpTables(databases.calm.url, chain),
      ];
      expect([...after.keys()]).toEqual([...undisturbed.keys()]);
      for (const [table, rows] of undisturbed) expect(after.get(table), `${chain}.${table}`).toEqual(rows);
    }

    expect(answers.length).toBeGreaterThan(20);
    let newest = 0;
    for (const { block, blockTime, body } of answers) {
      expect(Number(block), "the indexed chain never reorganises: no step back").toBeGreaterThanOrEqual(
        newest,
      );
      newest = Number(block);
      const then = await ask(calm, `/v1/nodes?limit=1000&at=${blockTime}`);
      // The rows; a cursor says which answer it belongs to.
      expect(nodesOf(body), `at block ${block}`).toEqual(nodesOf(then?.body ?? "{}"));
    }
    expect(await getAll(disturbed, "/v1/payments")).toEqual(await getAll(calm, "/v1/payments"));
  }, 900_000);
});
