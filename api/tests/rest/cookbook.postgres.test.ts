import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PROGRAMS, readExamples } from "../../../test/cookbook/examples.ts";
import { type PinnedNode, startPinnedNode } from "../../../test/cookbook/pinnedNode.ts";
import { Cookbook, MISSING } from "../../../test/cookbook/run.ts";
import { lastJson, linesMissing, unlike } from "../../../test/cookbook/shape.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { ERROR_KINDS } from "../../errors.ts";
import { OPG } from "../../testing/testApi.ts";
import { address, BASE_CHAIN_ID, type ChainTables, hash, utf8Hex } from "../../testing/worlds/chainTables.ts";
import { HEAD, HEAD_BLOCK } from "../../testing/worlds/networkWorld.ts";
import { nodeNamed, REGISTRY } from "../../testing/worlds/registryHistory.ts";
import { type ServedWorld, serveWorld } from "../../testing/worlds/servedWorld.ts";
import { StreamWorld } from "../../testing/worlds/streamWorld.ts";

const document = readFileSync(new URL("../../../docs/api.md", import.meta.url), "utf8");
const examples = readExamples();

const TICK_MS = 100;
const BASE_BLOCK = 20_000;

let database: TestDatabase;
let world: ServedWorld;
let node: PinnedNode;
let cookbook: Cookbook;

beforeAll(async () => {
  database = await createTestDatabase();
  node = await startPinnedNode();
  const change = async (tables: ChainTables) => {
    const { client } = tables;
    const opg = { chainId: BASE_CHAIN_ID, address: OPG, symbol: "OPG", decimals: 18 };
    await tables.insert("observations", "token", { ...opg, blockHash: hash("block") });
    // Nodes that can be selected and reached: with a heartbeat a minute ago, all at one address.
    for (const [index, name] of ["a", "c"].entries())
      await tables.insert("og", "heartbeat", {
        blockNumber: HEAD_BLOCK - 20,
        logIndex: index,
        registry: REGISTRY,
        teeId: nodeNamed(name).teeId,
        receivedAt: HEAD - 60,
        signedAt: HEAD - 65,
        latestSignedAt: HEAD - 65,
        relayer: address("relayer"),
        txHash: hash(`heartbeat ${name}`),
        heartbeatsSoFar: 100,
      });
    await tables.block("og", HEAD_BLOCK - 20, HEAD - 60);
    await client.query("update og.node_liveness set last_signed_at = $1, last_heartbeat_at = $2", [
      HEAD - 65,
      HEAD - 60,
    ]);
    await client.query(
      `update proofs.settled set verdict = 'invalid', reason = 'signature-invalid'
       where block_number = (select max(block_number) from proofs.settled where kind = 'individual')`,
    );
    await client.query("update og.node set endpoint = $1, endpoint_hex = $2, tls_certificate = $3", [
      node.endpoint,
      utf8Hex(node.endpoint),
      node.tlsCertificate,
    ]);
  };
  // The node that examples connect to listens on this machine.
  world = await serveWorld(database.url, change, { allowPrivateEndpoints: true });
  if (MISSING.sh === undefined) cookbook = await Cookbook.open(world.url, examples);
});
afterAll(async () => {
  await world?.close();
  node?.close();
  await database?.drop();
});

/** Grows both chains by a block with a row, and toggles the node of the examples. */
async function grow(step: number): Promise<void> {
  const { api, tables } = world;
  const stream = new StreamWorld(tables);
  const teeId = cookbook.variables.NODE;
  const enabled = step % 2 === 0;
  await tables.insert("og", "registryEvent", {
    blockNumber: HEAD_BLOCK + step,
    logIndex: 5,
    registry: REGISTRY,
    kind: enabled ? "enabled" : "disabled",
    timestamp: HEAD + step,
    txHash: hash(`switch ${step}`),
    signature: "Event()",
    teeId,
  });
  await tables.client.query("update og.node_liveness set enabled = $1, active_until = $2 where tee_id = $3", [
    enabled,
    enabled ? HEAD + 5_000 : HEAD + step,
    teeId,
  ]);
  await stream.grow("og", HEAD_BLOCK + step, { rows: 1, time: HEAD + step });
  await stream.grow("base", BASE_BLOCK + step, { rows: 1, time: HEAD + 2 + step });
  api.now = HEAD + 7 + step;
  await api.refresh();
  await api.publish();
}

let steps = 0;

/** Makes changes while the work runs; leaves the node enabled. */
async function whileGrowing<T>(work: () => Promise<T>): Promise<T> {
  let stopped = false;
  const growing = (async () => {
    while (!stopped || steps % 2 === 1) {
      await grow(++steps);
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
  })();
  try {
    return await work();
  } finally {
    stopped = true;
    await growing;
  }
}

test.skipIf(MISSING.sh !== undefined)("each variable has a value that exists", () => {
  expect(cookbook.unset).toEqual([]);
});

describe.skipIf(MISSING.sh !== undefined).each(PROGRAMS)("in %s", (language) => {
  test
    .skipIf(MISSING[language] !== undefined)
    .each(examples.filter((example) => example.language === language))("$place", async (example) => {
    const { text, answer } = example;
    const printed = await (/\/v1\/stream|subscription/.test(text)
      ? whileGrowing(() => cookbook.run(example))
      : cookbook.run(example));
    if (answer === null) return;
    expect(printed.trim()).not.toBe("");
    if (answer.language === "json") expect(unlike(JSON.parse(answer.text), lastJson(printed))).toEqual([]);
    else if (answer.language === "ndjson")
      expect(unlike(JSON.parse(answer.text), JSON.parse(printed.split("\n", 1)[0] ?? ""))).toEqual([]);
    else expect(linesMissing(answer.text, printed)).toEqual([]);
  });
});

test.skipIf(MISSING.sh !== undefined)("the TypeScript examples compile", () =>
  cookbook.checkTypes(examples.filter(({ language }) => language === "ts")),
);

test("each kind of reader has ten recipes, with examples in every language", () => {
  for (const kind of ["SDKs: choosing a node", "Dashboards and analysis", "Everybody else"]) {
    const section = document.split(/^## /m).find((part) => part.startsWith(`${kind}\n`)) ?? "";
    expect([...section.matchAll(/^### (\d+)\. .*\?$/gm)].map(([, number]) => Number(number))).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ]);
    for (const language of PROGRAMS)
      expect(section.split(`\n\`\`\`${language}\n`).length - 1).toBeGreaterThanOrEqual(3);
  }
});

test("the table of errors has every code with its status and what to do", () => {
  const rows = [...document.matchAll(/^\| `([a-z-]+)` +\| (\d+) +\| (.*?) *\|$/gm)].map(
    ([, code, status, help]) => [code, Number(status), help],
  );
  expect(rows).toEqual(Object.entries(ERROR_KINDS).map(([code, { status, help }]) => [code, status, help]));
});
