/** Nodes, PCRs and what happened to them, and the nodes' heartbeats with the spells and gaps that follow. */
import type pg from "pg";
import { OG_CHAIN_ID } from "../../../api/testing/worlds/chainTables.ts";
import { generateNode } from "../../nodeKeys.ts";
import {
  ADMIN,
  EARLIER_NODES,
  EARLIER_REGISTRY,
  ownerOf,
  PCRS,
  paymentAddressOf,
  REGISTRY,
  RELAYERS,
} from "./cast.ts";
import {
  BEGINS,
  type Counts,
  countsOf,
  DAY,
  HEARTBEAT_SECONDS,
  type HistorySize,
  headTime,
  LARGEST_SHARE,
  OG_BLOCK_SECONDS,
  ogBlockAt,
} from "./size.ts";

const MAX_AGE_SECONDS = 2 * HEARTBEAT_SECONDS;
const CHAIN = OG_CHAIN_ID;
const TX = "'0x' || encode(sha256(convert_to(random()::text, 'UTF8')), 'hex')";
const blockOf = (time: string) => `((${time}) - ${BEGINS}) / ${OG_BLOCK_SECONDS}`;

export interface NodeRow {
  readonly index: number;
  readonly teeId: `0x${string}`;
  readonly registry: string;
  readonly registeredAt: number;
  /** Its last heartbeat comes before. */
  readonly stopsAt: number;
  /** What ended it; null while it goes on or is merely silent. */
  readonly end: "disabled" | "removed" | "revoked" | null;
}

/** When each node came and went. */
export function planNodes(size: HistorySize): readonly NodeRow[] {
  const { nodes } = countsOf(size);
  const length = size.days * DAY;
  const at = (share: number) => BEGINS + Math.floor(share * length);
  return Array.from({ length: nodes + EARLIER_NODES }, (_, index): NodeRow => {
    const earlier = index >= nodes;
    // Most were there from the beginning, the rest came over time.
    const late = !earlier && index % 5 === 4;
    const registeredAt = late ? at(0.1 + (0.8 * (index % 97)) / 97) : BEGINS + 600 + (index % 90) * 30;
    const end =
      index === 0
        ? null
        : earlier
          ? "removed"
          : index % 20 === 7
            ? "disabled"
            : index % 33 === 11
              ? "revoked"
              : null;
    const silent = index % 20 === 13 && !late;
    const stopsAt = earlier
      ? at(0.1)
      : end === null
        ? silent
          ? at(0.85)
          : headTime(size)
        : at(end === "revoked" ? 0.5 : 0.7);
    const { teeId } = generateNode(index);
    const registry = earlier ? EARLIER_REGISTRY : REGISTRY;
    return { index, teeId, registry, registeredAt, stopsAt: Math.max(stopsAt, registeredAt + 60), end };
  });
}

export async function writeRegistry(
  client: pg.Client,
  size: HistorySize,
  nodes: readonly NodeRow[],
): Promise<void> {
  await writePlan(client, nodes);
  const head = headTime(size);
  const revokedAt = BEGINS + Math.floor(0.5 * size.days * DAY);
  const pcrOf = `case when ends = 'revoked' then '${PCRS[0]}' else (array['${PCRS.slice(1).join("','")}'])[1 + index % 3] end`;
  const statements = [
    `insert into og.heartbeat_max_age (chain_id, registry, ordinal, value_seconds, value, from_block, from_at, precision)
     select ${CHAIN}, registry, 0, ${MAX_AGE_SECONDS}, ${MAX_AGE_SECONDS}, 0, ${BEGINS}, 'exact'
     from (values ('${REGISTRY}'), ('${EARLIER_REGISTRY}')) r (registry)`,
    `insert into og.tee_type (chain_id, registry, type_id, name, name_hex, added_at, added_block)
     select ${CHAIN}, registry, type_id, name, '0x' || encode(convert_to(name, 'UTF8'), 'hex'), ${BEGINS}, 0
     from (values ('${REGISTRY}'), ('${EARLIER_REGISTRY}')) r (registry), (values (0, 'LLMProxy'), (1, 'Validator')) t (type_id, name)`,
    `insert into og.role (chain_id, registry, role, account, granted, granted_at)
     values (${CHAIN}, '${REGISTRY}', '0x${"0".repeat(64)}', '${ADMIN}', true, ${BEGINS})`,
    `insert into og.registry_event (chain_id, block_number, log_index, registry, kind, timestamp, tx_hash, sender, signature,
       tee_type, pcr_hash, label, effective_at)
     select ${CHAIN}, ${blockOf("at")}, 10000 + row_number() over (), registry, kind, at, ${TX}, '${ADMIN}',
       'PCRApproved(bytes32,uint8,string)', 0, hash, label, case when kind = 'pcr-revoked' then at end
     from (
       select ${BEGINS}::bigint + i * 60 as at, registry, 'pcr-approved' as kind, hash, 'v' || i as label
       from (values ('${REGISTRY}'), ('${EARLIER_REGISTRY}')) r (registry),
         unnest(array['${PCRS.join("','")}']) with ordinality p (hash, i)
       union all select ${revokedAt}, '${REGISTRY}', 'pcr-revoked', '${PCRS[0]}', null
     ) event`,
    `insert into og.registry_event (chain_id, block_number, log_index, registry, kind, timestamp, tx_hash, sender, signature,
       tee_id, tee_type, account, cause)
     select ${CHAIN}, ${blockOf("at")}, index, registry, kind, at, ${TX}, owner, signature, tee_id, 0, owner, cause
     from (
       select *, 'registered' as kind, registered_at as at, 'TEERegistered(bytes32,address,uint8)' as signature, null as cause
       from bench.node
       union all
       select *, case when ends = 'removed' then 'removed' else 'disabled' end, stops_at, 'TEEDisabled(bytes32)',
         case when ends = 'revoked' then 'pcr-revocation' else 'owner' end
       from bench.node where ends is not null
     ) event`,
    `insert into og.node (chain_id, registry, tee_id, owner, tee_type, registered_at, registered_block, registered_log_index,
       registered_tx_hash, payment_address, endpoint, endpoint_hex, endpoint_host, public_key, tls_certificate, pcr_hash,
       ohttp_key_id, ohttp_kem_id, ohttp_kdf_id, ohttp_aead_id, ohttp_public_key, ohttp_key_config, ohttp_registered_at,
       record_source, removed_at, status_block, status_log_index, status_tx_hash)
     select ${CHAIN}, registry, tee_id, owner, 0, registered_at, ${blockOf("registered_at")}, index, ${TX},
       payment_address, 'https://node-' || index || '.example:8443',
       '0x' || encode(convert_to('https://node-' || index || '.example:8443', 'UTF8'), 'hex'),
       'node-' || index || '.example:8443', public_key, certificate, ${pcrOf},
       1, 32, 1, 1, ohttp_key, '0x01' || substr(ohttp_key, 3), registered_at,
       'call', case when ends = 'removed' then stops_at end, ${blockOf("registered_at")}, index, ${TX} from bench.node`,
    // What no event announces: every tenth node got another certificate on the way.
    `insert into observations.node_record (chain_id, registry, tee_id, block_number, block_hash, block_timestamp, owner,
       payment_address, endpoint_hex, public_key, tls_certificate, pcr_hash, tee_type, enabled, registered_at, ohttp_key_id,
       ohttp_kem_id, ohttp_kdf_id, ohttp_aead_id, ohttp_public_key, ohttp_key_config, ohttp_registered_at,
       last_confirmed_block, last_confirmed_at)
     select chain_id, registry, tee_id, registered_block + change * 1000, '0x', registered_at + change * 3000, owner, payment_address,
       endpoint_hex, public_key, left(tls_certificate, -2) || lpad(to_hex(change::int), 2, '0'), pcr_hash, tee_type, true,
       registered_at, ohttp_key_id, ohttp_kem_id, ohttp_kdf_id, ohttp_aead_id, ohttp_public_key, ohttp_key_config,
       ohttp_registered_at, ${ogBlockAt(head)}, ${head}
     from og.node, generate_series(1, 2) change where registered_log_index % 10 = 1`,
    `insert into proofs.node_key (tee_id, public_key) select distinct tee_id, public_key from og.node`,
    `insert into proofs.registration (chain_id, tee_id, registry, block_number, log_index)
     select chain_id, tee_id, registry, registered_block, registered_log_index from og.node where registry = '${REGISTRY}'`,
  ];
  for (const statement of statements) await client.query(statement);
}

/** A table of the nodes, from which everything about them follows. */
async function writePlan(client: pg.Client, nodes: readonly NodeRow[]): Promise<void> {
  await client.query(`create schema bench; create unlogged table bench.node (index int primary key, tee_id text,
    registry text, owner text, payment_address text, relayer text, registered_at bigint, stops_at bigint, ends text,
    public_key text, certificate text, ohttp_key text)`);
  const rows = nodes.map(({ index, registry, registeredAt, stopsAt, end }) => ({
    ...generateNode(index),
    ...{ index, registry, registered_at: registeredAt, stops_at: stopsAt, ends: end },
    owner: ownerOf(index),
    payment_address: paymentAddressOf(index),
    relayer: RELAYERS[index % 10 < 6 ? 0 : index % 10 < 9 ? 1 : 2],
  }));
  await client.query(
    `insert into bench.node select index, "teeId", registry, owner, payment_address, relayer, registered_at, stops_at, ends,
       "publicKey", certificate, "ohttpKey"
     from jsonb_to_recordset($1) row (index int, "teeId" text, registry text, owner text, payment_address text, relayer text,
       registered_at bigint, stops_at bigint, ends text, "publicKey" text, certificate text, "ohttpKey" text)`,
    [JSON.stringify(rows)],
  );
}

/** Beats of which one in so many begins an outage of three. */
const BEATS_BETWEEN_OUTAGES = 700;
/** One node is down for half of every two hours. */
const FLAPPING_NODE = 5;

export async function writeHeartbeats(client: pg.Client, size: HistorySize, counts: Counts): Promise<void> {
  const largest = Math.round(LARGEST_SHARE * counts.heartbeats);
  const head = headTime(size);
  const statements = [
    `insert into og.heartbeat (chain_id, block_number, log_index, registry, tee_id, received_at, signed_at, latest_signed_at,
       repeated, relayer, tx_hash, heartbeats_so_far, repeated_so_far, lateness_seconds_so_far)
     select ${CHAIN}, block_number, row_number() over (partition by block_number order by index), registry, tee_id, at,
       signed_at, max(signed_at) over node, repeated, relayer, ${TX}, row_number() over node,
       count(*) filter (where repeated) over node, (sum(at - signed_at) over node)::bigint
     from (
       -- a repeated heartbeat is the one before once more
       select *, case when repeated then lag(at - lateness) over node else at - lateness end as signed_at
       from (
         select n.*, at, ${blockOf("at")} as block_number, (k * 31 + index) % 23 as lateness, k % 50 = 49 as repeated
         from bench.node n
         cross join lateral (
           select k, case when index = 0
             then registered_at + 1 + k * (${head} - registered_at - 1) / ${largest}
             else registered_at + ${HEARTBEAT_SECONDS} * (k + 1) + (k * 7 + index * 13) % 40 end as at
           from generate_series(0, case when index = 0 then ${largest} - 1
             else (stops_at - registered_at) / ${HEARTBEAT_SECONDS} end) k
         ) beat
         where at < stops_at and (index = 0 or (k + 37 * index) % ${BEATS_BETWEEN_OUTAGES} >= 3)
           and not (index = ${FLAPPING_NODE} and k % 8 >= 4)
       ) beat
       window node as (partition by index order by at)
     ) beat
     window node as (partition by index order by at)
     order by block_number, index`,
    `create table bench.signed as
     select n.*, lead(at) over (partition by index order by at) as next from (
       select index, tee_id, registry, stops_at, ends, registered_at as at from bench.node
       union all
       select n.index, n.tee_id, n.registry, n.stops_at, n.ends, h.received_at
       from bench.node n join og.heartbeat h on h.tee_id = n.tee_id and h.registry = n.registry and not h.repeated
     ) n`,
    `insert into og.proved_gap (chain_id, registry, tee_id, ordinal, last_signed_at, next_signed_at, max_age_seconds, known_at)
     select ${CHAIN}, registry, tee_id, row_number() over (partition by index order by at) - 1, at, next, ${MAX_AGE_SECONDS}, next
     from bench.signed where next - at > 1.5 * ${HEARTBEAT_SECONDS}`,
    // A spell begins after every silence that is longer than the contract allows.
    `create table bench.spell as
     select index, tee_id, registry, stops_at, ends, min(at) as from_at, max(at) + ${MAX_AGE_SECONDS + 1} as until_at,
       row_number() over (partition by index order by min(at)) - 1 as ordinal,
       row_number() over (partition by index order by min(at) desc) = 1 as newest
     from (select *, count(*) filter (where silent) over (partition by index order by at) as island from (
       select *, at - lag(at) over (partition by index order by at) > ${MAX_AGE_SECONDS} as silent from bench.signed) s) s
     group by index, tee_id, registry, stops_at, ends, island`,
    `insert into og.active_interval (chain_id, registry, tee_id, ordinal, from_at, until_at, end_cause)
     select ${CHAIN}, registry, tee_id, ordinal, from_at,
       case when newest and ends is not null then least(until_at, stops_at) else until_at end,
       case when newest and ends is not null then case ends when 'revoked' then 'pcr-revoked' else ends end else 'stale' end
     from bench.spell where not newest or ends is not null`,
    `insert into og.node_liveness (chain_id, registry, tee_id, enabled, removed, last_heartbeat_at, last_signed_at,
       last_signed_max_age_seconds, active_from, active_until, closed_intervals, proved_gaps, max_age_seconds,
       recent_signed_at, journal, journal_rolls_at_block, heartbeats, repeated_heartbeats, lateness_seconds,
       settlements, settlement_latency_seconds)
     select ${CHAIN}, n.registry, n.tee_id, n.ends is null, n.ends is not distinct from 'removed',
       coalesce(h.received_at, n.registered_at), coalesce(h.latest_signed_at, n.registered_at), ${MAX_AGE_SECONDS},
       case when n.ends is null then s.from_at end, case when n.ends is null then s.until_at end, s.ordinal, 0,
       ${MAX_AGE_SECONDS}, '', '', 0, coalesce(h.heartbeats_so_far, 0), coalesce(h.repeated_so_far, 0),
       coalesce(h.lateness_seconds_so_far, 0), 0, 0
     from bench.node n join bench.spell s on s.index = n.index and s.newest
     left join (select distinct on (tee_id, registry) * from og.heartbeat order by tee_id, registry, heartbeats_so_far desc) h
       on h.tee_id = n.tee_id and h.registry = n.registry`,
    "drop table bench.signed, bench.spell",
  ];
  for (const statement of statements) await client.query(statement);
}
