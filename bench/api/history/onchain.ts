/** On-chain inferences, the network's sums, and OpenGradient's blocks. */
import type pg from "pg";
import { OG_CHAIN_ID } from "../../../api/testing/worlds/chainTables.ts";
import { HUB, MODEL_CIDS, payer, RARE_MODEL_CID } from "./cast.ts";
import { BEGINS, type Counts, DAY, type HistorySize, headTime, OG_BLOCK_SECONDS, ogBlockAt } from "./size.ts";

const CHAIN = OG_CHAIN_ID;
const TX = "'0x' || encode(sha256(convert_to(random()::text, 'UTF8')), 'hex')";
/** As long as a short chat's. */
const REQUEST_WORDS = 20;
const HUB_WORDS = 8;

/** Needs payments' `bench.payer`, and comes after everything else of the chain. */
export async function writeOnchain(
  client: pg.Client,
  size: HistorySize,
  { onchain, payers }: Counts,
): Promise<void> {
  const span = size.days * DAY - 3_600;
  const words = (count: number) =>
    `'0x' || repeat(encode(sha256(convert_to(k::text, 'UTF8')), 'hex'), ${count})`;
  const hours = (table: string, time: string, where = "true") =>
    `select ${time} - ${time} % 3600 as start_at, count(*) as count from ${table} where ${where} group by 1`;
  const statements = [
    // The mode TEE and one model were used a few times, long ago.
    `insert into og.onchain_inference (chain_id, block_number, log_index, kind, mode, model_cid, model_cid_hex, inference_id,
       inference_id_hex, caller, timestamp, tx_hash, request_data, hub, hub_event, hub_log_index, hub_data)
     select ${CHAIN}, block_number, row_number() over (partition by block_number order by k), kind,
       case when kind = 'workflow' then null when rare then 2 else k % 2 end, cid, '0x' || encode(convert_to(cid, 'UTF8'), 'hex'),
       'inference-' || k, '0x' || encode(convert_to('inference-' || k, 'UTF8'), 'hex'), p.address, at, ${TX},
       ${words(REQUEST_WORDS)}, '${HUB}', 'InferenceResult', 5, ${words(HUB_WORDS)}
     from (
       select k, at, (at - ${BEGINS}) / ${OG_BLOCK_SECONDS} as block_number, rare,
         case when k % 20 = 0 then 'workflow' when k % 10 < 6 then 'model' when k % 10 < 9 then 'chat' else 'completion' end as kind,
         case when rare then '${RARE_MODEL_CID}' else (array['${MODEL_CIDS.join("','")}'])[1 + k % ${MODEL_CIDS.length}] end as cid
       from (select k, ${BEGINS} + 900 + (k::float8 / ${onchain} * ${span})::bigint as at, k % 100 = 42 and k < ${onchain} / 20 as rare
         from generate_series(0, ${onchain} - 1) k) k
     ) inference
     join bench.payer p on p.index = case when k % 10 < 3 then 0 else (k::bigint * 31 % ${payers}) end
     order by block_number, k`,
    `insert into og.network_bucket (chain_id, start_at, registrations, individual_settlements, batch_settlements, claimed_leaves,
       legacy_settlements, onchain_inferences, payments)
     select ${CHAIN}, start_at, coalesce(r.count, 0), coalesce(i.count, 0), coalesce(b.count, 0), coalesce(20 * b.count, 0),
       coalesce(l.count, 0), coalesce(o.count, 0), 0
     from (${hours("og.settlement", "settled_at", "kind = 'individual'")}) i
     full join (${hours("og.settlement", "settled_at", "kind = 'batch'")}) b using (start_at)
     full join (${hours("og.settlement", "settled_at", "kind = 'legacy'")}) l using (start_at)
     full join (${hours("og.onchain_inference", "timestamp")}) o using (start_at)
     full join (${hours("og.registry_event", "timestamp", "kind = 'registered'")}) r using (start_at)`,
    `insert into og.block (chain_id, number, hash, timestamp)
     select ${CHAIN}, number, '0x' || lpad(to_hex(number), 64, 'b'), ${BEGINS} + number * ${OG_BLOCK_SECONDS}
     from (select block_number as number from og.heartbeat union select block_number from og.settlement
       union select block_number from og.onchain_inference union select block_number from og.registry_event
       union select ${ogBlockAt(headTime(size))}) block order by number`,
  ];
  for (const statement of statements) await client.query(statement);
}

/** An address that called contracts and paid: the largest. */
export const LARGEST_PAYER = payer(0);
