/** Inferences that settlements on chain hold, each once, however often it was settled. */
import { sql } from "drizzle-orm";
import { within } from "./countedInferences.ts";
import type { ReadTransaction } from "./database.ts";
import { formatEventId } from "./eventId.ts";
import { heldOnChain, inferenceSources, MANY_SETTLEMENTS, NEWEST_SIGNED } from "./inferenceSources.ts";
import type { Moment, TimeRange } from "./moment.ts";
import { type NodeAtSigning, readNodesAtSigning } from "./nodeAtSigning.ts";
import {
  allOf,
  beyond,
  listOrder,
  matching,
  type Page,
  type PageRequest,
  shortenedHex,
  toPage,
} from "./page.ts";
import { type ProofTables, verdictsOnChain } from "./proofs.ts";
import { toSafeNumber } from "./settlements.ts";

export interface Inference {
  readonly id: string;
  readonly teeId: string;
  readonly inputHash: string;
  readonly outputHash: string;
  /** Unix seconds; null when the node, or whoever made it up, signed a time beyond 2^53-1. */
  readonly signedAt: number | null;
  /** A valid one where there is one; of what is longer than any signature, the first 4,096 bytes. */
  readonly signature: string | null;
  /** Null while no registry has shown the key that the teeId is the hash of. */
  readonly signatureValid: boolean | null;
  /** The earliest `MOST_PLACES` places where it was settled. */
  readonly settlements: readonly { readonly id: string; readonly leafIndex: number | null }[];
  /** What these settlements claim; nobody signed it. */
  readonly claimedPayers: readonly string[];
  readonly model: string | null;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly nodeAtSigning: NodeAtSigning | null;
}

export interface InferenceFilters extends TimeRange {
  readonly id?: string | undefined;
  readonly teeId?: string | undefined;
  readonly payer?: string | undefined;
  readonly inputHash?: string | undefined;
  readonly outputHash?: string | undefined;
  readonly model?: string | undefined;
  readonly signatureValid?: boolean | undefined;
}

/** The same inference can be settled again and again: an answer shows so many places of each. */
export const MOST_PLACES = 100;

interface InferenceRow {
  readonly id: string;
  readonly teeId: string;
  readonly inputHash: string;
  readonly outputHash: string;
  readonly timestamp: bigint;
  readonly sortedAt: number;
  readonly signature: string | null;
  readonly signatureValid: boolean | null;
  readonly model: string | null;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
}

/**
 * Newest signed first.
 * @param registries - where nodes are looked up, in order of preference; null means every one.
 * @param many - see `MANY_SETTLEMENTS`.
 */
export async function listInferences(
  transaction: ReadTransaction,
  proofs: ProofTables,
  moment: Moment,
  filters: InferenceFilters,
  registries: readonly string[] | null,
  page: PageRequest,
  many = MANY_SETTLEMENTS,
): Promise<Page<Inference>> {
  const { from, to, signatureValid } = filters;
  const parts = inferenceSources(proofs, moment, filters, many).map(
    ({ relations, order, signedAt, conditions }) => {
      const all = [
        ...conditions,
        ...matching([
          [sql`i.id`, filters.id],
          [sql`i.tee_id`, filters.teeId],
          [sql`i.input_hash`, filters.inputHash],
          [sql`i.output_hash`, filters.outputHash],
          [sql`i.model`, filters.model],
        ]),
        // as the partial indexes say it
        ...(signatureValid === undefined
          ? []
          : [
              signatureValid
                ? sql`i.signature_valid`
                : sql`i.signature_valid is not true and not i.signature_valid`,
            ]),
        ...within(signedAt, { from, to }),
        ...beyond(page, order),
      ];
      return sql`(
      select i.id, i.tee_id, i.input_hash, i.output_hash, i.timestamp, i.signed_at, i.signature_valid, i.model,
        i.prompt_tokens, i.completion_tokens
      from ${relations} where ${allOf(all)} ${listOrder(page, order)} limit ${page.limit + 1})`;
    },
  );
  const rows = await transaction.rows<InferenceRow>(sql`
    with i as materialized (
      select i.* from (${sql.join(parts, sql` union all `)}) i
      ${listOrder(page, NEWEST_SIGNED)} limit ${page.limit + 1}
    )
    select i.id, i.tee_id as "teeId", i.input_hash as "inputHash", i.output_hash as "outputHash", i.timestamp,
      i.signed_at as "sortedAt", i.signature_valid as "signatureValid", i.model,
      i.prompt_tokens as "promptTokens", i.completion_tokens as "completionTokens", (
        select ${shortenedHex(sql`g.signature`)} from ${proofs.signature} g
        where g.inference_id = i.id and ${heldOnChain(proofs, moment, sql`i.id`, sql`g.key`)}
        order by g.valid is true desc, g.valid is null desc, g.key limit 1
      ) as signature
    from i ${listOrder(page, NEWEST_SIGNED)}`);
  const found = toPage(
    rows,
    page,
    ({ sortedAt, id }) => [sortedAt, id],
    (row) => row,
  );
  return { ...found, items: await describe(transaction, proofs, moment, found.items, registries) };
}

/** One inference; null when no settlement on chain holds it. */
export async function findInference(
  transaction: ReadTransaction,
  proofs: ProofTables,
  moment: Moment,
  id: string,
  registries: readonly string[] | null,
): Promise<Inference | null> {
  const request = { limit: 1, after: null };
  const { items } = await listInferences(transaction, proofs, moment, { id }, registries, request);
  return items[0] ?? null;
}

async function describe(
  transaction: ReadTransaction,
  proofs: ProofTables,
  moment: Moment,
  rows: readonly InferenceRow[],
  registries: readonly string[] | null,
): Promise<readonly Inference[]> {
  if (rows.length === 0) return [];
  const places = await readPlaces(
    transaction,
    proofs,
    moment,
    rows.map(({ id }) => id),
  );
  const signings = rows.map(({ teeId, timestamp }) => ({ teeId, signedAt: toSafeNumber(timestamp) }));
  const nodes = await readNodesAtSigning(transaction, moment, signings, registries);
  return rows.map(({ timestamp, sortedAt: _, ...row }, index) => {
    const own = places.get(row.id) ?? [];
    return {
      id: row.id,
      teeId: row.teeId,
      inputHash: row.inputHash,
      outputHash: row.outputHash,
      signedAt: toSafeNumber(timestamp),
      signature: row.signature,
      signatureValid: row.signatureValid,
      settlements: own.map((place) => ({ id: formatEventId(place), leafIndex: place.leafIndex })),
      claimedPayers: [...new Set(own.flatMap(({ claimedPayer }) => claimedPayer ?? []))].sort(),
      model: row.model,
      promptTokens: row.promptTokens,
      completionTokens: row.completionTokens,
      nodeAtSigning: nodes[index] ?? null,
    };
  });
}

interface Place {
  readonly id: string;
  readonly chainId: number;
  readonly txHash: string;
  readonly logIndex: number;
  readonly leafIndex: number | null;
  readonly claimedPayer: string | null;
}

/** Where inferences were settled, the earliest first. */
async function readPlaces(
  transaction: ReadTransaction,
  proofs: ProofTables,
  moment: Moment,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly Place[]>> {
  const verdicts = verdictsOnChain(proofs, moment);
  const wanted = sql.join(
    ids.map((id) => sql`(${id})`),
    sql`, `,
  );
  const rows = await transaction.rows<Place>(sql`
    select wanted.id, place.chain_id as "chainId", place.tx_hash as "txHash", place.log_index as "logIndex",
      place.leaf_index as "leafIndex", place.claimed_payer as "claimedPayer"
    from (values ${wanted}) wanted (id)
    cross join lateral (
      select s.chain_id, s.tx_hash, s.block_number, s.log_index, null::int as leaf_index, s.claimed_payer
      from ${verdicts} where p.inference_id = wanted.id
      union all
      select s.chain_id, s.tx_hash, s.block_number, s.log_index, l.leaf_index, null
      from ${verdicts} join ${proofs.leaf} l on l.batch_key = p.batch_key where l.inference_id = wanted.id
      order by block_number, log_index, leaf_index limit ${MOST_PLACES}
    ) place
    order by wanted.id, place.block_number, place.log_index, place.leaf_index`);
  const places = new Map<string, Place[]>();
  for (const row of rows) {
    const known = places.get(row.id);
    if (known === undefined) places.set(row.id, [row]);
    else known.push(row);
  }
  return places;
}
