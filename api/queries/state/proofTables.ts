/**
 * The verifier's tables as relations to read from. Where they do not exist (a database that was never migrated), each is
 * an empty relation with the same columns: everything is pending then, and nothing fails.
 */
import { getTableColumns, type SQL, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import * as schema from "../../../db/schema/proofs.ts";
import { ApiError } from "../../errors.ts";
import type { ReadTransaction } from "../reading/database.ts";
import type { Moment } from "./moment.ts";

const TABLES = {
  batch: schema.batch,
  leaf: schema.leaf,
  signature: schema.signature,
  inference: schema.inference,
  payload: schema.payload,
  settled: schema.settled,
  bucketPart: schema.bucketPart,
  uncounted: schema.uncounted,
  nodeBucket: schema.nodeBucket,
  modelBucket: schema.modelBucket,
  relayerBucket: schema.relayerBucket,
  nodeKey: schema.nodeKey,
  registration: schema.registration,
} as const satisfies Record<string, PgTable>;

/** Each stands after `from` or `join` and takes an alias. */
export type ProofTables = Readonly<Record<keyof typeof TABLES, SQL>> & {
  /** Grows with every change of what these tables say; null when they do not exist. */
  readonly revision: number | null;
  /**
   * The newest block with a settlement, while the verifier has yet to find out how hours came about (after an upgrade): what
   * they were at an earlier block is not known. Null otherwise.
   */
  readonly hoursKnownFrom: number | null;
  /** The newest block with a settlement that has a verdict; -1 without any. */
  readonly newestSettledBlock: number;
};

const emptyRelation = (table: PgTable): SQL => {
  const columns = Object.values(getTableColumns(table)).map(
    (column) => sql`null::${sql.raw(column.getSQLType())} as ${sql.identifier(column.name)}`,
  );
  return sql`(select ${sql.join(columns, sql`, `)} where false)`;
};

const relations = (relation: (table: PgTable) => SQL) => ({
  batch: relation(TABLES.batch),
  leaf: relation(TABLES.leaf),
  signature: relation(TABLES.signature),
  inference: relation(TABLES.inference),
  payload: relation(TABLES.payload),
  settled: relation(TABLES.settled),
  bucketPart: relation(TABLES.bucketPart),
  uncounted: relation(TABLES.uncounted),
  nodeBucket: relation(TABLES.nodeBucket),
  modelBucket: relation(TABLES.modelBucket),
  relayerBucket: relation(TABLES.relayerBucket),
  nodeKey: relation(TABLES.nodeKey),
  registration: relation(TABLES.registration),
});

const PRESENT = relations((table) => sql`${table}`);
const ABSENT: ProofTables = {
  revision: null,
  hoursKnownFrom: null,
  newestSettledBlock: -1,
  ...relations(emptyRelation),
};

interface ProofState {
  readonly value: number | null;
  readonly hoursKnownFrom: number | null;
  readonly newestSettledBlock: number;
}

/**
 * Finds out whether the tables exist and at which revision they are.
 * @param ogChainId - of the chain whose settlements they are about.
 */
export async function readProofTables(transaction: ReadTransaction, ogChainId: number): Promise<ProofTables> {
  const rows = await transaction.attempt<ProofState>(sql`
    select (select value from ${schema.revision} where id = 1) as value,
      coalesce((select max(block_number) from ${schema.settled} where chain_id = ${ogChainId}), -1)
        as "newestSettledBlock",
      (select coalesce((select max(block_number) from ${schema.settled}), -1) from ${schema.dirty}
        where kind = 'node' and key = ${schema.PARTS_MISSING} and start_at = 0) as "hoursKnownFrom"`);
  if (rows === null) return ABSENT;
  const [state] = rows;
  return {
    revision: state?.value ?? 0,
    hoursKnownFrom: state?.hoursKnownFrom ?? null,
    newestSettledBlock: state?.newestSettledBlock ?? -1,
    ...PRESENT,
  };
}

/**
 * Refuses what depends on how hours came about while that is not known; without a moment, of any.
 * @throws {ApiError} `indexing`.
 */
export function requireHours({ hoursKnownFrom }: ProofTables, moment?: Moment): void {
  if (hoursKnownFrom === null || (moment !== undefined && moment.blockNumber >= hoursKnownFrom)) return;
  throw new ApiError(
    "indexing",
    "After an upgrade the verifier is finding out when each inference was settled. Until it has, inferences at past moments and those that do not count are not known; ask about the newest block, or again later.",
    {},
    { retryAfterSeconds: 30 },
  );
}

/**
 * Whether no settlement came after the moment, as is usual now: the verifier's findings are then those of the moment, and
 * nothing has to be found out about the past.
 */
export const isNewest = ({ newestSettledBlock }: ProofTables, { blockNumber }: Moment): boolean =>
  newestSettledBlock <= blockNumber;

/** Whether a verifier has ever found anything out: before that, no count is zero but unknown. */
export const hasVerifierResults = ({ revision }: ProofTables): boolean => revision !== null && revision > 0;

/** The verifier's word for a blob that nobody needs to be asked for. */
export const IMPOSSIBLE_BLOB_ID = "impossible-blob-id";

/** Whether a settlement `s` on chain is the one that a verdict `p` was joined to: a vanished one takes its verdict along. */
export const isVerdictOf = sql`p.chain_id = s.chain_id and p.block_number = s.block_number
  and p.log_index = s.log_index and p.tx_hash = s.tx_hash`;

/** Relations `p` and `s`: the verdicts, with their settlements, that are on chain at a moment. */
export const verdictsOnChain = ({ settled }: ProofTables, { chainId, blockNumber }: Moment): SQL => sql`
  ${settled} p join og.settlement s on ${isVerdictOf} and s.chain_id = ${chainId} and s.block_number <= ${blockNumber}`;

/** Whether a node was registered at or before the place of the settlement `p`, as the verifier counts. */
export const registeredBefore = ({ registration }: ProofTables, teeId: SQL): SQL => sql`exists (
  select from ${registration} r
  where r.chain_id = p.chain_id and r.tee_id = ${teeId}
    and (r.block_number, r.log_index) <= (p.block_number, p.log_index))`;
