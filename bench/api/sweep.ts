/**
 * Every kind of request within the limits, once each, and the cost of the slowest and largest: lists with each filter and each
 * pair of filters, over old and recent periods, from their middle, with the longest pages; the same over GraphQL with counts;
 * single objects, aggregates and series; nested GraphQL queries; and a walk over a million rows.
 */
import { rounded } from "../figures.ts";
import { ApiProcess } from "./apiProcess.ts";
import { type Answer, ask } from "./ask.ts";
import { combinations, everyList, type ListQuestion, ranges } from "./everyList.ts";
import { everyNesting } from "./everyNesting.ts";
import { everyThing } from "./everyThing.ts";
import type { Examples } from "./examples.ts";

const MAX_PAGE_SIZE = "1000";
const MAX_CONNECTION_SIZE = 100;
const WALKED_ROWS = 1_000_000;
/** Rows after which a walk has warmed up. */
const WALK_BEGINS = 50_000;
const SHOWN = 25;

interface Asked extends Answer {
  readonly question: string;
  /** By how much the process' memory grew at most, compared to before the question. */
  readonly megabytes: number;
}

interface WalkFigures {
  readonly walkedRows: number;
  readonly walkedRowsPerSecond: number;
  /** Growth from its beginning to its end. */
  readonly megabytesOfWalk: number;
}

export interface EverythingFigures extends WalkFigures {
  readonly questions: number;
  /** Those that were stopped by the statement time-out, or failed. */
  readonly unanswered: number;
  readonly slowest: string;
  readonly slowestMs: number;
  readonly megabytesOfOne: number;
}

/** Makes memory growth during a walk reflect what is retained, not what is still to be collected. */
const TIGHT_HEAP = ["--max-old-space-size=128"];

/** Asks processes of its own. */
export async function askEverything(databaseUrl: string, examples: Examples): Promise<EverythingFigures> {
  const within = async <Figures>(
    nodeFlags: readonly string[],
    measure: (api: ApiProcess) => Promise<Figures>,
  ): Promise<Figures> => {
    const api = await ApiProcess.start(databaseUrl, nodeFlags);
    try {
      return await measure(api);
    } finally {
      await api.stop();
    }
  };
  return {
    ...(await within([], (api) => askAll(api, examples))),
    ...(await within(TIGHT_HEAP, walkRows)),
  };
}

async function askAll(
  api: ApiProcess,
  examples: Examples,
): Promise<Omit<EverythingFigures, keyof WalkFigures>> {
  const lists = everyList(examples);
  const paths = [
    ...everyThing(examples),
    ...lists.flatMap((list) => listPaths(list, examples)),
    ...lists.flatMap(graphqlPaths),
    ...everyNesting(examples).map((query) => pathOf("/graphql", { query })),
  ];
  const asked: Asked[] = [];
  const askOne = async (path: string) => {
    const { nowMegabytes } = api.memory();
    api.forgetPeak();
    const answer = await ask(api.url + path);
    asked.push({ ...answer, question: path, megabytes: api.memory().peakMegabytes - nowMegabytes });
  };
  for (const path of new Set(paths)) await askOne(path);
  for (const list of lists) for (const path of await pathsFromMiddle(api, list)) await askOne(path);
  show("slowest", asked, ({ ms }) => ms);
  show("most memory", asked, ({ megabytes }) => megabytes);
  const failed = asked.filter(({ problem }) => problem !== null);
  for (const { question, status, problem } of failed.slice(0, SHOWN))
    console.log(`${decodeURIComponent(question)}: ${status} ${problem}`);
  const slowest = asked.reduce((one, other) => (other.ms > one.ms ? other : one));
  return {
    questions: asked.length,
    unanswered: failed.length,
    slowest: slowest.question,
    slowestMs: rounded(slowest.ms),
    megabytesOfOne: rounded(Math.max(...asked.map(({ megabytes }) => megabytes))),
  };
}

const pathOf = (path: string, parameters: Readonly<Record<string, string>>): string =>
  `${path}?${new URLSearchParams(parameters)}`;

function listPaths({ path, filters, ranged }: ListQuestion, examples: Examples): readonly string[] {
  return combinations(filters).flatMap((chosen) => [
    ...(ranged ? ranges(examples) : [{}]).map((range) => pathOf(path, { ...chosen, ...range })),
    ...(Object.keys(chosen).length < 2 ? [pathOf(path, { ...chosen, limit: MAX_PAGE_SIZE })] : []),
  ]);
}

/** Arguments that are no filters. */
const ARGUMENTS: readonly string[] = ["at", "sort", "registry"];
/** Filters whose values are words but not those of an enumeration. */
const TEXTS: readonly string[] = ["model", "modelCid", "registry"];

/** Both ends of a list, with its exact count. */
function graphqlPaths({ field, item, filters }: ListQuestion): readonly string[] {
  if (field === "") return [];
  return combinations(filters).flatMap((chosen) => {
    const given = Object.entries(chosen).map(([name, value]) => ({
      name,
      literal: `${name}: ${TEXTS.includes(name) || value.startsWith("0x") ? JSON.stringify(value) : literalOf(value)}`,
    }));
    const isArgument = ({ name }: { readonly name: string }) =>
      ARGUMENTS.includes(name) && !(field === "nodes" && name === "registry");
    const filter = given.filter((one) => !isArgument(one)).map(({ literal }) => literal);
    return ["first", "last"].map((end) => {
      const all = [
        `${end}: ${MAX_CONNECTION_SIZE}`,
        ...given.filter(isArgument).map(({ literal }) => literal),
        ...(filter.length > 0 ? [`filter: { ${filter.join(", ")} }`] : []),
      ];
      const query = `{ ${field}(${all.join(", ")}) { totalCount totalCountAtLeast nodes { ${item} } pageInfo { endCursor } } }`;
      return pathOf("/graphql", { query });
    });
  });
}

/** Booleans and numbers as they are, words as members of an enumeration: `lastSeenAt` is `LAST_SEEN_AT`. */
const literalOf = (value: string): string =>
  /^(true|false|\d+)$/.test(value)
    ? value
    : value
        .replaceAll(/[A-Z]/g, (letter) => `_${letter}`)
        .replaceAll("-", "_")
        .toUpperCase();

/** Cursors are opaque to everyone else; here one is moved to where a walk would be half-way. */
async function pathsFromMiddle(
  api: ApiProcess,
  { path, filters, middle }: ListQuestion,
): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const chosen of combinations(filters)) {
    if (Object.keys(chosen).length > 1) continue;
    const answer = await fetch(api.url + pathOf(path, { ...chosen, limit: "1" }));
    const { pageInfo } = (await answer.json()) as { pageInfo?: { endCursor: string | null } }; // by openapi.json
    if (pageInfo?.endCursor == null) continue;
    const cursor = JSON.parse(Buffer.from(pageInfo.endCursor, "base64url").toString()) as { k: unknown[] }; // queries/state/cursor.ts
    if (cursor.k.length !== middle.length) continue;
    const after = Buffer.from(JSON.stringify({ ...cursor, k: middle })).toString("base64url");
    paths.push(pathOf(path, { ...chosen, after }));
  }
  return paths;
}

/** Payments as lines, all of them up to a million. */
async function walkRows(api: ApiProcess): Promise<WalkFigures> {
  const answer = await fetch(`${api.url}/v1/payments?format=ndjson&all=true&limit=${MAX_PAGE_SIZE}`);
  const beganAt = performance.now();
  let walkedRows = 0;
  let beganWith: number | undefined;
  const reader = answer.body?.getReader();
  while (reader !== undefined && walkedRows < WALKED_ROWS) {
    const { value, done } = await reader.read();
    if (done) break;
    for (const byte of value) if (byte === 0x0a) walkedRows += 1;
    if (beganWith === undefined && walkedRows >= WALK_BEGINS) {
      beganWith = api.memory().nowMegabytes;
      api.forgetPeak();
    }
  }
  const walkedRowsPerSecond = rounded((walkedRows * 1_000) / (performance.now() - beganAt));
  await reader?.cancel();
  const { peakMegabytes } = api.memory();
  const megabytesOfWalk = rounded(peakMegabytes - (beganWith ?? peakMegabytes));
  console.log(
    `walked ${walkedRows.toLocaleString("en")} rows, ${walkedRowsPerSecond} rows/s, memory grew by ${megabytesOfWalk} MB`,
  );
  return { walkedRows, walkedRowsPerSecond, megabytesOfWalk };
}

function show(title: string, asked: readonly Asked[], figure: (one: Asked) => number): void {
  console.log(title);
  const most = [...asked].sort((one, other) => figure(other) - figure(one)).slice(0, SHOWN);
  console.table(
    most.map(({ ms, megabytes, bytes, question }) => ({
      ms: rounded(ms),
      MB: rounded(megabytes, 1),
      kB: rounded(bytes / 1_000),
      question: decodeURIComponent(question).slice(0, 150),
    })),
  );
}
