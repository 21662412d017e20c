/**
 * Silences of relayers, found by index steps: from each heartbeat of a relayer to the last one that follows within
 * 1.5 I, so that a day costs it some hundred look-ups however many heartbeats it sends. Unix seconds.
 */
import { type SQL, sql } from "drizzle-orm";
import { MAX_INTERVAL_SECONDS, MIN_INTERVAL_SECONDS } from "../../../src/decode/expectedInterval.ts";
import type { ReadTransaction } from "../reading/database.ts";
import type { Moment } from "../state/moment.ts";

/** The newest heartbeat of a relayer. */
export interface LastSent {
  readonly relayer: string;
  readonly at: number;
  readonly block: number;
}

/** Two heartbeats of a relayer that follow each other after more than 1.5 I. */
export interface Silence {
  readonly relayer: string;
  readonly fromAt: number;
  readonly fromBlock: number;
  /** Null while it lasts. */
  readonly untilAt: number | null;
}

/** A silence with the block of the heartbeat that ended it. */
export interface EndedSilence extends Silence {
  readonly untilAt: number;
  readonly untilBlock: number;
}

/** What relayers did up to a moment, as far as it tells whose silences excuse whom. */
export interface RelayedPast {
  /** Those that ended by the moment. */
  readonly ended: readonly EndedSilence[];
  /** The newest heartbeats of relayers, of those that may be silent at the moment. */
  readonly last: readonly LastSent[];
}

/** Relayers walked in one statement: bounds its duration. */
const RELAYERS_PER_READ = 20;

/**
 * Every silence that ended by the moment, and the newest heartbeat of each relayer. Relayers that never sent for two
 * operators are left out: their silences excuse nobody.
 */
export async function readSilences(
  transaction: ReadTransaction,
  moment: Moment,
  registry: string,
): Promise<RelayedPast> {
  const relayers = await readRelayers(transaction, moment, registry);
  const ended: EndedSilence[] = [];
  const last: LastSent[] = [];
  for (let from = 0; from < relayers.length; from += RELAYERS_PER_READ) {
    const steps = await transaction.rows<Step>(
      walk(moment, registry, relayers.slice(from, from + RELAYERS_PER_READ)),
    );
    for (const { relayer, at, block, silentFrom, silentFromBlock } of steps) {
      if (silentFrom === null || silentFromBlock === null) last.push({ relayer, at, block });
      else
        ended.push({
          relayer,
          fromAt: silentFrom,
          fromBlock: silentFromBlock,
          untilAt: at,
          untilBlock: block,
        });
    }
  }
  return { ended, last };
}

/** Those that sent heartbeats of nodes of at least two operators, in order of address. */
async function readRelayers(
  transaction: ReadTransaction,
  { chainId, blockNumber }: Moment,
  registry: string,
): Promise<readonly string[]> {
  const sent = sql`h.chain_id = ${chainId} and h.registry = ${registry} and h.block_number <= ${blockNumber}`;
  const owner = sql`join og.node n on n.chain_id = h.chain_id and n.registry = h.registry and n.tee_id = h.tee_id`;
  const rows = await transaction.rows<{ relayer: string }>(sql`
    with recursive relayer (address) as (
      (select h.relayer from og.heartbeat h order by h.relayer limit 1)
      union all
      select (select h.relayer from og.heartbeat h where h.relayer > relayer.address order by h.relayer limit 1)
      from relayer where relayer.address is not null
    )
    select relayer.address as relayer from relayer
    cross join lateral (
      select n.owner from og.heartbeat h ${owner}
      where h.relayer = relayer.address and ${sent} order by h.relayer desc, h.block_number desc limit 1
    ) newest
    -- with a limit, because Postgres turns \`exists\` into a join of all heartbeats
    cross join lateral (
      select from og.heartbeat h ${owner}
      where h.relayer = relayer.address and ${sent} and n.owner <> newest.owner limit 1
    ) another
    -- the walk ends with one: of it there is nothing to look for, in all heartbeats
    where relayer.address is not null
    order by relayer.address`);
  return rows.map(({ relayer }) => relayer);
}

/** The end of a silence, or (without `silentFrom`) a relayer's newest heartbeat. */
interface Step {
  relayer: string;
  at: number;
  block: number;
  silentFrom: number | null;
  silentFromBlock: number | null;
}

function walk({ chainId, blockNumber }: Moment, registry: string, relayers: readonly string[]): SQL {
  const sent = sql`h.chain_id = ${chainId} and h.registry = ${registry}`;
  return sql`
    with recursive step (relayer, block, at, silent_from, silent_from_block) as (
      select r.address, first.block_number, first.received_at, null::bigint, null::bigint
      from unnest(${sql.param([...relayers])}::text[]) r (address)
      cross join lateral (
        -- in the order of the relayers' index: they have far fewer rows than Postgres thinks, or far more
        select h.block_number, h.received_at from og.heartbeat h
        where h.relayer = r.address and ${sent} and h.block_number <= ${blockNumber}
        order by h.relayer, h.block_number limit 1
      ) first
      union all
      select step.relayer, next.block_number, next.received_at,
        case when next.received_at > tolerated.until then step.at end,
        case when next.received_at > tolerated.until then step.block end
      from step
      cross join lateral (
        -- whole seconds: at most 3/4 of twice I later is at most 1.5 I later
        select step.at + 3 * least(greatest(a.value_seconds, ${2 * MIN_INTERVAL_SECONDS}), ${2 * MAX_INTERVAL_SECONDS}) / 4
          as until from og.heartbeat_max_age a
        where a.chain_id = ${chainId} and a.registry = ${registry} and a.from_at <= step.at
        order by a.ordinal desc limit 1
      ) tolerated
      cross join lateral (
        -- a heartbeat under another age tolerates another silence: the walk stops before the first of them
        select min(a.from_at) as at from og.heartbeat_max_age a
        where a.chain_id = ${chainId} and a.registry = ${registry} and a.from_at > step.at
      ) change
      cross join lateral (
        select b.number from og.block b
        where b.chain_id = ${chainId} and b.timestamp <= least(tolerated.until, change.at - 1)
          and b.number <= ${blockNumber}
        order by b.timestamp desc, b.number desc limit 1
      ) horizon
      left join lateral (
        select h.block_number, h.received_at from og.heartbeat h
        where h.relayer = step.relayer and ${sent} and h.block_number > step.block and h.block_number <= horizon.number
        order by h.block_number desc limit 1
      ) near on true
      left join lateral (
        select h.block_number, h.received_at from og.heartbeat h
        where near.block_number is null and h.relayer = step.relayer and ${sent}
          and h.block_number > horizon.number and h.block_number <= ${blockNumber}
        order by h.block_number limit 1
      ) far on true
      cross join lateral (
        select coalesce(near.block_number, far.block_number) as block_number,
          coalesce(near.received_at, far.received_at) as received_at
      ) next
      where next.block_number is not null
    ),
    ranked as (
      select *, row_number() over (partition by relayer order by block desc) as age from step
    )
    -- a newest heartbeat that ends a silence is both
    select relayer, at, block, silent_from as "silentFrom", silent_from_block as "silentFromBlock"
    from ranked where silent_from is not null
    union all
    select relayer, at, block, null, null from ranked where age = 1
    order by 1, 3, 4`;
}

/** Whom a silent relayer had carried, and who else was heard. */
export interface SilenceWitnesses {
  /** Nodes of which it sent any heartbeat in the window that ends with `fromAt`. */
  readonly carried: readonly string[];
  /** Operators of whose nodes anyone sent any heartbeat in that window. */
  readonly operatorsHeard: number;
}

export interface SilenceWindow {
  /** Length of the window before a silence. */
  readonly carriedWithinSeconds: number;
  /** Those with fewer operators excuse nobody and are answered null. */
  readonly leastOperators: number;
}

/** Per read: a window of a large network is tens of thousands of heartbeats. */
const SILENCES_PER_READ = 50;

/** The witnesses of each silence, in the order of the silences. */
export async function readWitnesses(
  transaction: ReadTransaction,
  { chainId }: Moment,
  registry: string,
  silences: readonly Silence[],
  { carriedWithinSeconds, leastOperators }: SilenceWindow,
): Promise<readonly (SilenceWitnesses | null)[]> {
  const found: (SilenceWitnesses | null)[] = [];
  for (let from = 0; from < silences.length; from += SILENCES_PER_READ) {
    const asked = silences.slice(from, from + SILENCES_PER_READ);
    const rows = await transaction.rows<{
      place: number;
      carried: readonly string[];
      operatorsHeard: number;
    }>(sql`
      select silence.place, carried.tee_ids as carried, heard.operators as "operatorsHeard"
      from (values ${silenceValues(asked)}) silence (place, relayer, from_at, from_block, until_at)
      cross join lateral (select
        ${lastBlockAt(chainId, sql`silence.from_at - ${carriedWithinSeconds}::bigint`)} as opening,
        ${lastBlockAt(chainId, sql`silence.from_at`)} as closing
      ) blocks
      cross join lateral (
        select array_agg(node.tee_id) as tee_ids, count(distinct node.owner) as operators
        from (
          select distinct h.tee_id, n.owner from og.heartbeat h
          join og.node n on n.chain_id = h.chain_id and n.registry = h.registry and n.tee_id = h.tee_id
          where h.relayer = silence.relayer and h.chain_id = ${chainId} and h.registry = ${registry}
            and h.block_number > blocks.opening and h.block_number <= silence.from_block
        ) node
      ) carried
      cross join lateral (
        select count(*) as operators from (
          select distinct n.owner from og.heartbeat h
          join og.node n on n.chain_id = h.chain_id and n.registry = h.registry and n.tee_id = h.tee_id
          where carried.operators >= ${leastOperators} and h.chain_id = ${chainId} and h.registry = ${registry}
            and h.block_number > blocks.opening and h.block_number <= blocks.closing
        ) operator
      ) heard
      where carried.operators >= ${leastOperators}
      order by silence.place`);
    const byPlace = new Map(rows.map((row) => [row.place, row]));
    for (const place of asked.keys()) {
      const row = byPlace.get(place);
      found.push(row === undefined ? null : { carried: row.carried, operatorsHeard: row.operatorsHeard });
    }
  }
  return found;
}

/** When an operator was first proved alive through others than the silent relayer. */
export interface AliveElsewhere {
  readonly operator: string;
  readonly at: number;
}

/** What of a silence is looked at: `(fromAt + after, fromAt + within)`, up to its end and the moment. */
export interface SilencePart {
  readonly afterSeconds: number;
  readonly withinSeconds: number;
}

/** For each silence the first new signed second of each operator that another relayer sent during that part of it. */
export async function readAliveElsewhere(
  transaction: ReadTransaction,
  { chainId, blockNumber }: Moment,
  registry: string,
  silences: readonly Silence[],
  { afterSeconds, withinSeconds }: SilencePart,
): Promise<readonly (readonly AliveElsewhere[])[]> {
  const found: AliveElsewhere[][] = silences.map(() => []);
  for (let from = 0; from < silences.length; from += SILENCES_PER_READ) {
    const asked = silences.slice(from, from + SILENCES_PER_READ);
    const rows = await transaction.rows<AliveElsewhere & { place: number }>(sql`
      select silence.place, alive.operator, alive.at
      from (values ${silenceValues(asked)}) silence (place, relayer, from_at, from_block, until_at)
      cross join lateral (select
        ${lastBlockAt(chainId, sql`silence.from_at + ${afterSeconds}::bigint`)} as opening,
        ${lastBlockAt(
          chainId,
          sql`least(silence.from_at + ${withinSeconds}::bigint, silence.until_at) - 1`,
        )} as closing
      ) blocks
      cross join lateral (
        select n.owner as operator, min(h.received_at) as at
        from og.heartbeat h
        join og.node n on n.chain_id = h.chain_id and n.registry = h.registry and n.tee_id = h.tee_id
        where h.chain_id = ${chainId} and h.registry = ${registry} and not h.repeated and h.relayer <> silence.relayer
          and h.block_number > blocks.opening and h.block_number <= least(blocks.closing, ${blockNumber}::bigint)
        group by n.owner
      ) alive
      order by silence.place, alive.operator`);
    for (const { place, operator, at } of rows) found[from + place]?.push({ operator, at });
  }
  return found;
}

const silenceValues = (silences: readonly Silence[]): SQL =>
  sql.join(
    silences.map(
      ({ relayer, fromAt, fromBlock, untilAt }, place) =>
        sql`(${place}::int, ${relayer}::text, ${fromAt}::bigint, ${fromBlock}::bigint, ${untilAt}::bigint)`,
    ),
    sql`, `,
  );

const lastBlockAt = (chainId: number, time: SQL): SQL => sql`coalesce((
    select b.number from og.block b where b.chain_id = ${chainId} and b.timestamp <= ${time}
    order by b.timestamp desc, b.number desc limit 1), -1)`;
