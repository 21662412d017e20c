/**
 * Answers about the past on recorded chains: an index that has gone on answers about a block as one that ended there, and
 * inferences at a moment are those that the recorded logs and blobs had settled by then.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { graphQuestions, pathsWith, type Values } from "../api/testing/comparisons/questionsAboutMoments.ts";
import { OPENAPI_FILE } from "../api/testing/openapi/openapiFile.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { settledInferences } from "./recorded/inferences.ts";
import {
  baseTruth,
  hasRecording,
  ogTruth,
  type ReplayServer,
  recordedSettings,
  startReplay,
} from "./recorded/recording.ts";
import {
  eventually,
  freePort,
  getJson,
  getStatus,
  type RunningSystem,
  startSystem,
} from "./system/system.ts";

const root = path.resolve(import.meta.dirname, "..");
const SDL = readFileSync(path.join(root, "schema.graphql"), "utf8");
const OPENAPI = JSON.parse(readFileSync(OPENAPI_FILE, "utf8"));

describe.skipIf(!hasRecording)("answers about the past of recorded chains", () => {
  let database: TestDatabase;
  let client: pg.Client;
  let og: ReplayServer;
  let base: ReplayServer;
  let system: RunningSystem;
  let at: number;
  let later: { og: number; base: number };

  /** Waits until both chains are indexed to their heads and the verifier has looked at all that was settled. */
  async function indexed(ogHead: number, baseHead: number): Promise<void> {
    await eventually(
      system,
      () => getStatus(system),
      ({ chains }) => chains.og.block?.number === ogHead && chains.base.block?.number === baseHead,
      150_000,
    );
    await eventually(
      system,
      async () => {
        const { rows } = await client.query<{ left: number }>(`
          select ((select count(*) from og.settlement where kind <> 'legacy') - (select count(*) from proofs.settled)
            + (select count(*) from proofs.dirty) + (select count(*) from proofs.job where attempts = 0))::int as left`);
        return rows[0]?.left;
      },
      (left) => left === 0,
      100_000,
    );
  }

  beforeAll(async () => {
    const [ogCheckpoint, next] = ogTruth().checkpoints.filter(({ block }) => block > 900);
    if (ogCheckpoint === undefined || next === undefined) throw new Error("the recording is too short");
    at = ogCheckpoint.timestamp;
    const payees = [...new Set(baseTruth().payments.map(({ payee }) => payee))];
    database = await createTestDatabase();
    client = new pg.Client({ connectionString: database.url });
    await client.connect();
    og = await startReplay("og", await freePort(), ["--head", String(ogCheckpoint.block)]);
    base = await startReplay("base", await freePort());
    const baseHead = await lastBlockBy(base.url, at);
    later = { og: next.block, base: await lastBlockBy(base.url, next.timestamp) };
    await setHead(base, baseHead);
    system = await startSystem({
      ...recordedSettings(payees),
      DATABASE_URL: database.url,
      OG_RPC_URL: og.url,
      BASE_RPC_URL: base.url,
      WALRUS_AGGREGATOR_URLS: og.url,
      WALRUS_ALLOW_PRIVATE: "true",
    });
    await indexed(ogCheckpoint.block, baseHead);
  });

  afterAll(async () => {
    await client?.end();
    expect(await system?.stop()).toBe(0);
    og?.stop();
    base?.stop();
    await database?.drop();
  });

  async function text(route: string): Promise<string> {
    return JSON.stringify(await getJson(system, route));
  }

  async function graph(query: string): Promise<string> {
    const response = await fetch(`${system.apiUrl}/graphql`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ query }),
    });
    const { data, errors } = await response.json();
    if (errors !== undefined) throw new Error(`${query}: ${JSON.stringify(errors)}`);
    return JSON.stringify(data);
  }

  it("are what an index that ended there answered", async () => {
    const { rows } = await client
      .query<Record<string, string[]>>(`select
      array(select distinct tee_id from og.node order by 1) as nodes,
      array(select distinct owner from og.node order by 1) as operators,
      array(select distinct relayer from og.settlement union select distinct relayer from og.heartbeat limit 6) as relayers,
      array(select distinct payer from base.payment order by 1 limit 3) as payers,
      array(select channel_id from base.channel order by 1 limit 2) as channels,
      array(select id from proofs.inference order by signed_at desc limit 4) as inferences`)
      .catch((error) => {
        throw error;
      });
    const known = rows[0] ?? {};
    const quoted = (name: string) => (known[name] ?? []).map((value) => `"${value}"`);
    const settlement = (await getJson<{ items: { eventId: string }[] }>(system, "/v1/settlements?limit=1"))
      .items[0]?.eventId;
    const INFERENCE_FILTERS = ["{}", "{counted: true}", "{counted: false}", "{signatureValid: false}"];
    const values: Values = {
      teeId: quoted("nodes"),
      id: [`"${settlement}"`],
      "operator.address": quoted("operators"),
      "relayer.address": quoted("relayers"),
      "payer.address": quoted("payers"),
      "/v1/operators/{address}.address": quoted("operators"),
      channelId: quoted("channels"),
      inferenceId: quoted("inferences"),
      eventId: [`"${settlement}"`],
      "Query.inferences.filter": INFERENCE_FILTERS,
      "TeeNode.inferences.filter": INFERENCE_FILTERS,
    };
    const asked = [
      ...graphQuestions(SDL, values)
        .filter(({ takesAt }) => takesAt)
        .map(({ text: query }) => `{ ${query.replace(" AT", ` at: ${at}`)} }`),
      ...quoted("nodes")
        .flatMap((id) =>
          pathsWith(OPENAPI, "at", { ...values, teeId: [id] }).filter((route) =>
            route.includes(id.slice(1, -1)),
          ),
        )
        .map((route) => `${route}?at=${at}`),
      ...pathsWith(OPENAPI, "at", values).map((route) => `${route}?at=${at}`),
      ...["score", "uptime", "inferences"].map(
        (sort) => `/v1/nodes?at=${at}&registry=all&include=keys,metrics&sort=${sort}&limit=50`,
      ),
    ];
    const ask = async (question: string) => {
      const answer = question.startsWith("{") ? await graph(question) : await text(question);
      return (
        answer
          .replaceAll(/"proofs":\d+/g, "")
          // a moment is called by the last block by then with an event
          .replaceAll(/"asOf":\{"chainId":\d+,"blockNumber":\d+/g, "")
          .replaceAll(/"(endCursor|startCursor)":"[^"]*"/g, "")
      );
    };
    const then: string[] = [];
    for (const question of asked) then.push(await ask(question));
    await setHead(og, later.og);
    await setHead(base, later.base);
    await indexed(later.og, later.base);
    const different: string[] = [];
    for (const [index, question] of asked.entries()) {
      const now = await ask(question);
      if (now !== then[index]) different.push(`${question}\nthen ${then[index]}\nnow  ${now}`);
    }
    expect(different).toEqual([]);
  });

  it("count the inferences that had been settled by then", async () => {
    const settled = settledInferences();
    const moments = [...new Set(settled.map(({ time }) => time))].filter((time) => time <= at);
    const wrong: string[] = [];
    let compared = 0;
    for (const time of moments.filter((_, index) => index % 29 === 0)) {
      const by = settled.filter((one) => one.time <= time && one.signedAt <= time);
      for (const { teeId, metrics } of (
        await getJson<{ items: { teeId: string; metrics: Record<string, { inferences: number }> }[] }>(
          system,
          `/v1/nodes?at=${time}&include=metrics&limit=50`,
        )
      ).items) {
        for (const [name, seconds] of [
          ["24h", 86_400],
          ["1h", 3_600],
          ["all", Number.POSITIVE_INFINITY],
        ] as const) {
          const expected = new Set(
            by.flatMap((one) => (one.teeId === teeId && one.signedAt > time - seconds ? [one.id] : [])),
          ).size;
          const shown = metrics[name]?.inferences;
          compared += expected;
          if (shown !== expected) wrong.push(`${teeId} at ${time}, ${name}: ${shown}, not ${expected}`);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(compared).toBeGreaterThan(0);
  });
});

async function setHead({ url }: ReplayServer, block: number): Promise<void> {
  await fetch(`${url}/admin/head?set=${block}`);
}

/** The last block at or before a second. */
async function lastBlockBy(url: string, second: number): Promise<number> {
  const timeOf = async (block: number) => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "eth_getBlockByNumber",
        params: [`0x${block.toString(16)}`, false],
      }),
    });
    return Number((await response.json()).result.timestamp);
  };
  let low = 0;
  let high = baseTruth().head;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((await timeOf(middle)) <= second) low = middle;
    else high = middle - 1;
  }
  return low;
}
