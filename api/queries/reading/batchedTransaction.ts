/**
 * One statement for many questions. Whatever walks a graph asks the same question of each of its rows; asked in the same
 * turn of the event loop, questions whose statements differ in their parameters only go to Postgres as one.
 */
import { type SQL, sql } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import type { ReadTransaction } from "./database.ts";

/** Statements joined into one: each is planned for itself, so more would gain little. */
const MAX_JOINED = 100;

/** Columns that say which question a row answers, and its place there; no query of ours has columns named so. */
const QUESTION = "batch:question";
const PLACE = "batch:place";

type Row = Readonly<Record<string, unknown>>;
type Mode = "rows" | "attempt";

interface Question {
  readonly query: SQL;
  readonly parameters: string;
  readonly resolve: (rows: readonly Row[] | null) => void;
  readonly reject: (error: unknown) => void;
}

/** Questions of one shape; those with equal parameters share an answer. */
interface Group {
  readonly mode: Mode;
  readonly questions: Question[];
}

const dialect = new PgDialect();

const bigintAsText = (_: string, value: unknown) => (typeof value === "bigint" ? `${value}n` : value);

/**
 * Wraps a transaction: same answers, fewer statements. Statements run one at a time, so that an attempt's savepoint
 * covers nothing else. After a statement has failed the transaction is over: whatever is asked then fails likewise.
 */
export class BatchedTransaction implements ReadTransaction {
  readonly #transaction: ReadTransaction;
  #waiting = new Map<string, Group>();
  #working = false;
  #failure: { readonly error: unknown } | null = null;

  constructor(transaction: ReadTransaction) {
    this.#transaction = transaction;
  }

  /** What ended the transaction before its time; null while it is whole. */
  get failure(): { readonly error: unknown } | null {
    return this.#failure;
  }

  async rows<R>(query: SQL): Promise<readonly R[]> {
    const rows = await this.#ask("rows", query);
    // The query and its row type are written side by side; nothing here can know it.
    return (rows ?? []) as readonly R[];
  }

  async attempt<R>(query: SQL): Promise<readonly R[] | null> {
    return (await this.#ask("attempt", query)) as readonly R[] | null; // as above
  }

  #ask(mode: Mode, query: SQL): Promise<readonly Row[] | null> {
    const { sql: text, params } = dialect.sqlToQuery(query);
    const shape = `${mode} ${text}`;
    return new Promise((resolve, reject) => {
      const question = { query, parameters: JSON.stringify(params, bigintAsText), resolve, reject };
      const group = this.#waiting.get(shape);
      if (group === undefined) this.#waiting.set(shape, { mode, questions: [question] });
      else group.questions.push(question);
      if (!this.#working) {
        this.#working = true;
        void this.#work();
      }
    });
  }

  async #work(): Promise<void> {
    for (;;) {
      await turnEnds();
      const groups = this.#waiting;
      if (groups.size === 0) break;
      this.#waiting = new Map();
      for (const group of groups.values()) await this.#answer(group);
    }
    this.#working = false;
  }

  async #answer({ mode, questions }: Group): Promise<void> {
    const shared = new Map<string, Question[]>();
    for (const question of questions) {
      const equal = shared.get(question.parameters);
      if (equal === undefined) shared.set(question.parameters, [question]);
      else equal.push(question);
    }
    const distinct = [...shared.values()];
    for (let from = 0; from < distinct.length; from += MAX_JOINED)
      await this.#run(mode, distinct.slice(from, from + MAX_JOINED));
  }

  /** @param asked - those with equal parameters together. */
  async #run(mode: Mode, asked: readonly (readonly Question[])[]): Promise<void> {
    try {
      if (this.#failure !== null) throw this.#failure.error;
      const queries = asked.flatMap(([first]) => (first === undefined ? [] : [first.query]));
      const answers = await this.#read(mode, queries);
      for (const [index, questions] of asked.entries())
        for (const { resolve } of questions) resolve(answers === null ? null : (answers[index] ?? []));
    } catch (error) {
      this.#failure ??= { error };
      for (const { reject } of asked.flat()) reject(error);
    }
  }

  async #read(mode: Mode, queries: readonly SQL[]): Promise<readonly (readonly Row[])[] | null> {
    const [only] = queries;
    const one = queries.length === 1 && only !== undefined;
    const query = one ? only : joined(queries);
    const rows =
      mode === "rows"
        ? await this.#transaction.rows<Row>(query)
        : await this.#transaction.attempt<Row>(query);
    if (rows === null) return null;
    return one ? [rows] : parted(rows, queries.length);
  }
}

/** Every row carries its question and its place in the answer, because a union promises no order. */
const joined = (queries: readonly SQL[]): SQL => sql`
  select * from (${sql.join(
    queries.map(
      (query, index) => sql`
    select ${sql.raw(String(index))} as ${sql.identifier(QUESTION)},
      row_number() over () as ${sql.identifier(PLACE)}, asked.* from (${query}) asked`,
    ),
    sql` union all `,
  )}
  ) answered order by 1, 2`;

function parted(rows: readonly Row[], questions: number): readonly (readonly Row[])[] {
  const answers: Row[][] = Array.from({ length: questions }, () => []);
  for (const { [QUESTION]: question, [PLACE]: _, ...row } of rows) answers[Number(question)]?.push(row);
  return answers;
}

/** When everything that follows from what has settled so far has asked its questions, loaders included. */
const turnEnds = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
