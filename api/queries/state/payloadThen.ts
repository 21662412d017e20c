/** Which payload an inference was described by at a moment. */
import { type SQL, sql } from "drizzle-orm";
import type { Moment } from "./moment.ts";
import { isNewest, type ProofTables, verdictsOnChain } from "./proofTables.ts";

/** Whether any payload tells anything of the inference `i`: without one there is nothing to look for. */
export const isDescribed = sql`(i.model is not null or i.prompt_tokens is not null or i.completion_tokens is not null)`;

/**
 * Joins `told (model, prompt_tokens, completion_tokens)` to the inference `i`: of its payloads that settlements named by the
 * moment, what the best says. The order is the verifier's (workers/verifier/record/payloads.ts).
 */
export const joinPayload = (proofs: ProofTables, moment: Moment): SQL =>
  isNewest(proofs, moment)
    ? sql`cross join lateral (select i.model, i.prompt_tokens, i.completion_tokens) told`
    : sql`
  left join lateral (
    select y.model, y.prompt_tokens, y.completion_tokens from ${proofs.payload} y
    where ${isDescribed} and y.inference_id = i.id and y.state in ('matched', 'unmatched')
      and (y.model is not null or y.prompt_tokens is not null or y.completion_tokens is not null)
      and (select true from ${verdictsOnChain(proofs, moment)} where p.payload_key = y.key limit 1)
    order by y.state, y.input_matches is true desc, y.output_matches is true desc, y.blob_id_hex limit 1
  ) told on true`;
