/** Inferences that settlements on chain hold, each once, however often it was settled. */
import { sql } from "drizzle-orm";
import type { ReadTransaction } from "../reading/database.ts";
import { allOf, beyond, listOrder, matching, type Page, type PageRequest, toPage } from "../reading/page.ts";
import { toSafeNumber } from "../settlements/settlements.ts";
import { inferenceCounts, within } from "../state/countedInferences.ts";
import { formatEventId } from "../state/eventId.ts";
import { FROM, type ListDefinition } from "../state/list.ts";
import type { Moment } from "../state/moment.ts";
import { joinPayload } from "../state/payloadThen.ts";
import { type ProofTables, verdictsOnChain } from "../state/proofTables.ts";
import { INFERENCE_FILTERS, type InferenceFilters } from "./inferenceFilters.ts";
import { bestSignature, inferenceSources, MANY_SETTLEMENTS, NEWEST_SIGNED } from "./inferenceSources.ts";
import { type NodeAtSigning, readNodesAtSigning } from "./nodeAtSigning.ts";

/**
 * `unknown-node`: its node was not registered where it was settled; `invalid-signature`; `unknown-key`: no registry has shown
 * the key to check it with; `pending`: it is not checked yet.
 */
export const UNCOUNTED_REASONS = ["unknown-node", "invalid-signature", "unknown-key", "pending"] as const;
export type UncountedReason = (typeof UNCOUNTED_REASONS)[number];

export interface Inference {
  readonly id: string;
  readonly teeId: string;
  readonly inputHash: string;
  readonly outputHash: string;
  /** Unix seconds; null when the node, or whoever made it up, signed a time beyond 2^53-1. */
  readonly signedAt: number | null;
  /** A valid one where there is one; in lists, of what is longer than any signature, the first 4,096 bytes. */
  readonly signature: string | null;
  readonly signatureBytes: number | null;
  readonly signatureSha256: string | null;
  /** Null while no registry has shown the key that the teeId is the hash of. */
  readonly signatureValid: boolean | null;
  /** Whether a valid signature of it was settled at or after its node's registration. */
  readonly counted: boolean;
  /** Why it does not count, and has no receipt; null when it counts. */
  readonly uncountedReason: UncountedReason | null;
  /** The earliest `MAX_PLACES` places where it was settled. */
  readonly settlements: readonly { readonly id: string; readonly leafIndex: number | null }[];
  /** What these settlements claim; nobody signed it. */
  readonly claimedPayers: readonly string[];
  readonly model: string | null;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly nodeAtSigning: NodeAtSigning | null;
}

/** The same inference can be settled again and again: an answer shows so many places of each. */
export const MAX_PLACES = 100;

interface InferenceRow {
  readonly id: string;
  readonly teeId: string;
  readonly inputHash: string;
  readonly outputHash: string;
  readonly timestamp: bigint;
  readonly sortedAt: number;
  /** The best signature that was held by then. */
  readonly best:
    | (Pick<Inference, "signature" | "signatureBytes" | "signatureSha256"> & {
        readonly valid: boolean | null;
      })
    | null;
  readonly counted: boolean;
  readonly keyKnown: boolean;
  /** What the best payload told by then. */
  readonly told: Pick<Inference, "model" | "promptTokens" | "completionTokens"> | null;
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
  const { from, to } = filters;
  const parts = inferenceSources(proofs, moment, filters, many).map(
    ({ relations, order, signedAt, conditions }) => {
      const all = [
        ...conditions,
        ...matching([
          [sql`i.id`, filters.id],
          [sql`i.tee_id`, filters.teeId],
          [sql`i.input_hash`, filters.inputHash],
          [sql`i.output_hash`, filters.outputHash],
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
  if (parts.length === 0) return { items: [], keys: [], endKey: null, hasNextPage: false };
  const rows = await transaction.rows<InferenceRow>(sql`
    with i as materialized (
      select i.* from (${sql.join(parts, sql` union all `)}) i
      ${listOrder(page, NEWEST_SIGNED)} limit ${page.limit + 1}
    )
    select i.id, i.tee_id as "teeId", i.input_hash as "inputHash", i.output_hash as "outputHash", i.timestamp,
      i.signed_at as "sortedAt",
      -- scalars, which a count of the list is spared
      (select jsonb_build_object('signature', best.signature, 'signatureBytes', best."signatureBytes",
          'signatureSha256', best."signatureSha256", 'valid', best.valid)
        from ${bestSignature(proofs, moment, filters.id === undefined ? "bounded" : "whole")} best) as best,
      coalesce(${inferenceCounts(proofs, moment)}, false) as counted,
      exists (select from ${proofs.nodeKey} k where k.tee_id = i.tee_id) as "keyKnown",
      (select jsonb_build_object('model', told.model, 'promptTokens', told.prompt_tokens,
          'completionTokens', told.completion_tokens)
        from (select) asked ${joinPayload(proofs, moment)}) as told
    from i ${listOrder(page, NEWEST_SIGNED)}`);
  const found = toPage(
    rows,
    page,
    ({ sortedAt, id }) => [sortedAt, id],
    (row) => row,
  );
  return { ...found, items: await describe(transaction, proofs, moment, found.items, registries) };
}

/** Inferences, newest signed first; their nodes are looked up in the configured registries. */
export const INFERENCES: ListDefinition<Inference, typeof INFERENCE_FILTERS> = {
  name: "Inference",
  sources: FROM.proofs,
  keyTypes: ["position", "hash"],
  filters: INFERENCE_FILTERS,
  read: async (transaction, state, filters, page) =>
    listInferences(transaction, state.proofs, await state.og(), filters, state.settings.registries, page),
};

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
      signature: row.best?.signature ?? null,
      signatureBytes: row.best?.signatureBytes ?? null,
      signatureSha256: row.best?.signatureSha256 ?? null,
      signatureValid: row.best?.valid ?? null,
      counted: row.counted,
      uncountedReason: uncountedReason(row),
      settlements: own.map((place) => ({ id: formatEventId(place), leafIndex: place.leafIndex })),
      claimedPayers: [...new Set(own.flatMap(({ claimedPayer }) => claimedPayer ?? []))].sort(),
      model: row.told?.model ?? null,
      promptTokens: row.told?.promptTokens ?? null,
      completionTokens: row.told?.completionTokens ?? null,
      nodeAtSigning: nodes[index] ?? null,
    };
  });
}

function uncountedReason({
  counted,
  best,
  keyKnown,
}: Pick<InferenceRow, "counted" | "best" | "keyKnown">): UncountedReason | null {
  const signatureValid = best?.valid ?? null;
  if (counted) return null;
  if (signatureValid === null) return keyKnown ? "pending" : "unknown-key";
  return signatureValid ? "unknown-node" : "invalid-signature";
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
      order by block_number, log_index, leaf_index limit ${MAX_PLACES}
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
