/** What the chain said of a registry since a block: which nodes' evidence is to be read again, and who relayed. */
import { sql } from "drizzle-orm";
import { LEGACY_ANY_TYPE } from "../../../src/decode/pcrApproval.ts";
import type { ReadTransaction } from "../reading/database.ts";
import type { Moment } from "../state/moment.ts";

/** One heartbeat as it was relayed. */
export interface RelayedHeartbeat {
  readonly teeId: string;
  /** Block time, unix seconds. */
  readonly receivedAt: number;
  readonly blockNumber: number;
  /** Transaction sender. */
  readonly relayer: string;
  /** Its signed second had been sent before. */
  readonly repeated: boolean;
}

export interface RegistryChanges {
  /** In order of the chain. */
  readonly heartbeats: readonly RelayedHeartbeat[];
  /** Nodes that a status event or registration names. */
  readonly teeIds: readonly string[];
  /** PCRs that were approved or revoked. */
  readonly pcrHashes: readonly string[];
  /** A TEE type got a name. */
  readonly typesChanged: boolean;
}

/** What happened in blocks after `sinceBlock` up to the moment's. */
export async function readChanges(
  transaction: ReadTransaction,
  { chainId, blockNumber }: Moment,
  registry: string,
  sinceBlock: number,
): Promise<RegistryChanges> {
  const heartbeats = await transaction.rows<RelayedHeartbeat>(sql`
    select tee_id as "teeId", received_at as "receivedAt", block_number as "blockNumber", relayer, repeated
    from og.heartbeat
    where chain_id = ${chainId} and block_number > ${sinceBlock} and block_number <= ${blockNumber}
      and registry = ${registry}
    order by block_number, log_index`);
  const events = await transaction.rows<{ teeId: string | null; pcrHash: string | null; kind: string }>(sql`
    select tee_id as "teeId", pcr_hash as "pcrHash", kind from og.registry_event
    where chain_id = ${chainId} and block_number > ${sinceBlock} and block_number <= ${blockNumber}
      and registry = ${registry}
    order by block_number, log_index`);
  const distinct = (values: readonly (string | null)[]) => [
    ...new Set(values.filter((value) => value !== null)),
  ];
  const ofPcrs = events.filter(({ kind }) => kind === "pcr-approved" || kind === "pcr-revoked");
  return {
    heartbeats,
    teeIds: distinct(events.map(({ teeId }) => teeId)),
    pcrHashes: distinct(ofPcrs.map(({ pcrHash }) => pcrHash)),
    typesChanged: events.some(({ kind }) => kind === "type-added"),
  };
}

/**
 * Nodes of whose past something became known since `sinceTime` that lies before `before`: a late heartbeat replaced or
 * split a gap there.
 */
export async function readRewritten(
  transaction: ReadTransaction,
  { chainId }: Moment,
  registry: string,
  teeIds: readonly string[],
  { sinceTime, before }: { readonly sinceTime: number; readonly before: number },
): Promise<readonly string[]> {
  if (teeIds.length === 0) return [];
  const rows = await transaction.rows<{ teeId: string }>(sql`
    select distinct tee_id as "teeId" from og.proved_gap
    where chain_id = ${chainId} and registry = ${registry} and tee_id = any(${sql.param([...teeIds])})
      and ((superseded_at >= ${sinceTime} and last_signed_at < ${before})
        or (known_at >= ${sinceTime} and next_signed_at <= ${before}))
    order by tee_id`);
  return rows.map(({ teeId }) => teeId);
}

/** A value of `heartbeatMaxAge` and when it came into force. */
export interface MaxAge {
  readonly fromAt: number;
  readonly valueSeconds: number;
}

/** Every value up to the moment, in order of time; empty when the registry had no event by then. */
export function readMaxAges(
  transaction: ReadTransaction,
  { chainId, time }: Moment,
  registry: string,
): Promise<readonly MaxAge[]> {
  return transaction.rows<MaxAge>(sql`
    select from_at as "fromAt", value_seconds as "valueSeconds" from og.heartbeat_max_age
    where chain_id = ${chainId} and registry = ${registry} and from_at <= ${time} order by ordinal`);
}

/** Changes when the views show another deployment's tables, whose rows need not agree with the ones read before. */
export async function readDeployment(transaction: ReadTransaction): Promise<number> {
  const [row] = await transaction.rows<{ deployment: number }>(
    sql`select 'og.heartbeat'::regclass::oid::int8 as deployment`,
  );
  return row?.deployment ?? 0;
}

/** Which observations say something of each node's record at a moment. */
export interface Observed {
  /** By node: with an equal version its record says the same. */
  readonly versions: ReadonlyMap<string, string>;
  /** The first block after the moment's that was observed already: then they say more. Null without one. */
  readonly nextBlock: number | null;
}

/**
 * Observations are made at the chain's head, which may be ahead of the index: they count from their block on. A node's first
 * one says something before it too, where its registration left something unknown.
 */
export async function readObserved(
  transaction: ReadTransaction,
  { chainId, blockNumber }: Moment,
  registry: string,
): Promise<Observed> {
  const rows = await transaction.attempt<{ teeId: string; version: string; nextBlock: number | null }>(sql`
    select tee_id as "teeId",
      string_agg(
        block_number || ' ' || block_hash || case when block_number > ${blockNumber} then ' ahead' else '' end,
        ',' order by block_number
      ) filter (where block_number <= ${blockNumber} or place = 1) as version,
      min(block_number) filter (where block_number > ${blockNumber}) as "nextBlock"
    from (
      select tee_id, block_number, block_hash, row_number() over (partition by tee_id order by block_number) as place
      from observations.node_record where chain_id = ${chainId} and registry = ${registry}
    ) observed
    group by tee_id order by tee_id`);
  const found = rows ?? [];
  const next = found.flatMap(({ nextBlock }) => (nextBlock === null ? [] : [nextBlock]));
  return {
    versions: new Map(found.map(({ teeId, version }) => [teeId, version])),
    nextBlock: next.length === 0 ? null : Math.min(...next),
  };
}

/** What a registry said of a PCR that was approved, for one type or, with type -1, for those that it was not named for. */
export interface PcrApproval {
  readonly teeType: number;
  readonly pcrHash: string;
  /** First second at which it is not approved any more: it may lie ahead. Null while nothing ended it. */
  readonly endsAt: number | null;
}

/**
 * Every PCR that was approved up to the moment, the one that was approved last first. What was said of a PCR last holds,
 * whether for its type or for all.
 */
export function readPcrApprovals(
  transaction: ReadTransaction,
  { chainId, blockNumber }: Moment,
  registry: string,
): Promise<readonly PcrApproval[]> {
  return transaction.rows<PcrApproval>(sql`
    with event as (
      select tee_type, pcr_hash, kind, effective_at, block_number, log_index from og.registry_event
      where chain_id = ${chainId} and registry = ${registry} and kind in ('pcr-approved', 'pcr-revoked')
        and block_number <= ${blockNumber}
    ), record as (select distinct tee_type, pcr_hash from event)
    select record.tee_type as "teeType", record.pcr_hash as "pcrHash", newest.effective_at as "endsAt"
    from record
    cross join lateral (
      select effective_at from event
      where event.pcr_hash = record.pcr_hash and event.tee_type in (record.tee_type, ${LEGACY_ANY_TYPE})
      order by block_number desc, log_index desc limit 1
    ) newest
    cross join lateral (
      select block_number, log_index from event
      where event.pcr_hash = record.pcr_hash and event.tee_type in (record.tee_type, ${LEGACY_ANY_TYPE})
        and kind = 'pcr-approved'
      order by block_number desc, log_index desc limit 1
    ) approval
    order by approval.block_number desc, approval.log_index desc, record.tee_type`);
}

/**
 * The PCR that nodes of a type run when they run the newest: of those approved for the type at a second, the one whose
 * approval, for the type or for all, came last. Null when none is known to be approved.
 * @param approvals - of the registry, as `readPcrApprovals` has them.
 */
export function latestPcr(approvals: readonly PcrApproval[], teeType: number, now: number): string | null {
  const named = new Set(approvals.filter((one) => one.teeType === teeType).map(({ pcrHash }) => pcrHash));
  const applies = (one: PcrApproval) =>
    one.teeType === teeType || (one.teeType === LEGACY_ANY_TYPE && !named.has(one.pcrHash));
  const latest = approvals.find((one) => applies(one) && (one.endsAt === null || one.endsAt > now));
  return latest?.pcrHash ?? null;
}
