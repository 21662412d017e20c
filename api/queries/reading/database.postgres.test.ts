import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "drizzle-orm";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { Abandoned } from "../../errors.ts";
import { statementsOf } from "../../testing/statements.ts";
import { createReader, type Reader, type ReadOptions, type ReadTransaction } from "./database.ts";

let database: TestDatabase;
let observer: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  observer = new pg.Client({ connectionString: database.url });
  await observer.connect();
});
afterAll(async () => {
  await observer.end();
  await database.drop();
});

const readerOf = (connections: number, connectWithinMs = 5_000): Reader =>
  createReader({ urls: [database.url], connections, connectWithinMs, onConnectionError: () => {} });

const sleeping = (transaction: ReadTransaction, seconds: number) =>
  transaction.rows(sql`select pg_sleep(${seconds})`);

async function statementsUnderWay(): Promise<number> {
  const { rows } = await observer.query<{ count: number }>(
    "select count(*)::int as count from pg_stat_activity where datname = current_database() and application_name = 'api' and state <> 'idle'",
  );
  return rows[0]?.count ?? -1;
}

const until = async (wanted: number) => {
  const deadline = performance.now() + 5_000;
  while ((await statementsUnderWay()) !== wanted) {
    if (performance.now() > deadline) throw new Error(`not ${wanted} statements within 5 s`);
    await sleep(20);
  }
};

test("a statement ends when nobody waits for it any more, and its connection is used again", async () => {
  const reader = readerOf(1);
  try {
    const gone = new AbortController();
    const read = reader.read((transaction) => sleeping(transaction, 60), { signal: gone.signal });
    const refused = expect(read).rejects.toThrow(Abandoned);
    await until(1);
    gone.abort();
    await refused;
    await until(0);
    expect(await reader.read((transaction) => transaction.rows(sql`select 1 as one`))).toEqual([{ one: 1 }]);
    expect(reader.usage()).toEqual({ connections: 1, inUse: 0, waiting: 0 });
    await expect(reader.read(async () => 1, { signal: gone.signal })).rejects.toThrow(Abandoned);
  } finally {
    await reader.close();
  }
});

test("connections that are all in use are `busy`, a server that cannot be reached is `database-unavailable`", async () => {
  const reader = readerOf(1, 200);
  try {
    const long = reader.read((transaction) => sleeping(transaction, 1));
    await until(1);
    await expect(reader.read(async () => 1)).rejects.toMatchObject({ code: "busy", retryAfterSeconds: 2 });
    await long;
    expect(await reader.read(async () => 1)).toBe(1);
  } finally {
    await reader.close();
  }
  const nowhere = createReader({
    urls: ["postgres://nobody@127.0.0.1:1/none"],
    onConnectionError: () => {},
  });
  try {
    await expect(nowhere.read(async () => 1)).rejects.toMatchObject({ code: "database-unavailable" });
  } finally {
    await nowhere.close();
  }
});

test("a server that is silent beyond every time limit is unavailable, and its connection given up", async () => {
  const reader = createReader({
    urls: [database.url],
    connections: 1,
    statementTimeoutMs: 200,
    silenceMs: 100,
    onConnectionError: () => {},
  });
  try {
    const read = reader.read(async (transaction) => {
      // A server that does not mind its time limit is as good as one that is gone.
      await transaction.rows(sql`select set_config('statement_timeout', '0', true)`);
      await sleeping(transaction, 1);
    });
    await expect(read).rejects.toMatchObject({ code: "database-unavailable" });
    expect(await reader.read((transaction) => transaction.rows(sql`select 1 as one`))).toEqual([{ one: 1 }]);
    expect(reader.usage()).toEqual({ connections: 1, inUse: 0, waiting: 0 });
    await until(0);
  } finally {
    await reader.close();
  }
});

test("bulk reads leave half of the connections to others", async () => {
  const reader = readerOf(4, 300);
  try {
    const walks = Array.from({ length: 6 }, () =>
      reader.read((transaction) => sleeping(transaction, 0.4), { share: "bulk" }),
    );
    await until(2);
    expect(reader.usage()).toEqual({ connections: 4, inUse: 2, waiting: 4 });
    const begun = performance.now();
    expect(await reader.read(async () => "short")).toBe("short");
    expect(performance.now() - begun).toBeLessThan(300);
    // They wait for their turn longer than anybody waits for a connection, and none is refused.
    await Promise.all(walks);
  } finally {
    await reader.close();
  }
});

test("a reader that is in the way of whoever locks the tables is told that the index recovers", async () => {
  await observer.query("create table one (a int); create table other (a int)");
  const reader = readerOf(1);
  try {
    await observer.query("begin; set local deadlock_timeout = '60s'; lock other");
    let locked: Promise<unknown> = Promise.resolve();
    const read = reader.read(async (transaction) => {
      await transaction.rows(sql`select a from one`);
      locked = observer.query("lock one");
      await transaction.rows(sql`select a from other`);
    });
    await expect(read).rejects.toMatchObject({ code: "indexing", retryAfterSeconds: 1 });
    await locked;
    await observer.query("rollback");
  } finally {
    await reader.close();
  }
});

/** Reads that go on until they are ended. */
class HeldReads {
  #ends: (() => void)[] = [];

  constructor(private readonly reader: Reader) {}

  begin(options: ReadOptions): Promise<void> {
    return this.reader.read(() => new Promise<void>((resolve) => void this.#ends.push(resolve)), options);
  }

  /** Ends those under way, and whatever begins then. */
  async endAll(): Promise<void> {
    while (this.reader.usage().inUse > 0) {
      for (const end of this.#ends.splice(0)) end();
      await sleep(1);
    }
  }
}

test("a client with many questions leaves half of the connections to others", async () => {
  const reader = readerOf(4);
  const held = new HeldReads(reader);
  try {
    const greedy = Array.from({ length: 20 }, () => held.begin({ client: "greedy" }));
    await until(2);
    expect(reader.usage()).toEqual({ connections: 4, inUse: 2, waiting: 18 });
    expect(await reader.read(async () => "answered", { client: "modest" })).toBe("answered");
    const walks = Array.from({ length: 5 }, () => held.begin({ client: "another", share: "bulk" }));
    await until(3);
    expect(reader.usage()).toEqual({ connections: 4, inUse: 3, waiting: 22 });
    await held.endAll();
    await Promise.all([...greedy, ...walks]);
  } finally {
    await reader.close();
  }
});

test("answers to events leave bulk reads their connections, whoever asks", async () => {
  const reader = readerOf(8);
  const held = new HeldReads(reader);
  try {
    const events = Array.from({ length: 60 }, () => held.begin({ share: "events" }));
    await until(2);
    expect(reader.usage()).toEqual({ connections: 8, inUse: 2, waiting: 58 });
    const walks = Array.from({ length: 3 }, () => held.begin({ share: "bulk" }));
    await until(4);
    expect(reader.usage()).toEqual({ connections: 8, inUse: 4, waiting: 59 });
    expect(await reader.read(async () => "short")).toBe("short");
    await held.endAll();
    await Promise.all([...events, ...walks]);
  } finally {
    await reader.close();
  }
});

test("a question that nobody waits for any more never reaches the database", async () => {
  const reader = readerOf(1);
  const held = new HeldReads(reader);
  const gone = new AbortController();
  try {
    const first = held.begin({});
    await until(1);
    const abandoned = (["bulk", "events", undefined] as const).map((share) =>
      reader.read(async () => "never", { ...(share !== undefined && { share }), signal: gone.signal }),
    );
    const refused = Promise.all(abandoned.map((read) => expect(read).rejects.toThrow(Abandoned)));
    const statements = await statementsOf(async () => {
      gone.abort();
      await refused;
      expect(reader.usage().waiting).toBe(0);
      await held.endAll();
      await first;
    });
    expect(statements).toEqual(["commit"]);
  } finally {
    await reader.close();
  }
});
