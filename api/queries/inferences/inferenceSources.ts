/** Where a list of inferences is read from, so that a page costs about its rows, whatever the filters. */
import { type SQL, sql } from "drizzle-orm";
import { DAY_SECONDS } from "../../../src/decode/timeBuckets.ts";
import { bytesColumns, columnOf, type Extent, matching, type SortColumn } from "../reading/page.ts";
import { inferenceCounts } from "../state/countedInferences.ts";
import { isChanging } from "../state/hoursThen.ts";
import type { Moment } from "../state/moment.ts";
import { joinPayload } from "../state/payloadThen.ts";
import { isNewest, type ProofTables, requireHours, verdictsOnChain } from "../state/proofTables.ts";
import type { InferenceFilters } from "./inferenceFilters.ts";

/** Relations with an inference `i`, all of them on chain, each once. */
export interface InferenceSource {
  readonly relations: SQL;
  readonly conditions: readonly SQL[];
  /** Newest signed first, by columns that an index of what is walked has. */
  readonly order: readonly SortColumn[];
  readonly signedAt: SQL;
}

const newestSigned = (signedAt: SQL, id: SQL): readonly SortColumn[] => [
  { expression: signedAt, type: "bigint" },
  { expression: id, type: "text" },
];

export const NEWEST_SIGNED = newestSigned(sql`i.signed_at`, sql`i.id`);

/**
 * Whether a settlement on chain holds the inference, or only the given signature over it. True or null: as a scalar with a
 * limit Postgres looks up each row for itself, where it would read all settlements into a hash table for an `exists`.
 */
export function heldOnChain(proofs: ProofTables, moment: Moment, id: SQL, signatureKey?: SQL): SQL {
  const verdicts = verdictsOnChain(proofs, moment);
  const [individual, batch] =
    signatureKey === undefined
      ? [sql`true`, sql`true`]
      : [sql`p.signature_key = ${signatureKey}`, sql`l.signature_key = ${signatureKey}`];
  return sql`(
    select true from (
      select from ${verdicts} where p.inference_id = ${id} and ${individual}
      union all
      select from ${verdicts} join ${proofs.leaf} l on l.batch_key = p.batch_key
      where l.inference_id = ${id} and ${batch}
    ) held limit 1)`;
}

/** The best signature over the inference `i` that is held on chain, `(signature, valid)`: a valid one where there is one. */
export const bestSignature = (proofs: ProofTables, moment: Moment, extent: Extent = "bounded"): SQL => sql`(
    select ${bytesColumns(sql`g.signature`, ["signature", "signature"], extent)}, g.valid from ${proofs.signature} g
    where g.inference_id = i.id and ${heldOnChain(proofs, moment, sql`i.id`, sql`g.key`)}
    order by g.valid is true desc, g.valid is null desc, g.key limit 1)`;

/** A payer with more settlements than this is met soon among the inferences of a node or a model. */
export const MANY_SETTLEMENTS = 2_000;

/**
 * A list is the union of its sources. Most of what is signed later than a moment was settled later too, and is not walked
 * through for an earlier moment: what was settled by then all the same is found among all that says it was signed after it
 * was settled. Which way is shorter shows when the statement runs, as does whether a payer has many settlements: the other
 * sources are then empty.
 * @param many - see `MANY_SETTLEMENTS`.
 */
export function inferenceSources(
  proofs: ProofTables,
  moment: Moment,
  filters: InferenceFilters,
  many: number,
): readonly InferenceSource[] {
  const { payer, id, inputHash, outputHash, model } = filters;
  const held = payer === undefined ? heldOnChain(proofs, moment, sql`i.id`) : paidBy(proofs, moment, payer);
  const newest = isNewest(proofs, moment);
  const modelThen = newest
    ? sql`i.model`
    : sql`(select told.model from (select) asked ${joinPayload(proofs, moment)})`;
  const ofModel =
    model === undefined ? [] : [sql`i.model = ${model}`, ...(newest ? [] : [sql`${modelThen} = ${model}`])];
  // Few rows, wherever they are in the order.
  if ((id ?? inputHash ?? outputHash) !== undefined)
    return [
      fromInferences(proofs, [
        held,
        ...(model === undefined ? [] : [sql`${modelThen} = ${model}`]),
        ...judgedThen(proofs, moment, filters),
      ]),
    ];
  const kinds = kindsOf(proofs, moment, filters);
  if (kinds.uncounted !== null) requireHours(proofs);
  if (filters.signatureValid !== undefined || model !== undefined) requireHours(proofs, moment);
  const walked = kinds.walked.flatMap(({ isRare, conditions }) => {
    const all = [held, ...ofModel, ...conditions];
    const sources = walks(proofs, moment, filters, isRare, all, many);
    if (newest) return sources;
    return [
      ...sources.flatMap((source) => [
        { ...source, conditions: [...source.conditions, sql`${source.signedAt} <= ${moment.time}`] },
        {
          ...source,
          conditions: [...source.conditions, sql`${source.signedAt} > ${moment.time}`, isRecent(moment)],
        },
      ]),
      fromSettledAhead(proofs, moment, [...all, sql`not ${isRecent(moment)}`]),
    ];
  });
  const apart =
    kinds.uncounted === null
      ? []
      : [fromUncounted(proofs, filters, [held, ...ofModel, sql`i.signature_valid`, ...kinds.uncounted])];
  const renamed =
    model === undefined || newest
      ? []
      : [
          fromRenamed(proofs, moment, model, [
            held,
            sql`i.model is distinct from ${model}`,
            sql`${modelThen} = ${model}`,
            ...judgedThen(proofs, moment, filters),
          ]),
        ];
  return [...walked, ...apart, ...renamed];
}

type Judged = Pick<InferenceFilters, "signatureValid" | "counted">;

/** The filters by verdict, of any inference `i`. */
function judgedThen(
  proofs: ProofTables,
  moment: Moment,
  { signatureValid, counted }: Judged,
): readonly SQL[] {
  return [
    ...(signatureValid === undefined
      ? []
      : [sql`${validThen(proofs, moment)} is ${signatureValid ? sql`true` : sql`false`}`]),
    ...(counted === undefined
      ? []
      : [sql`${inferenceCounts(proofs, moment)} is ${counted ? sql`true` : sql`not true`}`]),
  ];
}

const validThen = (proofs: ProofTables, moment: Moment): SQL =>
  sql`(select best.valid from ${bestSignature(proofs, moment)} best)`;

interface Kinds {
  /** Conditions on today's verdict of the signature, as the indexes say them; the union is the list. */
  readonly walked: readonly { readonly isRare: boolean; readonly conditions: readonly SQL[] }[];
  /** More of them among those that a settlement held before one counted; null when there are none. */
  readonly uncounted: readonly SQL[] | null;
}

/** What was settled with a valid signature from the beginning counts, unless its node was not registered: the others are few. */
function kindsOf(proofs: ProofTables, moment: Moment, { signatureValid, counted }: Judged): Kinds {
  const kind = (isRare: boolean, ...conditions: SQL[]) => ({ isRare, conditions });
  const invalid = kind(true, sql`i.signature_valid is not true`, sql`not i.signature_valid`);
  const undecided = kind(true, sql`i.signature_valid is not true`, sql`i.signature_valid is null`);
  const judged = judgedThen(proofs, moment, { signatureValid, counted });
  if (counted === true) {
    if (signatureValid === false) return { walked: [], uncounted: null };
    const isRegistered = sql`i.tee_id in (select r.tee_id from ${proofs.registration} r where r.chain_id = ${moment.chainId})`;
    const counts = sql`${inferenceCounts(proofs, moment)} is true`;
    return { walked: [kind(false, sql`i.signature_valid`, isRegistered, counts)], uncounted: null };
  }
  if (signatureValid === true) {
    if (counted === false) return { walked: [], uncounted: judged };
    const isPlain = sql`(select true from ${proofs.uncounted} u where u.inference_id = i.id) is null`;
    return {
      walked: [
        kind(false, sql`i.signature_valid`, sql`(${isPlain} or ${validThen(proofs, moment)} is true)`),
      ],
      uncounted: null,
    };
  }
  if (signatureValid === false) return { walked: [invalid], uncounted: judged };
  if (counted === false) return { walked: [invalid, undecided], uncounted: judged };
  return { walked: [kind(false)], uncounted: null };
}

/**
 * A payer's inferences are those of its settlements, in the order in which they were signed. Other filters narrow them
 * while there are few; those of a payer with many are looked for among the rows that the other filters leave.
 */
function walks(
  proofs: ProofTables,
  moment: Moment,
  { payer, teeId, model }: InferenceFilters,
  isRare: boolean,
  conditions: readonly SQL[],
  many: number,
): readonly InferenceSource[] {
  if (payer === undefined) return [fromInferences(proofs, conditions)];
  if ((teeId ?? model) === undefined && !isRare) return [fromSettlements(proofs, moment, payer, conditions)];
  const settlements = sql`(select count(*) from (
    select from ${proofs.settled} p where p.claimed_payer = ${payer} limit ${many + 1}) known)`;
  return [
    fromInferences(proofs, [...conditions, sql`${settlements} > ${many}`]),
    fromSettlements(proofs, moment, payer, [...conditions, sql`${settlements} <= ${many}`]),
  ];
}

/** Of what a settlement held before one counted. */
const fromUncounted = (
  { uncounted, inference }: ProofTables,
  { teeId }: InferenceFilters,
  conditions: readonly SQL[],
): InferenceSource => ({
  relations: sql`${uncounted} u cross join lateral (select * from ${inference} i where i.id = u.inference_id limit 1) i`,
  conditions: [...conditions, ...matching([[sql`u.tee_id`, teeId]])],
  order: newestSigned(sql`u.signed_at`, sql`u.inference_id`),
  signedAt: sql`u.signed_at`,
});

/** Of the hours in which a payload that was posted later took a model's name from some. */
const fromRenamed = (
  { bucketPart, inference }: ProofTables,
  moment: Moment,
  model: string,
  conditions: readonly SQL[],
): InferenceSource => ({
  relations: sql`(
        select distinct p.tee_id, p.start_at from ${bucketPart} p
        where ${isChanging(moment)} and p.from_block <= ${moment.blockNumber}::bigint and p.model = ${model}
      ) hour
      join ${inference} i on i.tee_id = hour.tee_id and i.signed_at >= hour.start_at and i.signed_at < hour.start_at + 3600`,
  conditions,
  order: NEWEST_SIGNED,
  signedAt: sql`i.signed_at`,
});

/** Whether hardly anything was settled after the moment. */
const isRecent = ({ chainId, time }: Moment): SQL => sql`(
  (select max(k.timestamp) from og.block k where k.chain_id = ${chainId}) <= ${time + DAY_SECONDS})`;

/** Inferences `i` that were settled by the moment and say that they were signed after it, held on chain or not; and others. */
export function settledAhead(
  { settled, leaf, inference }: ProofTables,
  { chainId, blockNumber, time }: Moment,
): SQL {
  // the first condition is the index's own
  const ahead = sql`p.signed_at > p.settled_at and p.signed_at > ${time}::bigint
    and p.chain_id = ${chainId} and p.block_number <= ${blockNumber}`;
  return sql`(
        select p.inference_id as id from ${settled} p where ${ahead} and p.inference_id is not null
        union
        select l.inference_id from ${settled} p join ${leaf} l on l.batch_key = p.batch_key where ${ahead}
      ) ahead
      cross join lateral (select * from ${inference} i where i.id = ahead.id limit 1) i`;
}

const fromSettledAhead = (
  proofs: ProofTables,
  moment: Moment,
  conditions: readonly SQL[],
): InferenceSource => ({
  relations: settledAhead(proofs, moment),
  conditions: [...conditions, sql`i.signed_at > ${moment.time}::bigint`],
  order: NEWEST_SIGNED,
  signedAt: sql`i.signed_at`,
});

const fromInferences = ({ inference }: ProofTables, conditions: readonly SQL[]): InferenceSource => ({
  relations: sql`${inference} i`,
  conditions,
  order: NEWEST_SIGNED,
  signedAt: sql`i.signed_at`,
});

/** True or null: a settlement on chain says that the payer paid for the inference `i`. */
const paidBy = (proofs: ProofTables, moment: Moment, payer: string): SQL => sql`(
  select true from ${verdictsOnChain(proofs, moment)}
  where p.inference_id = i.id and p.claimed_payer = ${payer} limit 1)`;

/** True or null: the settlement that the verdict is of is on chain. */
const onChain = (verdict: string, { blockNumber }: Moment): SQL => {
  const column = (name: string) => columnOf(verdict, name);
  return sql`(
    select true from og.settlement s
    where s.chain_id = ${column("chain_id")} and s.block_number = ${column("block_number")}
      and s.log_index = ${column("log_index")} and s.tx_hash = ${column("tx_hash")} and s.block_number <= ${blockNumber}
    limit 1)`;
};

/** The same inference may be settled for the same payer again: the first of these settlements on chain stands for all. */
function fromSettlements(
  { settled, inference }: ProofTables,
  moment: Moment,
  payer: string,
  conditions: readonly SQL[],
): InferenceSource {
  const earlier = sql`(
    select true from ${settled} q
    where q.claimed_payer = ${payer} and q.signed_at = p.signed_at and q.inference_id = p.inference_id
      and (q.block_number, q.log_index) < (p.block_number, p.log_index) and ${onChain("q", moment)} limit 1)`;
  return {
    relations: sql`${settled} p
      cross join lateral (select * from ${inference} i where i.id = p.inference_id limit 1) i`,
    conditions: [
      ...conditions,
      sql`p.claimed_payer = ${payer}`,
      onChain("p", moment),
      sql`${earlier} is null`,
    ],
    order: newestSigned(sql`p.signed_at`, sql`p.inference_id`),
    signedAt: sql`p.signed_at`,
  };
}
