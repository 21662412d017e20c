/** The leaves of a batch, each with its own verdict. */
import { type SQL, sql } from "drizzle-orm";
import type { ReadTransaction } from "../reading/database.ts";
import { allOf, bytesColumns, matching, type Page, type PageRequest, toPage } from "../reading/page.ts";
import { type Filters, type FilterValues, oneOf } from "../state/filters.ts";
import { FROM, type ListDefinition } from "../state/list.ts";
import type { Moment } from "../state/moment.ts";
import { type ProofTables, registeredBefore, verdictsOnChain } from "../state/proofTables.ts";

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
  readonly signatureBytes: number;
  readonly signatureSha256: string | null;
  readonly verdict: LeafVerdict;
}

const LEAF_FILTERS = { verdict: oneOf(LEAF_VERDICTS) } as const satisfies Filters;

/** Where a batch was settled. */
interface BatchPosition {
  readonly blockNumber: number;
  readonly logIndex: number;
}

/** The leaves of a batch in the blob's order; none while the batch is not proven. */
export const LEAVES: ListDefinition<Leaf, typeof LEAF_FILTERS, { readonly settlement: BatchPosition }> = {
  name: "BatchLeaf",
  sources: FROM.proofs,
  keyTypes: ["log"],
  filters: LEAF_FILTERS,
  read: async (transaction, state, { settlement, ...filters }, page) =>
    listLeaves(transaction, state.proofs, await state.og(), settlement, filters, page),
};

/** Of the leaf `l` in the settlement `p`, as the verifier counts. */
const leafVerdict = (proofs: ProofTables): SQL => sql`case
  when l.valid is null or not ${registeredBefore(proofs, sql`l.tee_id`)} then 'unknown-node'
  when l.valid then 'valid' else 'invalid' end`;

/** Of which a settlement `p` knows how many it has: what it has none of need not be looked for among its leaves. */
const COUNTED: Readonly<Record<LeafVerdict, SQL>> = {
  valid: sql`p.valid_leaves`,
  invalid: sql`p.invalid_leaves`,
  "unknown-node": sql`p.unknown_leaves`,
};

/** Leaves of the batch settled at a place, in the blob's order; none while the batch is not proven. */
export async function listLeaves(
  transaction: ReadTransaction,
  proofs: ProofTables,
  moment: Moment,
  settlement: BatchPosition,
  { verdict }: FilterValues<typeof LEAF_FILTERS>,
  page: PageRequest,
): Promise<Page<Leaf>> {
  const { after, direction, limit } = page;
  const [further, way] = direction === "backward" ? [sql`<`, sql`desc`] : [sql`>`, sql`asc`];
  const ofBatch = allOf([
    sql`p.block_number = ${settlement.blockNumber}`,
    sql`p.log_index = ${settlement.logIndex}`,
    ...(verdict === undefined ? [] : [sql`${COUNTED[verdict]} > 0`]),
  ]);
  const conditions = [
    // a scalar, so that the leaves are read in their order and no more of them than a page takes
    sql`l.batch_key = (select batch_key from p)`,
    ...matching([[sql`judged.verdict`, verdict]]),
    ...(after === null ? [] : [sql`l.leaf_index ${further} ${after[0]}::int`]),
  ];
  const rows = await transaction.rows<Leaf>(sql`
    with p as materialized (
      select p.chain_id, p.block_number, p.log_index, p.batch_key from ${verdictsOnChain(proofs, moment)} where ${ofBatch}
    ), l as materialized (
      select l.leaf_index, l.inference_id, l.signature_key, l.tee_id, judged.verdict
      from ${proofs.leaf} l cross join p cross join lateral (select ${leafVerdict(proofs)} as verdict) judged
      where ${allOf(conditions)} order by l.leaf_index ${way} limit ${limit + 1}
    )
    select l.leaf_index as "leafIndex", l.inference_id as "inferenceId", l.tee_id as "teeId",
      i.input_hash as "inputHash", i.output_hash as "outputHash", i.timestamp::text as timestamp,
      ${bytesColumns(sql`g.signature`, ["signature", "signature"], "bounded")}, l.verdict
    from l
    join ${proofs.inference} i on i.id = l.inference_id
    join ${proofs.signature} g on g.key = l.signature_key
    order by l.leaf_index ${way}`);
  return toPage(
    rows,
    page,
    ({ leafIndex }) => [leafIndex],
    (leaf) => leaf,
  );
}
