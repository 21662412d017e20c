/**
 * SQL for a node's state at a moment: pieces that the list, the filters and the aggregates share. `n` is a row of
 * `REGISTRATIONS`. The same pieces answer "now" and `at`, so that the two cannot differ.
 */
import { type SQL, sql } from "drizzle-orm";
import { LEGACY_ANY_TYPE } from "../../../src/decode/pcrApproval.ts";
import type { Moment } from "../state/moment.ts";

/** A moment, or one per row: then its block and time are columns of what was joined before. */
export interface RowMoment {
  readonly chainId: number;
  readonly blockNumber: Moment["blockNumber"] | SQL;
  readonly time: Moment["time"] | SQL;
}

export const NODE_STATUSES = ["active", "stale", "disabled", "revoked", "removed"] as const;
export type NodeStatus = (typeof NODE_STATUSES)[number];

/**
 * Every registration, for `n`: a key that was removed (legacy) and came back has earlier ones, each up to the block that
 * replaced it. `joinRegistration` picks the one that held at a moment.
 */
export const REGISTRATIONS: SQL = sql`(
  select node.*, null::bigint as replaced_block from og.node union all select * from og.earlier_node)`;

/** Joins the registration's position, of the one that held. */
export const joinRegistration = ({ blockNumber }: RowMoment): SQL => sql`
  cross join lateral (
    select n.registered_block as block, n.registered_log_index as log_index, n.registered_at as at
    where n.registered_block <= ${blockNumber} and (n.replaced_block is null or n.replaced_block > ${blockNumber})
  ) registration`;

/**
 * Joins what was observed of the record: the newest observation up to the moment says what no event announced, the
 * earliest one of all fills what the registration left unknown.
 */
export const joinObservations = ({ chainId, blockNumber }: RowMoment): SQL => sql`
  left join lateral (
    select o.* from observations.node_record o
    where o.chain_id = ${chainId} and o.registry = n.registry and o.tee_id = n.tee_id
      and o.block_number between registration.block and ${blockNumber}
    order by o.block_number desc limit 1
  ) observed on true
  left join lateral (
    select o.* from observations.node_record o
    where observed.tee_id is null and (n.payment_address is null or n.pcr_hash is null)
      and o.chain_id = ${chainId} and o.registry = n.registry and o.tee_id = n.tee_id
      and o.block_number >= registration.block and (n.replaced_block is null or o.block_number < n.replaced_block)
    order by o.block_number limit 1
  ) first_seen on true`;

/**
 * A node's heartbeats, the newest first, to walk until one fits: at most as many as come within `heartbeatMaxAge` when
 * the newest signed second is looked for. The offset keeps Postgres from reading and sorting all of them instead.
 * @param conditions - on the alias `h`: of one node.
 */
export const newestHeartbeats = (conditions: SQL): SQL => sql`(
  select * from og.heartbeat h where ${conditions} order by h.block_number desc, h.log_index desc offset 0)`;

/** A column of the record as `joinObservations` merged it. */
export const recordColumn = (name: "owner" | "payment_address" | "pcr_hash" | "tls_certificate"): SQL => {
  const column = sql.identifier(name);
  return sql`coalesce(observed.${column}, n.${column}, first_seen.${column})`;
};

/** What PCR events say of one record, with `pcr_hash` in the group. */
const pcrColumns = sql`pcr_hash, max(array[block_number, log_index]) as newest_place,
      (array_agg(kind order by block_number desc, log_index desc))[1] = 'pcr-approved' as newest_approves,
      (array_agg(effective_at order by block_number desc, log_index desc))[1] as newest_effective_at,
      (array_agg(label order by block_number desc, log_index desc) filter (where kind = 'pcr-approved'))[1] as version,
      max(timestamp) filter (where kind = 'pcr-approved') as approved_at`;

/** Every PCR record at a moment: few enough to be joined whole. A common table expression named `pcr_record`. */
export const pcrRecords = ({ chainId, blockNumber }: Moment): SQL => sql`
  pcr_record as materialized (
    select registry, tee_type, ${pcrColumns}
    from og.registry_event
    where chain_id = ${chainId} and kind in ('pcr-approved', 'pcr-revoked') and block_number <= ${blockNumber}
    group by registry, tee_type, pcr_hash
  )`;

/**
 * Of the typed and the untyped record the one that was changed last decides: an event without a type applied to all. Approved
 * when nothing is known: registration itself requires an approved PCR.
 */
const joinApproval = (time: RowMoment["time"]): SQL => sql`
  cross join lateral (select coalesce(typed.newest_place > untyped.newest_place, typed.newest_place is not null) as typed) decides
  cross join lateral (select
    case when decides.typed then typed.newest_approves else untyped.newest_approves end as newest_approves,
    case when decides.typed then typed.newest_effective_at else untyped.newest_effective_at end as ends_at
  ) newest
  cross join lateral (select
    coalesce(newest.newest_approves or coalesce(newest.ends_at > ${time}, false), true) as approved,
    case when not newest.newest_approves then newest.ends_at end as approved_until
  ) pcr`;

/** Joins the approval of the node's PCR, after `joinObservations` and with `pcrRecords`. */
export const joinPcr = ({ time }: Moment): SQL => sql`
  left join pcr_record typed on typed.registry = n.registry and typed.pcr_hash = ${recordColumn("pcr_hash")}
    and typed.tee_type = n.tee_type
  left join pcr_record untyped on untyped.registry = n.registry and untyped.pcr_hash = ${recordColumn("pcr_hash")}
    and untyped.tee_type = ${LEGACY_ANY_TYPE}
  ${joinApproval(time)}`;

/** The same without `pcrRecords`, for moments that differ from row to row. */
export const joinPcrPerRow = ({ chainId, blockNumber, time }: RowMoment): SQL => {
  const record = (teeType: SQL) => sql`left join lateral (
    select ${pcrColumns} from og.registry_event
    where chain_id = ${chainId} and registry = n.registry and pcr_hash = ${recordColumn("pcr_hash")}
      and tee_type = ${teeType} and kind in ('pcr-approved', 'pcr-revoked') and block_number <= ${blockNumber}
    group by pcr_hash
  )`;
  return sql`
  ${record(sql`n.tee_type`)} typed on true
  ${record(sql`${LEGACY_ANY_TYPE}`)} untyped on true
  ${joinApproval(time)}`;
};

/** Joins `status`: removed, active, revoked, disabled or stale, after `joinPcr`. */
export const joinStatus = ({ chainId, blockNumber, time }: RowMoment): SQL => sql`
  left join lateral (
    select e.kind, e.timestamp from og.registry_event e
    where e.chain_id = ${chainId} and e.registry = n.registry and e.tee_id = n.tee_id
      and e.kind in ('registered', 'enabled', 'disabled', 'removed') and e.block_number <= ${blockNumber}
    order by e.block_number desc, e.log_index desc limit 1
  ) change on true
  cross join lateral (select
    exists (
      select from og.active_interval i
      where i.chain_id = ${chainId} and i.registry = n.registry and i.tee_id = n.tee_id
        and i.from_at <= ${time} and i.until_at > ${time}
    ) or exists (
      select from og.node_liveness l
      where l.chain_id = ${chainId} and l.registry = n.registry and l.tee_id = n.tee_id
        and l.active_from <= ${time} and l.active_until > ${time}
    ) as active
  ) liveness
  cross join lateral (select
    coalesce(change.kind in ('registered', 'enabled'), true) as enabled,
    case
      when change.kind = 'removed' then 'removed'
      when liveness.active and pcr.approved then 'active'
      when not pcr.approved then 'revoked'
      when change.kind = 'disabled' then 'disabled'
      else 'stale'
    end as status
    -- keeps Postgres from looking up liveness again for each time the status is used
    offset 0
  ) state`;

/** Nodes of these registries; null means every one. */
export const inRegistries = (registries: readonly string[] | null): SQL[] =>
  registries === null ? [] : [sql`n.registry in ${[...registries]}`];
