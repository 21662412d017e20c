import { sql } from "drizzle-orm";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { BatchedTransaction } from "./batchedTransaction.ts";
import { createReader, type Reader, type ReadTransaction } from "./database.ts";

let database: TestDatabase;
let reader: Reader;

beforeAll(async () => {
  database = await createTestDatabase();
  reader = createReader({ urls: [database.url], connections: 2, onConnectionError: () => {} });
});
afterAll(async () => {
  await reader.close();
  await database.drop();
});

/** A transaction that counts its statements. */
const counted = (transaction: ReadTransaction) => {
  const counter = {
    statements: 0,
    rows: <Row>(...args: Parameters<ReadTransaction["rows"]>) => {
      counter.statements += 1;
      return transaction.rows<Row>(...args);
    },
    attempt: <Row>(...args: Parameters<ReadTransaction["attempt"]>) => {
      counter.statements += 1;
      return transaction.attempt<Row>(...args);
    },
  };
  return counter;
};

/** Rows in an order that only `order by` makes, with every type that queries select. */
const series = (length: number, step: number) => sql`
  select n, n::int8 as wide, (n * ${step}::int)::numeric as product, 'row ' || n as text, case when n % 2 = 0 then null end as none
  from generate_series(1, ${length}::int) n order by (n * ${step}::int) % 7 desc, n desc limit ${length}`;

test("the same answers in the same order, in one statement for each shape", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(12), fc.integer({ min: 1, max: 6 })), { minLength: 1, maxLength: 130 }),
      async (questions) =>
        reader.read(async (transaction) => {
          const counter = counted(transaction);
          const batched = new BatchedTransaction(counter);
          const together = await Promise.all([
            ...questions.map(([length, step]) => batched.rows(series(length, step))),
            batched.rows(sql`select 1 as one`),
          ]);
          const distinct = new Set(questions.map(String)).size;
          expect(counter.statements).toBe(1 + Math.ceil(distinct / 100));
          const alone = [];
          for (const [length, step] of questions) alone.push(await transaction.rows(series(length, step)));
          expect(together).toEqual([...alone, [{ one: 1 }]]);
        }),
    ),
    { numRuns: 25 },
  );
});

test("what follows from an answer is joined again", () =>
  reader.read(async (transaction) => {
    const counter = counted(transaction);
    const batched = new BatchedTransaction(counter);
    const walk = async (start: number) => {
      const [first] = await batched.rows<{ next: number }>(sql`select ${start}::int + 1 as next`);
      await Promise.resolve();
      const [second] = await batched.rows<{ last: number }>(sql`select ${first?.next}::int * 10 as last`);
      return second?.last;
    };
    expect(await Promise.all([1, 2, 3, 4].map(walk))).toEqual([20, 30, 40, 50]);
    expect(counter.statements).toBe(2);
  }));

test("an attempt at a table that is not there harms nobody beside it", () =>
  reader.read(async (transaction) => {
    const batched = new BatchedTransaction(transaction);
    const [absent, present, one] = await Promise.all([
      batched.attempt(sql`select 1 from nowhere.nothing where 1 = ${1}`),
      batched.attempt(sql`select 2::int as two`),
      batched.rows(sql`select 1 as one`),
    ]);
    expect([absent, present, one]).toEqual([null, [{ two: 2 }], [{ one: 1 }]]);
    expect(batched.failure).toBeNull();
  }));

test("after a failure everything fails, with what went wrong first", async () => {
  const work = reader.read(async (transaction) => {
    const batched = new BatchedTransaction(transaction);
    const outcomes = await Promise.allSettled([
      batched.rows(sql`select 1 / ${0}::int as x`),
      batched.rows(sql`select 2 as two`),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await expect(batched.rows(sql`select 3 as three`)).rejects.toMatchObject({ code: "22012" });
    expect(batched.failure).not.toBeNull();
    throw batched.failure?.error;
  });
  await expect(work).rejects.toMatchObject({ code: "22012" });
});
