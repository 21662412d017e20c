/** The payment totals that the indexer keeps, recomputed from the payments. For tests and benchmarks. */
import type { DailyOrganicCap } from "../../../src/decode/organicCaps.ts";

/** The tables that `paymentSums` fills. */
export const SUMS_OF_PAYMENTS = [
  "payment_bucket",
  "token_bucket",
  "payer_day",
  "payee_total",
  "payer_total",
  "payee_payer",
] as const;

/** Statements that fill the empty tables of the schema `base`. */
export function paymentSums(caps: readonly DailyOrganicCap[]): readonly string[] {
  const capOf = (token: string) =>
    `case ${token} ${caps.map((cap) => `when '${cap.token}' then ${cap.amount}::numeric`).join(" ")} else 0 end`;
  const pair = "chain_id, payee, token, payer";
  return [
    // A payer's hours with a payee: what others submitted for it, what of that counts, and what had counted before.
    `create temporary table payer_hour as
     select *, sum(gained) over (partition by ${pair} order by start_at) - gained as capped_before,
       row_number() over (partition by ${pair} order by start_at) = 1 as first_in_token,
       row_number() over (partition by chain_id, payee, payer order by first_payment) = 1 as first_in_any_token
     from (
       select *, least(reached, cap) - least(reached - others, cap) as gained from (
         select *, sum(others) over (partition by ${pair}, start_at - start_at % 86400 order by start_at) as reached
         from (
           select ${pair}, paid_at - paid_at % 3600 as start_at, count(*) as payments, sum(amount) as amount,
             coalesce(sum(amount) filter (where payer <> facilitator), 0) as others, ${capOf("token")} as cap,
             min(array[block_number, log_index]) as first_payment
           from base.payment group by 1, 2, 3, 4, 5
         ) hour
       ) reached
     ) gained`,
    `insert into base.payment_bucket (chain_id, start_at, payee, token, payments, amount, payments_so_far, amount_so_far,
       payers_so_far, new_payers_so_far, capped_so_far, capped_squares_so_far)
     select chain_id, start_at, payee, token, payments, amount, sum(payments) over so_far, sum(amount) over so_far,
       sum(payers) over so_far, sum(new_payers) over so_far, sum(gained) over so_far, sum(squares) over so_far
     from (
       select chain_id, start_at, payee, token, sum(payments) as payments, sum(amount) as amount,
         count(*) filter (where first_in_token) as payers, count(*) filter (where first_in_any_token) as new_payers,
         sum(gained) as gained, sum((capped_before + gained) ^ 2 - capped_before ^ 2) as squares
       from payer_hour group by 1, 2, 3, 4
     ) hour window so_far as (partition by chain_id, payee, token order by start_at)
     order by start_at, payee, token`,
    `insert into base.token_bucket (chain_id, start_at, token, payments, amount)
     select chain_id, start_at, token, sum(payments), sum(amount) from base.payment_bucket group by 1, 2, 3`,
    `insert into base.payer_day (${pair}, start_at, payments, amount, self_facilitated_amount, capped_before)
     select ${pair}, start_at - start_at % 86400, sum(payments), sum(amount), sum(amount) - sum(others), min(capped_before)
     from payer_hour group by 1, 2, 3, 4, 5`,
    `insert into base.payee_total (chain_id, payee, token, payments, amount, payers, new_payers, capped, capped_squares)
     select distinct on (chain_id, payee, token) chain_id, payee, token, payments_so_far, amount_so_far, payers_so_far,
       new_payers_so_far, capped_so_far, capped_squares_so_far
     from base.payment_bucket order by chain_id, payee, token, start_at desc`,
    `insert into base.payer_total (${pair}, day_at, day_amount, capped_before)
     select distinct on (${pair}) ${pair}, start_at, amount - self_facilitated_amount, capped_before
     from base.payer_day order by ${pair}, start_at desc`,
    `insert into base.payee_payer (chain_id, payee, payer)
     select distinct chain_id, payee, payer from base.payer_total`,
    "drop table payer_hour",
  ];
}
