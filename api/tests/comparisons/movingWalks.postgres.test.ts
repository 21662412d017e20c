/** Walks over pages while rows are written and reorgs happen: no item is repeated, and none that existed at the start is missing. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { COMPARED_LISTS, type Item } from "../../testing/comparisons/comparedLists.ts";
import { createTestApi, type TestApi } from "../../testing/testApi.ts";
import { ChainTables } from "../../testing/worlds/chainTables.ts";
import { type Chain, DEEPEST_REORG, type Move, MovingWorld } from "../../testing/worlds/movingWorld.ts";
import { HEAD } from "../../testing/worlds/networkWorld.ts";

const SEED = 3_301;

let database: TestDatabase;
let tables: ChainTables;
let world: MovingWorld;
let api: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  tables = await ChainTables.create(database.url);
  world = new MovingWorld(tables);
  await world.begin();
  api = createTestApi(database.url);
  api.now = HEAD + 10_000;
});
afterAll(async () => {
  await api.close();
  await tables.close();
  await database.drop();
});

interface Walked {
  /** The list's name in `COMPARED_LISTS`. */
  readonly name: string;
  /** The fields that identify an item, the same in REST and GraphQL. */
  readonly keys: Readonly<Record<string, string>>;
  /** The chain of its rows, then the other source of its fields: a cursor is pinned to both. */
  readonly chains: readonly [Chain, ...Chain[]];
  /** Whether the verifier may add items in between. */
  readonly grows?: true;
}

/** REST's fields and their names in GraphQL. `models` is sorted by a changing key, as documented. */
const WALKED: readonly Walked[] = [
  { name: "nodes", keys: { teeId: "teeId" }, chains: ["og", "base"] },
  { name: "settlements", keys: { id: "eventId" }, chains: ["og"] },
  { name: "inferences", keys: { id: "inferenceId" }, chains: ["og"], grows: true },
  { name: "onchainInferences", keys: { id: "eventId" }, chains: ["og"] },
  { name: "operators", keys: { address: "address" }, chains: ["og", "base"] },
  { name: "pcrs", keys: { hash: "hash" }, chains: ["og"] },
  { name: "teeTypes", keys: { id: "typeId" }, chains: ["og"] },
  { name: "heartbeats of a node", keys: { id: "eventId" }, chains: ["og"] },
  { name: "events of a node", keys: { id: "eventId" }, chains: ["og"] },
  { name: "intervals of a node", keys: { notion: "notion", fromAt: "fromAt" }, chains: ["og"] },
  { name: "payments", keys: { id: "eventId" }, chains: ["base", "og"] },
  { name: "channels", keys: { channelId: "channelId" }, chains: ["base"] },
];

const keyOf = (item: Item, fields: readonly string[]): string =>
  fields.map((field) => String(item[field]).toLowerCase()).join(" ");

/** A page's keys in the list's order, and its cursor; `expired`: a reorg took back the state that the walk is pinned to. */
type PageOf = { readonly keys: readonly string[]; readonly next: string | null } | "expired";

async function restPage({ name, keys }: Walked, size: number, after: string | null): Promise<PageOf> {
  const parameters = new URLSearchParams({ limit: String(size), ...(after === null ? {} : { after }) });
  const response = await api.get(`${COMPARED_LISTS[name]?.path}?${parameters}`);
  const body = await response.json();
  if (response.status === 410 && body.code === "cursor-expired") return "expired";
  expect([response.status, body.code]).toEqual([200, undefined]);
  const { items, pageInfo } = body;
  return {
    keys: items.map((item: Item) => keyOf(item, Object.keys(keys))),
    next: pageInfo.hasNextPage ? pageInfo.endCursor : null,
  };
}

type Direction = "forward" | "backward";

async function graphPage(
  { name, keys }: Walked,
  direction: Direction,
  size: number,
  cursor: string | null,
): Promise<PageOf> {
  const { field = "", below } = COMPARED_LISTS[name] ?? {};
  const [count, from] = direction === "forward" ? ["first", "after"] : ["last", "before"];
  const args = `${count}: ${size}${cursor === null ? "" : `, ${from}: "${cursor}"`}`;
  const fields = Object.values(keys);
  const list = `list: ${field}(${args}) { nodes { ${fields.join(" ")} }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }`;
  const response = await api.fetch("/graphql", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query: below === undefined ? `{ ${list} }` : `{ below: ${below} { ${list} } }` }),
  });
  const { data, errors } = await response.json();
  if (errors?.[0]?.extensions.code === "cursor-expired") return "expired";
  expect(errors).toBeUndefined();
  const { nodes, pageInfo } = (data.below ?? data).list;
  const next = direction === "forward" ? pageInfo.endCursor : pageInfo.startCursor;
  const goesOn = direction === "forward" ? pageInfo.hasNextPage : pageInfo.hasPreviousPage;
  return { keys: nodes.map((node: Item) => keyOf(node, fields)), next: goesOn ? next : null };
}

const everything = async (walked: Walked): Promise<readonly string[]> => {
  const page = await restPage(walked, 1_000, null);
  if (page === "expired" || page.next !== null) throw new Error(`${walked.name} does not fit a page`);
  return page.keys;
};

/**
 * @param there - the list's items when the walk started, in order.
 * @param seen - the items of the walk, in order.
 * @throws {Error} naming the repeated, missing or misplaced items.
 */
function checkWalk(there: readonly string[], seen: readonly string[], walked: Pick<Walked, "grows">): void {
  const twice = seen.filter((key, index) => seen.indexOf(key) !== index);
  if (twice.length > 0) throw new Error(`twice: ${twice}`);
  const missing = there.filter((key) => !seen.includes(key));
  if (missing.length > 0) throw new Error(`missing: ${missing}`);
  const known = walked.grows ? seen.filter((key) => there.includes(key)) : seen;
  if (JSON.stringify(known) !== JSON.stringify(there)) throw new Error(`in another order: ${known}`);
}

const reorgsOf = ({ chains }: Walked): number => chains.reduce((sum, chain) => sum + world.reorgs[chain], 0);

/** How walks ended. */
const ends = { whole: 0, moved: 0, expired: 0 };

/** Walks while the world moves. @param pages - reads the next page; null after the last one. */
async function walk(
  walked: Walked,
  moves: readonly (readonly Move[])[],
  pages: () => Promise<readonly string[] | "expired" | null>,
  direction: Direction = "forward",
): Promise<void> {
  const there = await everything(walked);
  const reorgs = reorgsOf(walked);
  let seen: readonly string[] = [];
  for (let turn = 0; ; turn++) {
    const page = await pages();
    if (page === null) break;
    if (page === "expired") {
      // Only blocks that are not final can be taken back, and until then the walk was right.
      expect(reorgsOf(walked)).toBeGreaterThan(reorgs);
      const part =
        direction === "forward" ? there.slice(0, seen.length) : there.slice(there.length - seen.length);
      if (!walked.grows) checkWalk(part, seen, walked);
      ends.expired += 1;
      return;
    }
    seen = direction === "forward" ? [...seen, ...page] : [...page, ...seen];
    for (const move of moves[turn] ?? []) {
      await world.move(move);
      ends.moved += 1;
    }
  }
  checkWalk(there, seen, walked);
  ends.whole += 1;
}

/** The change after each of the first pages, most often to the list's own chain. */
function moves({ chains: [own] }: Walked): fc.Arbitrary<readonly (readonly Move[])[]> {
  const chain = fc.constantFrom<Chain>(own, own, "og", "base");
  const blocks = fc.integer({ min: 1, max: 2 });
  const depth = fc.integer({ min: 1, max: DEEPEST_REORG });
  const move = fc.oneof<fc.WeightedArbitrary<Move>[]>(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("grow"), chain, blocks }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("reorg"), chain, depth }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("judge") }) },
  );
  return fc.array(fc.array(move, { maxLength: 2 }), { minLength: 1, maxLength: 4 });
}

/** Pages by cursor. @param sizes - the sizes of the first pages; the last one holds for the rest. */
function byCursor(
  sizes: readonly [...number[], number],
  page: (size: number, cursor: string | null) => Promise<PageOf>,
) {
  let cursor: string | null = null;
  let turn = 0;
  let over = false;
  return async () => {
    if (over) return null;
    const got = await page(sizes[Math.min(turn++, sizes.length - 1)] ?? 1, cursor);
    if (got === "expired") return got;
    cursor = got.next;
    over = cursor === null;
    return got.keys;
  };
}

/** A page for each chunk of the response, which is written on demand. */
async function byLines(walked: Walked, size: number) {
  const { path = "" } = COMPARED_LISTS[walked.name] ?? {};
  let text = "";
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  const decoder = new TextDecoder();
  return async () => {
    if (reader === undefined) {
      const response = await api.get(`${path}?format=ndjson&all=true&limit=${size}`);
      expect(response.status).toBe(200);
      reader = response.body?.getReader();
    }
    const { done = true, value } = (await reader?.read()) ?? {};
    if (done) {
      expect(text).toBe("");
      return null;
    }
    text += decoder.decode(value, { stream: true });
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    const items: Item[] = lines.map((line) => JSON.parse(line));
    if (items.some((item) => item.code === "cursor-expired")) return "expired" as const;
    return items.map((item) => keyOf(item, Object.keys(walked.keys)));
  };
}

describe.each(WALKED.map((walked, index) => [walked.name, walked, index] as const))(
  "%s",
  (_, walked, index) => {
    /** A different history for each test. */
    const runs = (way: number) => ({ seed: SEED + 10 * index + way, numRuns: 4 });
    /** Short pages, so that the blocks that a reorg may replace are not all in the first one. */
    const shortFirst = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 6 });
    // Enough pages for the world to move in between, however long the list is.
    const share = fc.integer({ min: 3, max: 9 });
    const sized = async (pages: number, most = 1_000) =>
      Math.min(most, Math.max(1, Math.ceil((await everything(walked)).length / pages)));

    test("page by page", { timeout: 60_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(shortFirst, moves(walked), async (sizes, between) => {
          await walk(
            walked,
            between,
            byCursor([...sizes, 1_000], (size, after) => restPage(walked, size, after)),
          );
        }),
        runs(0),
      );
    });

    test("by GraphQL, forward", { timeout: 60_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(shortFirst, moves(walked), async (sizes, between) => {
          const page = byCursor([...sizes, 100], (size, cursor) =>
            graphPage(walked, "forward", size, cursor),
          );
          await walk(walked, between, page, "forward");
        }),
        runs(1),
      );
    });

    test("by GraphQL, backward", { timeout: 60_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(share, moves(walked), async (pages, between) => {
          const page = byCursor([await sized(pages, 100)], (size, cursor) =>
            graphPage(walked, "backward", size, cursor),
          );
          await walk(walked, between, page, "backward");
        }),
        runs(2),
      );
    });

    test("as NDJSON with all=true", { timeout: 60_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(share, moves(walked), async (pages, between) => {
          await walk(walked, between, await byLines(walked, await sized(pages)));
        }),
        runs(3),
      );
    });
  },
);

test("the chains moved during the walks, and some cursors expired", () => {
  expect(ends.moved).toBeGreaterThan(200);
  expect(ends.whole).toBeGreaterThan(100);
  expect(ends.expired).toBeGreaterThan(10);
});

describe("the check", () => {
  const payments: Walked = { name: "payments", keys: { id: "eventId" }, chains: ["base", "og"] };

  /** Offset paging, which must fail the check. */
  function byOffset() {
    let offset = 0;
    return async () => {
      const { rows } = await tables.client.query<{ id: string }>(
        `select chain_id || '-' || tx_hash || '-' || log_index as id from base.payment
         order by block_number desc, log_index desc limit 5 offset ${offset}`,
      );
      offset += 5;
      return rows.length === 0 ? null : rows.map(({ id }) => id);
    };
  }

  test("fails for offset paging that repeats rows while others are written", async () => {
    const grow: Move = { kind: "grow", chain: "base", blocks: 1 };
    await expect(walk(payments, [[grow]], byOffset())).rejects.toThrow(/^twice: /);
    await expect(walk(payments, [], byOffset())).resolves.toBeUndefined();
  });

  test("fails for offset paging that skips rows after a reorg", async () => {
    const takeBack = async () => {
      await tables.client.query(
        "delete from base.payment where (block_number, log_index) in (select block_number, log_index from base.payment order by 1 desc, 2 desc limit 2)",
      );
    };
    const page = byOffset();
    let turn = 0;
    const disturbed = async () => {
      if (turn++ === 1) await takeBack();
      return page();
    };
    await expect(walk(payments, [], disturbed)).rejects.toThrow(/^missing: /);
  });

  test("fails for a wrong order and for foreign rows", () => {
    expect(() => checkWalk(["a", "b"], ["b", "a"], {})).toThrow(/order/);
    expect(() => checkWalk(["a", "b"], ["a", "x", "b"], {})).toThrow(/order/);
    expect(() => checkWalk(["a", "b"], ["a", "x", "b"], { grows: true })).not.toThrow();
  });
});
