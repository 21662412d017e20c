/** Records the outcomes of payloads, one transaction per group. */
import type pg from "pg";
import type { Hex } from "../../../proofs/hex.ts";
import type { PayloadReading } from "../../../proofs/payload.ts";
import { markInferences } from "../derive/buckets.ts";
import { finishJobs, holdJobs, type PayloadJob, postponeJobs } from "../jobs/claims.ts";
import { mayReplace, postponed, type Recheckable, type Unfinished } from "./outcome.ts";
import { advanceRevision, inTransaction, lockDerived } from "./transaction.ts";

/** A payload that was read, one that cannot exist, or one that could not be fetched yet. */
export type PayloadOutcome = { readonly job: PayloadJob } & Recheckable &
  (
    | PayloadReading
    | { readonly state: "invalid"; readonly reason: string; readonly detail: string }
    | Unfinished
  );

const STATES = [
  "pending",
  "unavailable",
  "invalid",
  "unmatched",
  "matched",
] as const satisfies readonly PayloadOutcome["state"][];

const NOTHING_READ = {
  model: null,
  promptTokens: null,
  completionTokens: null,
  inputMatches: null,
  outputMatches: null,
} as const;

/**
 * Takes an inference's model and tokens from its best payload: one whose hashes both match, then one whose input or output
 * matches, then one that is not contradicted; ties go to the smallest blob id.
 */
const DESCRIBE = `
  with described as (
    select i.id, p.model, p.prompt_tokens, p.completion_tokens
    from proofs.inference i left join lateral (
      select model, prompt_tokens, completion_tokens from proofs.payload
      where inference_id = i.id and state in ('matched', 'unmatched')
        and (model is not null or prompt_tokens is not null or completion_tokens is not null)
      order by state, input_matches is true desc, output_matches is true desc, blob_id_hex limit 1) p on true
    where i.id = any($1))
  update proofs.inference i
  set model = d.model, prompt_tokens = d.prompt_tokens, completion_tokens = d.completion_tokens
  from described d
  where i.id = d.id and (i.model, i.prompt_tokens, i.completion_tokens)
    is distinct from (d.model, d.prompt_tokens, d.completion_tokens)`;

/**
 * Records the outcomes of payloads that this verifier still holds.
 * @returns how many were recorded.
 */
export const recordPayloads = (
  pool: pg.Pool,
  holder: string,
  outcomes: readonly PayloadOutcome[],
): Promise<number> =>
  inTransaction(pool, async (client) => {
    const held = await holdJobs(
      client,
      holder,
      "payload",
      outcomes.map(({ job }) => job.key),
    );
    const ours = outcomes.filter(({ job }) => held.has(job.key));
    const ids = [...new Set(ours.map(({ job }) => job.inferenceId))];
    // verifiers with payloads of the same inference wait here, and then see ours
    await client.query("select from proofs.inference where id = any($1) order by id for update", [ids]);
    const readings = ours.map((outcome) => ({ ...NOTHING_READ, ...outcome }));
    const { rows: changed } = await client.query<{ inferenceId: Hex }>(
      `update proofs.payload p set state = o.state, reason = o.reason, detail = o.detail, model = o.model,
         prompt_tokens = o.prompt, completion_tokens = o.completion, input_matches = o.input, output_matches = o.output,
         checked_at = now()
       from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::int8[], $8::bool[], $9::bool[])
         as o(key, state, reason, detail, model, prompt, completion, input, output)
       where p.key = o.key and ${mayReplace("p.state", "o.state", STATES)}
         and (p.state, p.reason, p.detail) is distinct from (o.state, o.reason, o.detail)
       returning p.inference_id as "inferenceId"`,
      [
        ours.map(({ job }) => job.key),
        readings.map(({ state }) => state),
        readings.map(({ reason }) => reason),
        readings.map(({ detail }) => detail),
        readings.map(({ model }) => model),
        readings.map(({ promptTokens }) => promptTokens),
        readings.map(({ completionTokens }) => completionTokens),
        readings.map(({ inputMatches }) => inputMatches),
        readings.map(({ outputMatches }) => outputMatches),
      ],
    );
    await client.query(DESCRIBE, [ids]);

    await lockDerived(client);
    await finishJobs(
      client,
      "payload",
      ours.flatMap(({ job, again }) => (again === undefined ? [job.key] : [])),
    );
    await postponeJobs(client, "payload", postponed(ours));
    // also a payload that is not its inference's best one: it may have been until another was posted
    await markInferences(
      client,
      changed.map(({ inferenceId }) => inferenceId),
    );
    if (changed.length > 0) await advanceRevision(client);
    return ours.length;
  });
