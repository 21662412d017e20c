/**
 * The verifier's tables as relations to read from. Where they do not exist (a database that was never migrated), each is
 * an empty relation with the same columns: everything is pending then, and nothing fails.
 */
import { getTableColumns, type SQL, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import * as schema from "../../db/schema/proofs.ts";
import type { ReadTransaction } from "./database.ts";

const TABLES = {
  batch: schema.batch,
  leaf: schema.leaf,
  signature: schema.signature,
  inference: schema.inference,
  payload: schema.payload,
  settled: schema.settled,
  nodeBucket: schema.nodeBucket,
  modelBucket: schema.modelBucket,
  relayerBucket: schema.relayerBucket,
} as const satisfies Record<string, PgTable>;

/** Each stands after `from` or `join` and takes an alias. */
export type ProofTables = Readonly<Record<keyof typeof TABLES, SQL>> & {
  /** Grows with every change of what these tables say; null when they do not exist. */
  readonly revision: number | null;
};

const emptyRelation = (table: PgTable): SQL => {
  const columns = Object.values(getTableColumns(table)).map(
    (column) => sql`null::${sql.raw(column.getSQLType())} as ${sql.identifier(column.name)}`,
  );
  return sql`(select ${sql.join(columns, sql`, `)} where false)`;
};

const relations = (present: (table: PgTable) => SQL) => {
  const { batch, leaf, signature, inference, payload, settled, nodeBucket, modelBucket, relayerBucket } =
    TABLES;
  return {
    batch: present(batch),
    leaf: present(leaf),
    signature: present(signature),
    inference: present(inference),
    payload: present(payload),
    settled: present(settled),
    nodeBucket: present(nodeBucket),
    modelBucket: present(modelBucket),
    relayerBucket: present(relayerBucket),
  };
};

const PRESENT = relations((table) => sql`${table}`);
const ABSENT: ProofTables = { revision: null, ...relations(emptyRelation) };

/** Finds out whether the tables exist and at which revision they are. */
export async function readProofTables(transaction: ReadTransaction): Promise<ProofTables> {
  const rows = await transaction.attempt<{ value: number }>(
    sql`select value from ${schema.revision} where id = 1`,
  );
  return rows === null ? ABSENT : { revision: rows[0]?.value ?? 0, ...PRESENT };
}
