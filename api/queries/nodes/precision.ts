/**
 * How sure what is said of liveness is. `heartbeatMaxAge` decides who is active, changes without an event, and cannot be
 * read at old blocks from every RPC.
 */
import { type SQL, sql } from "drizzle-orm";
import type { ReadTransaction } from "../reading/database.ts";
import type { Moment } from "../state/moment.ts";
import { type RowMoment, recordColumn } from "./nodeState.ts";

export const PRECISIONS = ["exact", "bounded", "assumed"] as const;
export type Precision = (typeof PRECISIONS)[number];

/** A spell in which `heartbeatMaxAge` is not known. Both ends are seconds in which it is. */
export interface Uncertainty {
  readonly precision: Exclude<Precision, "exact">;
  /** Null when it was not known before either. */
  readonly afterAt: number | null;
  /** Null while it is not known again. */
  readonly untilAt: number | null;
}

/** Those of a registry that began before the moment, in order of time. */
export function readUncertainties(
  transaction: ReadTransaction,
  { chainId, time }: Moment,
  registry: string,
): Promise<readonly Uncertainty[]> {
  return transaction.rows<Uncertainty>(sql`
    select precision, after_at as "afterAt", until_at as "untilAt" from og.max_age_uncertainty
    where chain_id = ${chainId} and registry = ${registry} and (after_at is null or after_at < ${time})
    order by ordinal`);
}

/** Of a spell of seconds `[fromAt, untilAt)` with both its ends; an `untilAt` of null lies ahead. */
export function precisionOfSpell(
  { fromAt, untilAt }: { readonly fromAt: number; readonly untilAt: number | null },
  uncertainties: readonly Uncertainty[],
): Precision {
  const met = uncertainties.find(
    (one) =>
      (one.untilAt === null || fromAt <= one.untilAt) &&
      (one.afterAt === null || untilAt === null || untilAt > one.afterAt),
  );
  return met?.precision ?? "exact";
}

/**
 * Joins `certainty.precision`, of the status, after `joinStatus`. `heartbeatMaxAge` only tells active nodes from stale
 * ones. A PCR that is not known counts as approved, which is an assumption once any PCR was revoked.
 */
export const joinStatusPrecision = ({ chainId, blockNumber, time }: RowMoment): SQL => sql`
  cross join lateral (select case
    when state.status = 'removed' then 'exact'
    when ${recordColumn("pcr_hash")} is null and exists (
      select from og.registry_event e
      where e.chain_id = ${chainId} and e.registry = n.registry and e.kind = 'pcr-revoked'
        and e.block_number <= ${blockNumber}
    ) then 'assumed'
    when state.status in ('revoked', 'disabled') then 'exact'
    else coalesce((
      select u.precision from og.max_age_uncertainty u
      where u.chain_id = ${chainId} and u.registry = n.registry
        and (u.after_at is null or u.after_at < ${time}) and (u.until_at is null or u.until_at > ${time})
      order by u.ordinal limit 1
    ), 'exact')
  end as precision) certainty`;

/** `heartbeatMaxAge` in force, and how far back its history is known. */
export interface HeartbeatMaxAge {
  readonly registry: string;
  /** Seconds, clamped to 2^53-1. */
  readonly value: number;
  readonly precision: Precision;
  /** Block time since which every value is known; null while the one in force is not. */
  readonly exactSince: number | null;
}

/** Null before the registry's first event. */
export async function readHeartbeatMaxAge(
  transaction: ReadTransaction,
  moment: Moment,
  registry: string,
): Promise<HeartbeatMaxAge | null> {
  const [row] = await transaction.rows<{ value: number; begun: number }>(sql`
    select value_seconds as value, min(from_at) over () as begun from og.heartbeat_max_age
    where chain_id = ${moment.chainId} and registry = ${registry} and from_at <= ${moment.time}
    order by ordinal desc limit 1`);
  if (row === undefined) return null;
  const uncertainties = await readUncertainties(transaction, moment, registry);
  const open = uncertainties.find(({ untilAt }) => untilAt === null || untilAt > moment.time);
  const ends = uncertainties.map(({ untilAt }) => untilAt ?? row.begun);
  return {
    registry,
    value: row.value,
    precision: open?.precision ?? "exact",
    exactSince: open === undefined ? Math.max(row.begun, ...ends) : null,
  };
}
