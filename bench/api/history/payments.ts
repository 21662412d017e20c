/** Payments in sessions, pre-funded channels, and the sums over them. */
import type pg from "pg";
import { BASE_CHAIN_ID } from "../../../api/testing/worlds/chainTables.ts";
import { paymentSums } from "../../../api/testing/worlds/paymentSums.ts";
import { dailyOrganicCaps } from "../../../src/decode/organicCaps.ts";
import { COMMON_PAYEE, FACILITATORS, OPG, payer, RARE_TOKEN, USDC } from "./cast.ts";
import {
  BASE_BLOCK_SECONDS,
  BEGINS,
  type Counts,
  DAY,
  type HistorySize,
  headTime,
  LARGEST_SHARE,
  PAYMENTS_PER_SESSION,
} from "./size.ts";

const CHAIN = BASE_CHAIN_ID;
const TX = "'0x' || encode(sha256(convert_to(random()::text, 'UTF8')), 'hex')";
const blockOf = (time: string) => `((${time}) - ${BEGINS}) / ${BASE_BLOCK_SECONDS}`;
/** A share from 0 to 1 that follows from a number. */
const shareOf = (number: string) => `((hashint8(${number}) & 1048575) / 1048576.0::float8)`;
const SECONDS_BETWEEN_PAYMENTS = 150;
const INSERT_PAYERS = 5_000;

export async function writePayments(client: pg.Client, size: HistorySize, counts: Counts): Promise<void> {
  await client.query("create unlogged table bench.payer (index int, address text)");
  for (let from = 0; from < counts.payers; from += INSERT_PAYERS) {
    const indexes = Array.from(
      { length: Math.min(INSERT_PAYERS, counts.payers - from) },
      (_, offset) => from + offset,
    );
    await client.query("insert into bench.payer select * from unnest($1::int[], $2::text[])", [
      indexes,
      indexes.map(payer),
    ]);
  }
  const sessions = Math.floor(counts.payments / PAYMENTS_PER_SESSION);
  const span = size.days * DAY - 3_600;
  const begins = `${BEGINS} + 1800 + (s::float8 / ${sessions} * ${span})::bigint`;
  const skewed = (of: number, seed: string) => `floor(${of} * power(${shareOf(seed)}, 2))::int`;
  const statements = [
    // The largest payer pays the largest node half of the time; everybody else mostly one node of their own.
    `create unlogged table bench.session as
     select s, ${begins} as at, p.address as payer, case when s % 17 = 5 then '${COMMON_PAYEE}' else n.payment_address end as payee,
       case when s % 20000 = 77 and s < ${sessions} / 10 then '${RARE_TOKEN}' when s % 12 = 0 then '${USDC}' else '${OPG}' end as token
     from (select s, case when ${shareOf("s")} < ${LARGEST_SHARE} then 0 else 1 + ${skewed(counts.payers - 1, "s + 1000000007")} end as payer
       from generate_series(0, ${sessions} - 1) s) session
     join bench.payer p on p.index = session.payer
     join bench.node n on n.index = case when payer = 0 then case when s % 2 = 0 then 0 else s % ${counts.nodes} end
       when payer % 4 = 0 then 0 else 1 + (payer::bigint * 7919 % ${counts.nodes - 1}) end`,
    `insert into base.payment (chain_id, block_number, log_index, scheme, method, token, payer, payee, amount,
       permitted_amount, facilitator, paid_at, tx_hash, channel_id, source)
     select ${CHAIN}, block_number, row_number() over (partition by block_number order by s), scheme,
       case when scheme = 'batch-settlement' then 'channel' when s % 33 = 3 then 'eip3009' else 'permit2' end, token, payer, payee,
       case when token = '${USDC}' then 1000 + (s * 7 + r) % 9000 else 1000000000000000 * (1 + (s * 7 + r) % 90) end,
       case when scheme = 'upto' then 100000000000000000 end,
       case when s % 5000 = 9 then payer else (array['${FACILITATORS.join("','")}'])[1 + s % 2] end, at, ${TX}, null, 'call'
     from (
       select s, r, payer, payee, token, at + r * ${SECONDS_BETWEEN_PAYMENTS} as at, ${blockOf(`at + r * ${SECONDS_BETWEEN_PAYMENTS}`)} as block_number,
         case when s % 100 < 82 then 'upto' when s % 100 < 95 then 'exact' else 'batch-settlement' end as scheme
       from bench.session, generate_series(0, ${PAYMENTS_PER_SESSION - 1}) r
     ) payment
     order by block_number, s`,
    "drop table bench.session",
    ...sums,
    ...channels(size, counts),
  ];
  for (const statement of statements) await client.query(statement);
}

const sums = [
  ...paymentSums(dailyOrganicCaps({ OPG_ADDRESS: OPG, USDC_ADDRESS: USDC })),
  `insert into base.network_bucket (chain_id, start_at, registrations, individual_settlements, batch_settlements,
     claimed_leaves, legacy_settlements, onchain_inferences, payments)
   select chain_id, start_at, 0, 0, 0, 0, 0, 0, sum(payments) from base.token_bucket group by 1, 2`,
];

/** Each is created and then claimed from day after day; some are closed or being withdrawn from. */
function channels(
  size: HistorySize,
  { channels: count, channelEvents, payers, nodes }: Counts,
): readonly string[] {
  const perChannel = Math.floor(channelEvents / count);
  const span = Math.floor(0.9 * size.days * DAY);
  const step = Math.floor((0.1 * size.days * DAY) / perChannel);
  const event = `select c, k, '0x' || encode(sha256(convert_to('channel ' || c, 'UTF8')), 'hex') as channel_id,
      ${BEGINS}::bigint + 60 + c::bigint * ${span} / ${count} + k * ${step} as at,
      case when k = 0 then 'created' when k = ${perChannel - 1} and c % 10 = 1 then 'closed'
        when k = ${perChannel - 1} and c % 10 = 2 then 'withdraw-initiated' else 'claimed' end as kind
    from generate_series(0, ${count - 1}) c, generate_series(0, ${perChannel - 1}) k`;
  return [
    `create unlogged table bench.channel_event as ${event}`,
    `insert into base.channel (chain_id, channel_id, payer, payer_authorizer, receiver, receiver_authorizer, token,
       withdraw_delay_seconds, salt, balance, total_claimed, deposited, refunded, withdrawn, closed, created_at, created_block,
       created_log_index, updated_at)
     select ${CHAIN}, channel_id, p.address, p.address, n.payment_address, n.owner, '${OPG}', 86400, channel_id,
       1000000000000000000, ${perChannel - 1} * 1000000000000000, 1000000000000000000, 0, 0, c % 10 = 1, at, ${blockOf("at")}, c,
       at + ${step} * ${perChannel - 1}
     from bench.channel_event
     join bench.payer p on p.index = case when c % 10 < 3 then 0 else c * 31 % ${payers} end
     join bench.node n on n.index = case when c % 10 > 6 then 0 else c % ${nodes} end
     where k = 0 order by c`,
    `insert into base.channel_event (chain_id, block_number, log_index, channel_id, kind, amount, sender, timestamp, tx_hash,
       balance_after, total_claimed_after, refunded_after, withdrawn_after, pending_withdrawal_amount_after,
       pending_withdrawal_finalizable_at_after, closed_after)
     select ${CHAIN}, ${blockOf("at")}, c, channel_id, kind, 1000000000000000, '${FACILITATORS[0]}', at, ${TX},
       1000000000000000000, k * 1000000000000000::numeric, 0, 0, case when kind = 'withdraw-initiated' then 1000 end,
       case when kind = 'withdraw-initiated' then at + 86400 end, kind = 'closed'
     from bench.channel_event order by at, c`,
    "drop table bench.channel_event",
    // Blocks stand for their events.
    `insert into base.block (chain_id, number, hash, timestamp)
     select ${CHAIN}, number, '0x' || lpad(to_hex(number), 64, 'b'), ${BEGINS} + number * ${BASE_BLOCK_SECONDS}
     from (select block_number as number from base.payment union select block_number from base.channel_event
       union select ${(headTime(size) - BEGINS) / BASE_BLOCK_SECONDS}) block order by number`,
  ];
}
