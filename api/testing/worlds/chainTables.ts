/** The views that an indexer publishes, as plain tables that a test fills itself. For tests only. */
import { generateDrizzleJson, generateMigration } from "drizzle-kit/api";
import pg from "pg";
import { migrateDatabase } from "../../../db/migrate.ts";
import * as chainSchema from "../../../ponder.schema.ts";
import { paymentSums, SUMS_OF_PAYMENTS } from "./paymentSums.ts";

export const OG_CHAIN_ID = 10740;
export const BASE_CHAIN_ID = 8453;
const CHAIN_IDS = { og: OG_CHAIN_ID, base: BASE_CHAIN_ID } as const;
type Chain = keyof typeof CHAIN_IDS;

type Row = Readonly<Record<string, unknown>>;

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const camelCase = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
const BLANK: Row = { text: "", boolean: false };

const checkpoint = (time: number, chainId: number, block: number): string =>
  [
    String(time).padStart(10, "0"),
    String(chainId).padStart(16, "0"),
    String(block).padStart(16, "0"),
    "9".repeat(16),
    "9",
    "9".repeat(16),
  ].join("");

export class ChainTables {
  private constructor(readonly client: pg.Client) {}

  /** Creates both chains' tables and our own schemas in an empty database. */
  static async create(url: string): Promise<ChainTables> {
    await migrateDatabase(url);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const none = generateDrizzleJson({});
    const statements = await generateMigration(
      none,
      generateDrizzleJson({ ...chainSchema }, none.id, undefined, "snake_case"),
    );
    for (const chain of ["og", "base"] as const) {
      await client.query(`create schema ${chain}; set search_path = ${chain}`);
      for (const statement of statements) await client.query(statement);
      await client.query(`
        create table _ponder_meta (key text primary key, value jsonb);
        create table _ponder_checkpoint (chain_name text primary key, chain_id bigint, latest_checkpoint varchar(75),
          safe_checkpoint varchar(75), finalized_checkpoint varchar(75))`);
    }
    await client.query("reset search_path");
    return new ChainTables(client);
  }

  /** Those that are there already. */
  static async open(url: string): Promise<ChainTables> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return new ChainTables(client);
  }

  /** Puts a chain at a block, ready unless said otherwise. */
  async setHead(chain: Chain, block: number, time: number, readiness: "ready" | "not-ready" = "ready") {
    const latest = checkpoint(time, CHAIN_IDS[chain], block);
    const finalized = checkpoint(time - 10, CHAIN_IDS[chain], Math.max(0, block - 5));
    await this.client.query(
      `insert into ${chain}._ponder_checkpoint values ($1, $2, $3, $3, $4)
       on conflict (chain_name) do update set latest_checkpoint = $3, safe_checkpoint = $3, finalized_checkpoint = $4`,
      [chain, CHAIN_IDS[chain], latest, finalized],
    );
    await this.client.query(
      `insert into ${chain}._ponder_meta values ('app', $1) on conflict (key) do update set value = $1`,
      [{ is_ready: readiness === "ready" ? 1 : 0 }],
    );
  }

  /** A block with an event; its hash follows from number and fork. */
  async block(chain: Chain, number: number, timestamp: number, fork = "a") {
    await this.insert(chain, "block", { number, timestamp, hash: hash(`b10c${fork}${number}`) });
  }

  readonly #required = new Map<string, Promise<Row>>();

  /** Zero values of a table's required columns, named as in the schema. */
  #blank(schema: string, table: string): Promise<Row> {
    const key = `${schema}.${table}`;
    const known = this.#required.get(key);
    if (known !== undefined) return known;
    const reading = this.client
      .query<{ name: string; type: string }>(
        `select column_name as name, data_type as type from information_schema.columns
         where table_schema = $1 and table_name = $2 and is_nullable = 'NO'`,
        [schema, table],
      )
      .then(({ rows }) =>
        Object.fromEntries(rows.map(({ name, type }) => [camelCase(name), BLANK[type] ?? 0])),
      );
    this.#required.set(key, reading);
    return reading;
  }

  /** Inserts a row with columns named as in the schema; adds the chain id, and zeros for omitted columns. */
  async insert(chain: Chain | "observations", table: string, row: Row) {
    const chainId = chain === "observations" ? OG_CHAIN_ID : CHAIN_IDS[chain];
    const full = { ...(await this.#blank(chain, snakeCase(table))), chainId, ...row };
    await this.#insert(chain, table, full, "");
  }

  /** Inserts many rows at once, completed likewise. */
  async insertMany(chain: Chain, table: string, rows: readonly Row[]) {
    const chainId = CHAIN_IDS[chain];
    const name = `${chain}.${snakeCase(table)}`;
    const blank = await this.#blank(chain, snakeCase(table));
    const full = rows.map((row) =>
      Object.fromEntries(
        Object.entries({ ...blank, chainId, ...row }).map(([column, value]) => [snakeCase(column), value]),
      ),
    );
    await this.client.query(`insert into ${name} select * from jsonb_populate_recordset(null::${name}, $1)`, [
      JSON.stringify(full),
    ]);
  }

  /** Inserts a row of the verifier's, unless there is one with its key. */
  async insertProof(table: string, row: Row) {
    await this.#insert("proofs", table, row, " on conflict do nothing");
  }

  async #insert(schema: string, table: string, full: Row, conflict: string) {
    const names = Object.keys(full);
    await this.client.query(
      `insert into ${schema}.${snakeCase(table)} (${names.map(snakeCase).join(", ")})
       values (${names.map((_, index) => `$${index + 1}`).join(", ")})${conflict}`,
      Object.values(full),
    );
  }

  /** Sums og's settlements up, as the handlers do event by event. @param at - in the hour to sum up; all when not given. */
  async sumSettlements(at?: number) {
    const hour = at === undefined ? null : at - (at % 3_600);
    await this.client.query("delete from og.network_bucket where start_at = coalesce($1, start_at)", [hour]);
    await this.client.query(
      `insert into og.network_bucket (chain_id, start_at, registrations, individual_settlements, batch_settlements,
         claimed_leaves, legacy_settlements, onchain_inferences, payments)
       select chain_id, settled_at - settled_at % 3600, 0, count(*) filter (where kind = 'individual'),
         count(*) filter (where kind = 'batch'),
         coalesce(sum(least(batch_size, 1000000)) filter (where kind = 'batch'), 0),
         count(*) filter (where kind = 'legacy'), 0, 0
       from og.settlement where settled_at between coalesce($1, settled_at) and coalesce($1 + 3599, settled_at) group by 1, 2`,
      [hour],
    );
  }

  /** Sums base's payments up, as the handlers do payment by payment. */
  async sumPayments(caps: Parameters<typeof paymentSums>[0]) {
    await this.client.query(`truncate ${SUMS_OF_PAYMENTS.map((name) => `base.${name}`).join(", ")}`);
    for (const statement of paymentSums(caps)) await this.client.query(statement);
  }

  /** Removes every row of both chains, of the observations and of the proofs. */
  async clear() {
    const { rows } = await this.client.query<{ name: string }>(`
      select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname in ('og', 'base', 'observations', 'proofs')`);
    await this.client.query(`truncate ${rows.map(({ name }) => name).join(", ")}`);
  }

  async close() {
    await this.client.end();
  }
}

/** 32 bytes derived from a readable name. */
export const hash = (text: string): `0x${string}` =>
  `0x${Buffer.from(text).toString("hex").padEnd(64, "0").slice(0, 64)}`;

/** 20 bytes derived from a readable name. */
export const address = (text: string): `0x${string}` =>
  `0x${Buffer.from(text).toString("hex").padEnd(40, "0").slice(0, 40)}`;

export const utf8Hex = (text: string): `0x${string}` => `0x${Buffer.from(text).toString("hex")}`;
