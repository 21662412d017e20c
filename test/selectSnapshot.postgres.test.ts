import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Abandoned } from "../api/errors.ts";
import { createReader, type Reader, type ReadTransaction } from "../api/queries/reading/database.ts";
import type { Moment } from "../api/queries/state/moment.ts";
import { PositionWatcher } from "../api/queries/state/position.ts";
import type { ApiSettings } from "../api/queries/state/service.ts";
import { excusedSpells, type Spell } from "../api/scoring/index.ts";
import { questionOf } from "../api/snapshot/question.ts";
import type { RegistryScores } from "../api/snapshot/registryScores.ts";
import { Snapshots } from "../api/snapshot/snapshots.ts";
import { address, BASE_CHAIN_ID, ChainTables, OG_CHAIN_ID } from "../api/testing/worlds/chainTables.ts";
import { OTHER_REGISTRY, REGISTRY } from "../api/testing/worlds/registryHistory.ts";
import { createLog } from "../config/log.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { PCRS, RegistryRows, seeded } from "./registryRows.ts";
import { silencesOf } from "./simulator/silences.ts";

const T0 = 1_800_000_000;
const DAY = 86_400;
const COMMON_PAYEE = address("common-payee");

const settings: ApiSettings = {
  chainIds: { og: OG_CHAIN_ID, base: BASE_CHAIN_ID },
  registries: [REGISTRY, OTHER_REGISTRY],
  commonPayees: [COMMON_PAYEE],
  dailyOrganicCaps: [],
  allowPrivateEndpoints: false,
  maxLagSeconds: 120,
  graphqlMaxResponseBytes: 4_194_304,
  version: "0.0.0-test",
  build: "test",
};

let database: TestDatabase;
let tables: ChainTables;
let reader: Reader;
const log: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  tables = await ChainTables.create(database.url);
  reader = createReader({ urls: [database.url], connections: 4, onConnectionError: () => {} });
});
afterAll(async () => {
  await reader.close();
  await tables.close();
  await database.drop();
});
beforeEach(async () => {
  await tables.clear();
  log.length = 0;
});

const newSnapshots = () =>
  new Snapshots({
    reader,
    watcher: new PositionWatcher(),
    settings,
    log: createLog({ LOG_LEVEL: "warn", LOG_FORMAT: "json" }, "api", (line) => log.push(line)),
    pause: () => undefined,
  });

/** Everything that anyone may be told of a registry's scores. */
const everything = (scores: RegistryScores) =>
  scores.nodes.map((node) => ({
    teeId: node.evidence.teeId,
    status: node.status,
    uptime: node.uptime,
    owner: node.evidence.current.owner,
    score: scores.publish(node),
  }));

const scoresOf = (snapshots: Snapshots): RegistryScores => {
  const scores = snapshots.newest.snapshot.registries.get(REGISTRY)?.scores;
  if (scores === undefined) throw new Error("the registry was not scored");
  return scores;
};

const QUESTION = questionOf(settings, { teeType: 0, strategy: "weighted" });
const ACROSS_REGISTRIES = questionOf(settings, { teeType: 0, strategy: "weighted", registry: "all" });

/** Everything that anyone may be told of the newest state: scores and selections. */
const said = (snapshots: Snapshots) => ({
  scores: everything(scoresOf(snapshots)),
  selections: [QUESTION, ACROSS_REGISTRIES].map((question) => snapshots.newest.select(question, "seed", 20)),
});

/** What a process would say that has just been started. */
async function fromScratch() {
  const snapshots = newSnapshots();
  await snapshots.refresh();
  return said(snapshots);
}

/** A past moment's scores, computed from today's rows. @param snapshots - those of a process that knows more, or nothing. */
const pastScores = (moment: Moment, snapshots: Snapshots) =>
  reader.read((transaction) => snapshots.scoresAt(transaction, moment, REGISTRY));

const atMoment = async (moment: Moment, snapshots = newSnapshots()) =>
  everything(await pastScores(moment, snapshots));

const pick = <T>(random: () => number, values: readonly T[]): T => {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new Error("nothing to pick from");
  return value;
};

/** One block of a random history. */
async function randomBlock(rows: RegistryRows, random: () => number): Promise<void> {
  const pause = random() < 0.05 ? random() * 2 * DAY : random() < 0.3 ? random() * 3_000 : random() * 600;
  await rows.nextBlock(1 + Math.floor(pause));
  if (rows.nodes.length < 16 && random() < 0.1)
    await rows.register(`node-${rows.nodes.length}`, {
      owner: `owner-${Math.floor(random() * 5)}`,
      host: `host-${Math.floor(random() * 6)}.example`,
      payee: random() < 0.2 ? "common-payee" : `payee-${Math.floor(random() * 6)}`,
      pcrHash: pick(random, PCRS),
    });
  if (rows.nodes.length === 0) return;
  const relayer = pick(random, ["relayer-a", "relayer-a", "relayer-b", "relayer-c"]);
  if (random() < 0.8)
    for (const [index, node] of rows.nodes.entries()) {
      // Some nodes are often down.
      if (random() > (index % 3 === 0 ? 0.4 : 0.9)) continue;
      const late = random() < 0.15 ? Math.floor(random() * 1_700) : Math.floor(random() * 8);
      await rows.heartbeat(node, rows.time - late, random() < 0.1 ? "relayer-b" : relayer);
      if (random() < 0.05) await rows.heartbeat(node, rows.time - late, "relayer-c");
    }
  if (random() < 0.06) await rows.setEnabled(pick(random, rows.nodes), random() < 0.5);
  if (random() < 0.01) await rows.revokePcr(pick(random, PCRS));
  if (random() < 0.03) {
    await rows.approvePcr(pick(random, PCRS));
    for (const node of rows.nodes) if (random() < 0.7) await rows.setEnabled(node, true);
  }
}

describe.each([1, 2, 3])("random history %i", (seed) => {
  test("kept up block by block, begun anew and asked for later: the same bytes", {
    timeout: 240_000,
  }, async () => {
    const random = seeded(seed);
    const rows = new RegistryRows(tables, T0);
    await rows.begin();
    const kept = newSnapshots();
    await kept.refresh();
    const seen: { moment: Moment; scores: unknown }[] = [];
    for (let block = 0; block < 260; block++) {
      await randomBlock(rows, random);
      if (random() < 0.01) await rows.changeMaxAge(pick(random, [900, 1_800, 3_600]));
      await rows.showHead();
      // Several blocks may come at once.
      if (random() < 0.3) continue;
      await kept.refresh();
      if (random() < 0.8) continue;
      expect(said(kept), `block ${rows.block}`).toEqual(await fromScratch());
      const moment = { chainId: OG_CHAIN_ID, blockNumber: rows.block, time: rows.time };
      seen.push({ moment, scores: everything(scoresOf(kept)) });
    }
    expect(log).toEqual([]);
    expect(rows.time - T0).toBeGreaterThan(6 * DAY);
    expect(seen.length).toBeGreaterThan(20);
    for (const { moment, scores } of seen)
      if (random() < 0.4) {
        expect(await atMoment(moment), `at block ${moment.blockNumber}`).toEqual(scores);
        expect(await atMoment(moment, kept), `at block ${moment.blockNumber}, later`).toEqual(scores);
      }
  });
});

/** Days of heartbeats of some nodes, so that older days are folded. */
async function settledNetwork(rows: RegistryRows, days: number): Promise<void> {
  await rows.begin();
  for (const [index, owner] of ["owner-a", "owner-b", "owner-c"].entries())
    await rows.register(`node-${index}`, {
      owner,
      host: `host-${index}.example`,
      payee: `payee-${index}`,
      pcrHash: PCRS[0],
    });
  for (let beats = 0; beats < days * 24; beats++) {
    await rows.nextBlock(3_600);
    for (const node of rows.nodes) await rows.heartbeat(node, rows.time, "relayer-a");
  }
  await rows.showHead();
}

test("a heartbeat that rewrites days long folded leads to what these days say now", async () => {
  const rows = new RegistryRows(tables, T0);
  await settledNetwork(rows, 5);
  const kept = newSnapshots();
  await kept.refresh();
  const before = everything(scoresOf(kept));
  const [node] = rows.nodes;
  if (node === undefined) throw new Error("no node");
  await rows.nextBlock(60);
  // An hourly gap of the third day turns out to have been half as long.
  await rows.heartbeat(node, T0 + 2 * DAY + 1_800, "relayer-a", "legacy");
  await rows.showHead();
  await kept.refresh();
  expect(said(kept)).toEqual(await fromScratch());
  expect(scoresOf(kept).find(node.teeId)?.score).not.toBe(
    before.find(({ teeId }) => teeId === node.teeId)?.score.value,
  );
});

test("a gap that was open when its days were folded may turn out to end before", async () => {
  const rows = new RegistryRows(tables, T0);
  await settledNetwork(rows, 2);
  const [silent, ...others] = rows.nodes;
  if (silent === undefined) throw new Error("no node");
  for (let beats = 0; beats < 96; beats++) {
    await rows.nextBlock(3_600);
    for (const node of others) await rows.heartbeat(node, rows.time, "relayer-a");
  }
  await rows.showHead();
  const kept = newSnapshots();
  await kept.refresh();
  expect(scoresOf(kept).find(silent.teeId)?.history.folded).not.toBeNull();
  await rows.nextBlock(60);
  // Within 1.5 I of its last one: no gap is written, but the open one begins later.
  await rows.heartbeat(silent, silent.figures.lastSignedAt + 1_000, "relayer-a", "legacy");
  await rows.showHead();
  await kept.refresh();
  expect(said(kept)).toEqual(await fromScratch());
});

test("a new key reads the whole past of its relatives again, however long it was folded", async () => {
  const rows = new RegistryRows(tables, T0);
  await settledNetwork(rows, 4);
  const [stopped] = rows.nodes;
  if (stopped === undefined) throw new Error("no node");
  // It stops for days; then its owner registers another one.
  for (let beats = 0; beats < 72; beats++) {
    await rows.nextBlock(3_600);
    for (const node of rows.nodes.slice(1)) await rows.heartbeat(node, rows.time, "relayer-a");
  }
  await rows.showHead();
  const kept = newSnapshots();
  await kept.refresh();
  await rows.nextBlock(60);
  const place = { owner: "owner-a", host: "another.example", payee: "payee-0", pcrHash: PCRS[0] };
  const successor = await rows.register("successor", place);
  for (let hours = 0; hours < 60; hours++) {
    await rows.showHead();
    await kept.refresh();
    if (hours % 20 === 0) expect(said(kept)).toEqual(await fromScratch());
    await rows.nextBlock(3_600);
    await rows.heartbeat(successor, rows.time, "relayer-a");
  }
  expect(scoresOf(kept).find(successor.teeId)?.inherited).not.toBeNull();
  expect(scoresOf(kept).find(successor.teeId)?.history.folded).not.toBeNull();
});

test("excused time is that of silences taken straight from all heartbeats", { timeout: 60_000 }, async () => {
  const random = seeded(7);
  const rows = new RegistryRows(tables, T0);
  await rows.begin();
  for (let index = 0; index < 8; index++)
    await rows.register(`node-${index}`, {
      owner: `owner-${index % 5}`,
      host: `host-${index}.example`,
      payee: `payee-${index}`,
      pcrHash: PCRS[0],
    });
  const operatorOf = new Map(rows.nodes.map(({ teeId, owner }) => [teeId, owner]));
  const kept = newSnapshots();
  let compared = 0;
  const past: { readonly moment: Moment; readonly expected: ReadonlyMap<string, readonly Spell[]> }[] = [];
  for (let block = 0; block < 220; block++) {
    await rows.nextBlock(1 + Math.floor(random() < 0.08 ? 1_300 + random() * 8_000 : random() * 500));
    // Relayers are off for a while, one or all of them.
    const mode = Math.floor(block / 20) % 4;
    for (const [index, node] of rows.nodes.entries())
      if (random() < 0.6 && !(mode === 1 && index < 5)) {
        const relayer = index < 5 ? "relayer-a" : mode === 2 ? "relayer-c" : "relayer-b";
        await rows.heartbeat(node, rows.time - Math.floor(random() * 60), relayer);
      }
    await rows.showHead();
    await kept.refresh();
    const repeats = new Set<unknown>(rows.heartbeats.filter(({ repeated }) => repeated));
    // A second later, so that who is heard at this very second counts; a silence must be long enough without it.
    const silences = silencesOf(rows.heartbeats, operatorOf, (beat) => !repeats.has(beat), rows.time + 1);
    const long = silences.filter(({ fromAt, untilAt }) => (untilAt ?? rows.time) - fromAt > 1_350);
    const expected = excusedSpells(long, rows.time);
    for (const { history } of scoresOf(kept).nodes) {
      expect(history.excused).toEqual(expected.get(history.nodeId) ?? []);
      compared += history.excused.length;
    }
    if (random() < 0.15)
      past.push({ moment: { chainId: OG_CHAIN_ID, blockNumber: rows.block, time: rows.time }, expected });
  }
  expect(compared).toBeGreaterThan(100);
  // A process that was there all along, one that has just begun and one that knows nothing agree on the past.
  const begun = newSnapshots();
  await begun.refresh();
  for (const { moment, expected } of past)
    for (const snapshots of [kept, begun, newSnapshots()])
      for (const { history } of (await pastScores(moment, snapshots)).nodes)
        expect(history.excused, `at block ${moment.blockNumber}`).toEqual(expected.get(history.nodeId) ?? []);
});

test("a silence that is one only by the shorter age that came before it is found from the beginning, too", async () => {
  const rows = new RegistryRows(tables, T0);
  await rows.begin();
  await rows.changeMaxAge(3_600);
  for (const [index, owner] of ["owner-a", "owner-b"].entries())
    await rows.register(`node-${index}`, {
      owner,
      host: `host-${index}.example`,
      payee: `payee-${index}`,
      pcrHash: PCRS[0],
    });
  const kept = newSnapshots();
  const relay = async (afterSeconds: number) => {
    await rows.nextBlock(afterSeconds);
    for (const node of rows.nodes) await rows.heartbeat(node, rows.time, "relayer-a");
    await rows.showHead();
    await kept.refresh();
  };
  for (let beats = 0; beats < 2; beats++) await relay(900);
  await rows.nextBlock(300);
  await rows.changeMaxAge(900);
  await relay(60);
  const silentFrom = rows.time;
  // Longer than 1.5 I by the new age; within 1.5 I of two heartbeats before by the old one.
  await relay(1_000);
  await relay(300);
  const [history] = scoresOf(kept).nodes.map((node) => node.history);
  expect(history?.excused).toEqual([{ fromAt: silentFrom - 450, untilAt: silentFrom + 1_000 + 300 }]);
  expect(said(kept)).toEqual(await fromScratch());
});

test.each([
  { age: 0, interval: 60 },
  { age: Number.MAX_SAFE_INTEGER, interval: 86_400 },
])(
  "with a heartbeatMaxAge of $age, gaps and silences are judged by $interval s",
  async ({ age, interval }) => {
    const rows = new RegistryRows(tables, T0);
    await rows.begin();
    await rows.changeMaxAge(age);
    for (const name of ["a", "b", "c"])
      await rows.register(`node-${name}`, {
        owner: `owner-${name}`,
        host: `host-${name}.example`,
        payee: `payee-${name}`,
        pcrHash: PCRS[0],
      });
    const [failing, ...others] = rows.nodes;
    if (failing === undefined) throw new Error("no node");
    const kept = newSnapshots();
    const relay = async (afterSeconds: number, nodes = rows.nodes) => {
      await rows.nextBlock(afterSeconds);
      for (const node of nodes) await rows.heartbeat(node, rows.time, "relayer");
      await rows.showHead();
      await kept.refresh();
    };
    const historyOf = (teeId: string) => scoresOf(kept).find(teeId)?.history;
    for (let beats = 0; beats < 4; beats++) await relay(1.5 * interval);
    // Within 1.5 I: nobody was down, and the relayer never silent.
    expect(scoresOf(kept).nodes.map(({ uptime }) => uptime)).toEqual([1, 1, 1]);
    expect(scoresOf(kept).nodes.flatMap(({ history }) => history.excused)).toEqual([]);
    // One misses a heartbeat.
    await relay(interval, others);
    await relay(interval);
    expect(scoresOf(kept).find(failing.teeId)?.uptime).toBeLessThan(1);
    expect(historyOf(failing.teeId)?.gaps).toHaveLength(1);
    // The relayer falls silent.
    const silentFrom = rows.time;
    await relay(1.5 * interval + 1);
    expect(historyOf(failing.teeId)?.excused).toEqual([
      // As much of it as is within a day in seven.
      { fromAt: silentFrom - interval, untilAt: Math.min(rows.time, silentFrom - interval + DAY) },
    ]);
    expect(said(kept)).toEqual(await fromScratch());
  },
);

test("a reorganised block, another deployment and an observation are noticed", async () => {
  const rows = new RegistryRows(tables, T0);
  await settledNetwork(rows, 2);
  const kept = newSnapshots();
  await kept.refresh();
  const [node] = rows.nodes;
  if (node === undefined) throw new Error("no node");

  // The newest block is replaced by one in which a node was disabled.
  await tables.client.query("delete from og.heartbeat where block_number = $1 and tee_id = $2", [
    rows.block,
    node.teeId,
  ]);
  await tables.client.query("delete from og.block where number = $1", [rows.block]);
  await tables.block("og", rows.block, rows.time, "b");
  await rows.setEnabled(node, false);
  await kept.refresh();
  expect(said(kept)).toEqual(await fromScratch());
  expect(scoresOf(kept).find(node.teeId)?.status).toBe("disabled");

  // Views that show other tables: the same blocks, and a gap that the others did not know.
  await tables.insert("og", "provedGap", {
    registry: REGISTRY,
    teeId: rows.nodes[1]?.teeId,
    ordinal: 1_000,
    lastSignedAt: T0 + 100,
    nextSignedAt: T0 + 3_500,
    maxAgeSeconds: 1_800,
    knownAt: T0 + 3_600,
  });
  await tables.client.query(`
    create table og.other (like og.heartbeat including all); insert into og.other select * from og.heartbeat;
    drop table og.heartbeat; alter table og.other rename to heartbeat`);
  await kept.refresh();
  expect(said(kept)).toEqual(await fromScratch());

  // A later reading of the registry's view shows another owner.
  const observe = ({ teeId }: { readonly teeId: string }, blockNumber: number, owner: string) =>
    tables.insert("observations", "nodeRecord", {
      registry: REGISTRY,
      teeId,
      blockNumber,
      blockHash: "0x01",
      owner: address(owner),
      endpointHex: "0x68747470733a2f2f782e6578616d706c65",
      tlsCertificate: "0x01",
      pcrHash: PCRS[0],
    });
  const countRevision = () =>
    tables.client.query(
      "insert into observations.revision values (1, 1) on conflict (id) do update set value = revision.value + 1",
    );
  await observe(node, rows.block - 1, "owner-z");
  await countRevision();
  await kept.refresh();
  expect(scoresOf(kept).find(node.teeId)?.evidence.current).toMatchObject({
    owner: address("owner-z"),
    host: "x.example",
  });
  expect(said(kept)).toEqual(await fromScratch());

  // Those made at the chain's head, two blocks ahead of the index, say nothing before their block: of a node that was
  // observed before, and of one that was not.
  const unseen = rows.nodes[2];
  if (unseen === undefined) throw new Error("no node");
  await observe(node, rows.block + 2, "owner-y");
  await observe(unseen, rows.block + 2, "owner-y");
  await countRevision();
  const ownersAfter = async () => {
    await rows.nextBlock(12);
    await rows.showHead();
    await kept.refresh();
    expect(said(kept)).toEqual(await fromScratch());
    return [node, unseen].map(({ teeId }) => scoresOf(kept).find(teeId)?.evidence.current.owner);
  };
  expect(await ownersAfter()).toEqual([address("owner-z"), unseen.owner]);
  expect(await ownersAfter()).toEqual([address("owner-y"), address("owner-y")]);
});

test("while the index recovers the last snapshot stays", async () => {
  const rows = new RegistryRows(tables, T0);
  await settledNetwork(rows, 1);
  const kept = newSnapshots();
  await expect(async () => kept.newest).rejects.toMatchObject({ code: "indexing" });
  await kept.refresh();
  const snapshot = kept.newest;
  await tables.setHead("og", rows.block - 3, rows.time - 3 * 3_600, "not-ready");
  await kept.refresh();
  // Ready again, but not as far as it has answered already.
  await tables.setHead("og", rows.block - 2, rows.time - 2 * 3_600);
  await kept.refresh();
  expect(kept.newest).toBe(snapshot);
  await rows.nextBlock(60);
  await rows.showHead();
  await kept.refresh();
  expect(kept.newest.snapshot.now).toBe(rows.time);
});

function newGate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

test("who asks for the same past as one that gives up gets it all the same", async () => {
  const rows = new RegistryRows(tables, T0);
  await settledNetwork(rows, 1);
  const moment = { chainId: OG_CHAIN_ID, blockNumber: rows.block - 3, time: rows.time - 3 * 3_600 };
  const snapshots = newSnapshots();
  await reader.read(async (transaction) => {
    const computes = newGate();
    const joined = newGate();
    let statements = 0;
    const givesUp: ReadTransaction = {
      ...transaction,
      rows: async (query) => {
        if (++statements <= 2) return transaction.rows(query);
        // It computes already, and the other one waits for it.
        computes.open();
        await joined.opened;
        throw new Abandoned();
      },
    };
    const first = snapshots.scoresAt(givesUp, moment, REGISTRY);
    await computes.opened;
    const second = reader.read((other) => {
      const waiting = snapshots.scoresAt(other, moment, REGISTRY);
      setTimeout(joined.open, 300);
      return waiting;
    });
    await expect(first).rejects.toBeInstanceOf(Abandoned);
    expect(everything(await second)).toEqual(await atMoment(moment));
  });
});
