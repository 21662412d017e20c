/** The leaves of a batch, each with its own verdict. */
import { type SQL, sql } from "drizzle-orm";
import type { ReadTransaction } from "./database.ts";
import type { Moment } from "./moment.ts";
import { allOf, matching, type Page, type PageRequest, shortenedHex, toPage } from "./page.ts";
import { type ProofTables, registeredBefore, verdictsOnChain } from "./proofs.ts";

export const LEAF_VERDICTS = ["valid", "invalid", "unknown-node"] as const;
export type LeafVerdict = (typeof LEAF_VERDICTS)[number];

export interface Leaf {
  /** Its place among the blob's values, from 0. */
  readonly leafIndex: number;
  readonly inferenceId: string;
  readonly teeId: string;
  readonly inputHash: string;
  readonly outputHash: string;
  /** Decimal: a uint256 as it was signed, whatever it is. */
  readonly timestamp: string;
  /** Its first 4,096 bytes: none that is one is longer than 256. */
  readonly signature: string;
  readonly verdict: LeafVerdict;
}

export interface LeafFilters {
  readonly verdict?: LeafVerdict | undefined;
}

/** Of the leaf of inference `i` with signature `g` in the settlement `p`. */
const leafVerdict = (proofs: ProofTables): SQL => sql`case when not g.valid then 'invalid'
  when g.valid and ${registeredBefore(proofs, sql`i.tee_id`)} then 'valid' else 'unknown-node' end`;

/** Leaves of the batch settled at a place, in the blob's order; none while the batch is not proven. */
export async function listLeaves(
  transaction: ReadTransaction,
  proofs: ProofTables,
  moment: Moment,
  settlement: { readonly blockNumber: number; readonly logIndex: number },
  { verdict }: LeafFilters,
  page: PageRequest,
): Promise<Page<Leaf>> {
  const { after, direction, limit } = page;
  const [further, way] = direction === "backward" ? [sql`<`, sql`desc`] : [sql`>`, sql`asc`];
  const conditions = [
    sql`p.block_number = ${settlement.blockNumber}`,
    sql`p.log_index = ${settlement.logIndex}`,
    ...matching([[leafVerdict(proofs), verdict]]),
    ...(after === null ? [] : [sql`l.leaf_index ${further} ${after[0]}::int`]),
  ];
  const rows = await transaction.rows<Leaf>(sql`
    select l.leaf_index as "leafIndex", l.inference_id as "inferenceId", i.tee_id as "teeId",
      i.input_hash as "inputHash", i.output_hash as "outputHash", i.timestamp::text as timestamp,
      ${shortenedHex(sql`g.signature`)} as signature,
      ${leafVerdict(proofs)} as verdict
    from ${verdictsOnChain(proofs, moment)}
    join ${proofs.leaf} l on l.batch_key = p.batch_key
    join ${proofs.inference} i on i.id = l.inference_id
    join ${proofs.signature} g on g.key = l.signature_key
    where ${allOf(conditions)}
    order by l.leaf_index ${way} limit ${limit + 1}`);
  return toPage(
    rows,
    page,
    ({ leafIndex }) => [leafIndex],
    (leaf) => leaf,
  );
}
