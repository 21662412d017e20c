/** What payments add up to: everything, and what of it says something about demand. */
import { type SQL, sql } from "drizzle-orm";
import type { DailyOrganicCap } from "../../../src/decode/organicCaps.ts";
import { isOrganicPair } from "./organic.ts";

/** What one payer may count for per operator and day; no other token has an organic volume. */
export type DailyOrganicCaps = readonly DailyOrganicCap[];

/** Amounts are decimal strings in base units of `token`. */
export interface Volume {
  readonly token: string;
  readonly raw: string;
  /** Counts a payer for at most one whole token per operator and UTC day; null for tokens without such a bound. */
  readonly organic: string | null;
  /** (Σv)² / Σv² over the payers' organic volumes; null without any. */
  readonly effectivePayers: number | null;
}

/**
 * Common table expressions `per_payer (place, token, payer, …)` and `volume (place, token, raw, organic, payments, payers,
 * effective_payers)`.
 * Needs `namedAddresses`, `insiders` and a relation `p (place, operator, payer, payee, token, start_at, payments, amount,
 * self_facilitated_amount)`: `place` is what is summed for, `operator` whose payers are bounded together, `start_at` the day.
 */
export const volumes = (caps: DailyOrganicCaps): SQL => sql`
  daily as (
    select p.place, p.token, p.payer, sum(p.payments) as payments, sum(p.amount) as raw,
      least(
        coalesce(sum(p.amount - p.self_facilitated_amount) filter (where ${isOrganicPair}), 0),
        ${capOf(caps, sql`p.token`)}
      ) as organic
    -- payers first: where rows have to be sorted, these tell most of them apart
    from p group by p.payer, p.token, p.place, p.operator, p.start_at
  ), per_payer as (
    select place, token, payer, sum(payments) as payments, sum(raw) as raw,
      case when ${capOf(caps, sql`token`)} is not null then sum(organic) end as organic
    from daily group by payer, token, place
  ), volume as (
    select place, token, sum(raw) as raw, sum(organic) as organic, sum(payments)::bigint as payments, count(*) as payers,
      round(sum(organic) * sum(organic) / nullif(sum(organic * organic), 0), 4)::float8 as effective_payers
    from per_payer group by place, token
  )`;

/** The sum of parts; null when one of them is unknown. */
export const sumOfKnown = (parts: readonly (bigint | null)[]): bigint | null =>
  parts.reduce((sum, part) => (sum === null || part === null ? null : sum + part), 0n);

/** What one payer may count for in a token; null in one without a bound. */
export const capOf = (caps: DailyOrganicCaps, token: SQL): SQL =>
  caps.length === 0
    ? sql`null::numeric`
    : sql`case ${token} ${sql.join(
        caps.map(({ token: bounded, amount }) => sql`when ${bounded} then ${amount.toString()}::numeric`),
        sql` `,
      )} end`;

/** A common table expression `cap (token, amount)`. */
export const organicCaps = (caps: DailyOrganicCaps): SQL => sql`
  cap (token, amount) as (values ${
    caps.length === 0
      ? sql`(null::text, null::numeric)`
      : sql.join(
          caps.map(({ token, amount }) => sql`(${token}, ${amount.toString()}::numeric)`),
          sql`, `,
        )
  })`;
