/** Relayers: who sent settlements and heartbeats, and what the settlements were worth. */
import { type SQL, sql } from "drizzle-orm";
import { DAY_SECONDS, HOUR_SECONDS } from "../../../src/decode/timeBuckets.ts";
import type { ReadTransaction } from "../reading/database.ts";
import type { Moment } from "../state/moment.ts";
import {
  IMPOSSIBLE_BLOB_ID,
  type ProofTables,
  registeredBefore,
  verdictsOnChain,
} from "../state/proofTables.ts";
import { spanBlocks, spanUpTo } from "../state/spans.ts";
import type { Verdict } from "./settlementFilters.ts";

/** Of what was settled last: block time minus signed time, seconds; null without samples. */
export interface Latency {
  readonly p50Seconds: number | null;
  readonly p95Seconds: number | null;
  readonly samples: number;
}

export interface Relayer {
  readonly address: string;
  /** Sending a settlement or a heartbeat. */
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
  readonly lastHeartbeatAt: number | null;
  readonly heartbeats: RelayedHeartbeats;
  readonly settlements: Readonly<Record<"individual" | "batch" | "legacy", number>>;
  readonly verdicts: Readonly<Record<Verdict, number>>;
  /** Of its proven batches. */
  readonly leaves: { readonly valid: number; readonly invalid: number; readonly unknownNode: number };
  /** Share of its decided batches whose blob could be had, 0 to 1; null while none is decided. */
  readonly proofAvailability: number | null;
  readonly settlementLatency: { readonly individual: Latency; readonly batch: Latency };
}

/** Heartbeats that a relayer sent in the last 24 hours. */
export interface RelayedHeartbeats {
  readonly sent: number;
  /** Block time minus signed time of the newest of them. */
  readonly lateness: Latency;
  /** Of those in `lateness`, the ones whose signed second had been sent before. */
  readonly repeated: number;
}

/** Latenesses are of so many heartbeats, the newest ones. */
export const LATENESS_SAMPLES = 10_000;

/** Latencies are of so many individual settlements, and of so many leaves of each of so many batches, the newest ones. */
export const LATENCY_SAMPLES = { individuals: 10_000, batches: 200, leavesPerBatch: 50 } as const;

/** One relayer; null when this address sent no settlement and no heartbeat. */
export async function findRelayer(
  transaction: ReadTransaction,
  proofs: ProofTables,
  moment: Moment,
  address: string,
): Promise<Relayer | null> {
  const seen = await readSeen(transaction, moment, address);
  if (seen === null) return null;
  const settlements = await readKinds(transaction, moment, address);
  const found = await readFindings(transaction, proofs, moment, address);
  const decided = found.verified + found.partial + found.invalid + found.unavailable;
  const batches = found.batches - found.pendingBatches;
  return {
    address,
    ...seen,
    heartbeats: await readHeartbeats(transaction, moment, address),
    settlements,
    verdicts: {
      // What is on chain and not decided. One that just vanished may still be counted as decided: never below zero.
      pending: Math.max(0, settlements.individual + settlements.batch - decided),
      verified: found.verified,
      partial: found.partial,
      invalid: found.invalid,
      unavailable: found.unavailable,
      unverifiable: settlements.legacy,
    },
    leaves: { valid: found.validLeaves, invalid: found.invalidLeaves, unknownNode: found.unknownLeaves },
    proofAvailability: batches <= 0 ? null : ratio(batches - found.missingBatches, batches),
    settlementLatency: {
      individual: await readIndividualLatency(transaction, moment, address),
      batch: await readBatchLatency(transaction, proofs, moment, address),
    },
  };
}

const ratio = (part: number, whole: number): number =>
  Math.round((Math.max(0, part) / whole) * 1_000_000) / 1_000_000;

async function readSeen(
  transaction: ReadTransaction,
  { chainId, blockNumber }: Moment,
  address: string,
): Promise<Pick<Relayer, "firstSeenAt" | "lastSeenAt" | "lastHeartbeatAt"> | null> {
  const edge = (table: SQL, time: SQL, way: SQL, tie: SQL) => sql`(
    select ${time} from ${table}
    where chain_id = ${chainId} and relayer = ${address} and block_number <= ${blockNumber}
    order by block_number ${way} ${tie} limit 1)`;
  const settlement = (way: SQL) => edge(sql`og.settlement`, sql`settled_at`, way, sql`, log_index ${way}`);
  // Heartbeats of one block have one time: no tie to break.
  const heartbeat = (way: SQL) => edge(sql`og.heartbeat`, sql`received_at`, way, sql``);
  const [row] = await transaction.rows<{
    firstSeenAt: number | null;
    lastSeenAt: number | null;
    lastHeartbeatAt: number | null;
  }>(sql`
    select least(first_settlement, first_heartbeat) as "firstSeenAt",
      greatest(last_settlement, last_heartbeat) as "lastSeenAt", last_heartbeat as "lastHeartbeatAt"
    from (select ${settlement(sql`asc`)} as first_settlement, ${settlement(sql`desc`)} as last_settlement,
      ${heartbeat(sql`asc`)} as first_heartbeat, ${heartbeat(sql`desc`)} as last_heartbeat) seen`);
  if (row === undefined || row.firstSeenAt === null || row.lastSeenAt === null) return null;
  return { firstSeenAt: row.firstSeenAt, lastSeenAt: row.lastSeenAt, lastHeartbeatAt: row.lastHeartbeatAt };
}

async function readHeartbeats(
  transaction: ReadTransaction,
  moment: Moment,
  address: string,
): Promise<RelayedHeartbeats> {
  const [row] = await transaction.rows<Latency & { sent: number; repeated: number }>(sql`
    with ${spanBlocks("og", moment, [spanUpTo(moment, "day", DAY_SECONDS)])},
    newest as (
      -- a lateral has the span for a bound of its index; no condition on the chain, which is the relayer's
      select h.received_at - h.signed_at as seconds, h.repeated from span cross join lateral (
        select h.received_at, h.signed_at, h.repeated from og.heartbeat h
        where h.relayer = ${address} and h.block_number > span.after_block and h.block_number <= span.until_block
        order by h.block_number desc, h.log_index desc limit ${LATENESS_SAMPLES}
      ) h
    )
    select percentile_disc(0.5) within group (order by seconds) as "p50Seconds",
      percentile_disc(0.95) within group (order by seconds) as "p95Seconds", count(*) as samples,
      count(*) filter (where repeated) as repeated,
      -- counted from the index alone
      (select count(*) from og.heartbeat h, span
        where h.relayer = ${address} and h.block_number > span.after_block and h.block_number <= span.until_block) as sent
    from newest`);
  if (row === undefined) throw new Error("an aggregate without a group has one row");
  const { sent, repeated, ...lateness } = row;
  return { sent, repeated, lateness };
}

async function readKinds(
  transaction: ReadTransaction,
  { blockNumber }: Moment,
  address: string,
): Promise<Relayer["settlements"]> {
  // Counted from the index alone, which does not know the chain: it is the relayer's.
  const [row] = await transaction.rows<Relayer["settlements"]>(sql`
    select count(*) filter (where kind = 'individual') as individual,
      count(*) filter (where kind = 'batch') as batch, count(*) filter (where kind = 'legacy') as legacy
    from og.settlement where relayer = ${address} and block_number <= ${blockNumber}`);
  return row ?? { individual: 0, batch: 0, legacy: 0 };
}

interface Findings {
  readonly batches: number;
  readonly verified: number;
  readonly partial: number;
  readonly invalid: number;
  readonly unavailable: number;
  readonly validLeaves: number;
  readonly invalidLeaves: number;
  readonly unknownLeaves: number;
  readonly pendingBatches: number;
  /** Decided without their blob. */
  readonly missingBatches: number;
}

/**
 * Sums by hour, less what was settled after the moment in its own hour: block times do not decrease, so all of what came
 * after it is of that hour or later.
 */
async function readFindings(
  transaction: ReadTransaction,
  proofs: ProofTables,
  { chainId, blockNumber, time }: Moment,
  address: string,
): Promise<Findings> {
  const hour = time - (time % HOUR_SECONDS);
  const later = sql`p.relayer = ${address} and p.settled_at >= ${time}::bigint
    and p.settled_at < ${hour + HOUR_SECONDS}::bigint and p.chain_id = ${chainId} and p.block_number > ${blockNumber}`;
  const total = (name: string, counts: SQL) => sql`
    (coalesce(sum(b.${sql.identifier(name)}), 0) - (select coalesce(sum(${counts}), 0) from later p))::bigint
      as ${sql.identifier(camelCase(name))}`;
  const one = (condition: SQL) => sql`(${condition})::int`;
  const sums = [
    total("batches", one(sql`p.kind = 'batch'`)),
    ...["verified", "partial", "invalid", "unavailable"].map((name) =>
      total(name, one(sql`p.verdict = ${name}`)),
    ),
    ...["valid_leaves", "invalid_leaves", "unknown_leaves"].map((name) =>
      total(name, sql`p.${sql.identifier(name)}`),
    ),
  ];
  const [sum] = await transaction.rows<Omit<Findings, "pendingBatches" | "missingBatches">>(sql`
    with later as materialized (select * from ${proofs.settled} p where ${later})
    select ${sql.join(sums, sql`, `)} from ${proofs.relayerBucket} b
    where b.relayer = ${address} and b.start_at <= ${hour}::bigint`);
  const [rare] = await transaction.rows<Pick<Findings, "pendingBatches" | "missingBatches">>(sql`
    select count(*) filter (where p.verdict = 'pending') as "pendingBatches",
      count(*) filter (where p.verdict = 'unavailable' or p.reason = ${IMPOSSIBLE_BLOB_ID}) as "missingBatches"
    from ${proofs.settled} p
    where p.verdict in ('pending', 'unavailable', 'invalid') and p.kind = 'batch' and p.relayer = ${address}
      and p.chain_id = ${chainId} and p.block_number <= ${blockNumber}`);
  if (sum === undefined || rare === undefined) throw new Error("an aggregate without a group has one row");
  return { ...sum, ...rare };
}

const camelCase = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** @param samples - a relation with the column `seconds`. */
async function percentiles(transaction: ReadTransaction, samples: SQL): Promise<Latency> {
  const [row] = await transaction.rows<Latency>(sql`
    select percentile_disc(0.5) within group (order by seconds) as "p50Seconds",
      percentile_disc(0.95) within group (order by seconds) as "p95Seconds", count(*) as samples
    from (${samples}) sample`);
  return row ?? { p50Seconds: null, p95Seconds: null, samples: 0 };
}

const readIndividualLatency = (
  transaction: ReadTransaction,
  { chainId, blockNumber }: Moment,
  address: string,
): Promise<Latency> =>
  percentiles(
    transaction,
    sql`select settled_at - least(signed_at, ${Number.MAX_SAFE_INTEGER})::bigint as seconds from og.settlement
      where chain_id = ${chainId} and relayer = ${address} and block_number <= ${blockNumber} and kind = 'individual'
      order by block_number desc, log_index desc limit ${LATENCY_SAMPLES.individuals}`,
  );

/** Of the leaves that prove an inference: whoever posts others can date them as they like. */
const readBatchLatency = (
  transaction: ReadTransaction,
  proofs: ProofTables,
  moment: Moment,
  address: string,
): Promise<Latency> =>
  percentiles(
    transaction,
    sql`select p.settled_at - leaf.signed_at as seconds from (
        select p.* from ${verdictsOnChain(proofs, moment)}
        where s.relayer = ${address} and s.kind = 'batch' and p.verdict in ('verified', 'partial')
        order by s.block_number desc, s.log_index desc limit ${LATENCY_SAMPLES.batches}
      ) p
      cross join lateral (
        select i.signed_at from ${proofs.leaf} l
        join ${proofs.signature} g on g.key = l.signature_key
        join ${proofs.inference} i on i.id = l.inference_id
        where l.batch_key = p.batch_key and g.valid and ${registeredBefore(proofs, sql`i.tee_id`)}
        order by l.leaf_index limit ${LATENCY_SAMPLES.leavesPerBatch}
      ) leaf`,
  );
