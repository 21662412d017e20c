/** Uptime by the contract's own rule, from active intervals. */
import { type SQL, sql } from "drizzle-orm";
import type { Moment } from "../state/moment.ts";

/** Decimals of a published ratio; equal to the sort key, so that pages do not overlap. */
const DECIMALS = 6;

/**
 * Joins `uptime.ratio` over the last `windowSeconds` (SQL or null for all) before the moment, after
 * `joinRegistration` and `joinStatus`: active seconds over seconds since registration and up to removal. Null when the
 * node did not exist for a second of it.
 */
export const joinUptime = ({ chainId, time }: Moment, windowSeconds: SQL | number | null): SQL => sql`
  cross join lateral (select
    greatest(registration.at, ${windowSeconds === null ? sql`0` : sql`${time}::bigint - ${windowSeconds}::bigint`}) as since,
    case when state.status = 'removed' then least(change.timestamp, ${time}::bigint) else ${time}::bigint end as until
  ) observed_time
  cross join lateral (
    select case when observed_time.until > observed_time.since then round(
      coalesce(sum(greatest(0, least(spell.until_at, observed_time.until) - greatest(spell.from_at, observed_time.since))), 0)::numeric
        / (observed_time.until - observed_time.since), ${sql.raw(String(DECIMALS))})::float8 end as ratio
    from (
      select i.from_at, i.until_at from og.active_interval i
      where i.chain_id = ${chainId} and i.registry = n.registry and i.tee_id = n.tee_id
      union all
      select l.active_from, l.active_until from og.node_liveness l
      where l.chain_id = ${chainId} and l.registry = n.registry and l.tee_id = n.tee_id and l.active_from is not null
    ) spell
    where spell.until_at > observed_time.since and spell.from_at < observed_time.until
  ) uptime`;
