/** A node's past: spells of liveness, heartbeats, registry events. */
import { sql } from "drizzle-orm";
import type { ReadTransaction } from "../reading/database.ts";
import {
  allOf,
  beyondEvent,
  eventOrder,
  type Key,
  matching,
  type Page,
  type PageRequest,
  toPage,
} from "../reading/page.ts";
import { formatEventId } from "../state/eventId.ts";
import { ADDRESS, type Filters, type FilterValues, oneOf, TIME_RANGE } from "../state/filters.ts";
import { EVENT_KEY, FROM, type ListDefinition } from "../state/list.ts";
import { type Moment, withinBlocks } from "../state/moment.ts";
import {
  joinObservations,
  joinRegistration,
  newestHeartbeats,
  REGISTRATIONS,
  recordColumn,
} from "./nodeState.ts";
import { type Precision, precisionOfSpell, readUncertainties, type Uncertainty } from "./precision.ts";
import { provedIntervals, type SignedGap } from "./provedIntervals.ts";

interface NodeKey {
  readonly registry: string;
  readonly teeId: string;
}

export const NOTIONS = ["active", "proved"] as const;
export type Notion = (typeof NOTIONS)[number];

export interface LivenessInterval {
  /** `active`: by the contract's own rule. `proved`: by distinct signed seconds. */
  readonly notion: Notion;
  readonly fromAt: number;
  /** Null while it goes on. */
  readonly untilAt: number | null;
  /** Of `active` ones that ended: stale, disabled, pcr-revoked, removed or max-age. */
  readonly endCause: string | null;
  /** Whether its ends, and that nothing interrupted it, are known for sure. */
  readonly precision: Precision;
}

const INTERVAL_FILTERS = { ...TIME_RANGE, notion: oneOf(NOTIONS) } as const satisfies Filters;

/** The spells of a node that overlap `[from, to)`, the newest beginning first. */
export const INTERVALS: ListDefinition<
  LivenessInterval,
  typeof INTERVAL_FILTERS,
  { readonly node: NodeKey & { readonly registeredAt: number } }
> = {
  name: "LivenessInterval",
  sources: FROM.og,
  keyTypes: ["position", "text"],
  filters: INTERVAL_FILTERS,
  read: async (transaction, state, { node, ...filters }, page) =>
    listIntervals(transaction, await state.og(), node, node.registeredAt, filters, page),
};

interface Beginning {
  readonly fromAt: number;
  readonly notion: string;
}
const newestFirst = (a: Beginning, b: Beginning): number =>
  b.fromAt - a.fromAt || Number(a.notion > b.notion) - Number(a.notion < b.notion);

/** Spells that overlap `[from, to)`, the newest beginning first. */
export async function listIntervals(
  transaction: ReadTransaction,
  moment: Moment,
  key: NodeKey,
  registeredAt: number,
  filters: FilterValues<typeof INTERVAL_FILTERS>,
  page: PageRequest,
): Promise<Page<LivenessInterval>> {
  const { notion, from, to } = filters;
  const uncertainties = await readUncertainties(transaction, moment, key.registry);
  const all = [
    ...(notion === "proved" ? [] : await readActive(transaction, moment, key, uncertainties)),
    ...(notion === "active" ? [] : await readProved(transaction, moment, key, registeredAt, uncertainties)),
  ];
  const { limit, after, direction } = page;
  const way = direction === "backward" ? -1 : 1;
  const end = after === null ? null : { fromAt: Number(after[0]), notion: String(after[1]) };
  const rows = all
    .filter(({ fromAt }) => to === undefined || fromAt < to)
    .filter(({ untilAt }) => from === undefined || untilAt === null || untilAt > from)
    .filter((spell) => end === null || way * newestFirst(end, spell) < 0)
    .sort((a, b) => way * newestFirst(a, b));
  return toPage(
    rows.slice(0, limit + 1),
    page,
    ({ fromAt, notion: name }) => [fromAt, name],
    (row) => row,
  );
}

async function readActive(
  transaction: ReadTransaction,
  moment: Moment,
  key: NodeKey,
  uncertainties: readonly Uncertainty[],
): Promise<readonly LivenessInterval[]> {
  const { chainId, time } = moment;
  const { registry, teeId } = key;
  const rows = await transaction.rows<{ fromAt: number; untilAt: number; endCause: string }>(sql`
    select from_at as "fromAt", until_at as "untilAt", end_cause as "endCause" from og.active_interval
    where chain_id = ${chainId} and registry = ${registry} and tee_id = ${teeId} and from_at <= ${time}
    union all
    select active_from, active_until, case when pcr_approved_until = active_until then 'pcr-revoked' else 'stale' end
    from og.node_liveness
    where chain_id = ${chainId} and registry = ${registry} and tee_id = ${teeId} and active_from <= ${time}
    order by 1`);
  // A new heartbeatMaxAge may end a spell that a heartbeat of the same block begins again: no second lies between them.
  const spells: (typeof rows)[number][] = [];
  for (const row of rows) {
    const previous = spells.at(-1);
    if (previous?.untilAt === row.fromAt) spells[spells.length - 1] = { ...row, fromAt: previous.fromAt };
    else spells.push(row);
  }
  const revokedAt = await readUnappliedRevocation(transaction, moment, key);
  // What ends after the moment was not known to end then.
  return spells.map(({ fromAt, untilAt, endCause }): LivenessInterval => {
    const spell = untilAt > time ? { fromAt, untilAt: null, endCause: null } : { fromAt, untilAt, endCause };
    const unrevoked = revokedAt === null || (spell.untilAt !== null && spell.untilAt <= revokedAt);
    return {
      notion: "active",
      ...spell,
      precision: unrevoked ? precisionOfSpell(spell, uncertainties) : "assumed",
    };
  });
}

/**
 * When a PCR that may be the node's was first revoked, if the node's was not known while its events were indexed: then
 * that ended no spell. Null when there is no such revocation.
 */
async function readUnappliedRevocation(
  transaction: ReadTransaction,
  moment: Moment,
  { registry, teeId }: NodeKey,
): Promise<number | null> {
  const { chainId, blockNumber } = moment;
  const [row] = await transaction.rows<{ revokedAt: number | null }>(sql`
    select min(coalesce(e.effective_at, e.timestamp)) as "revokedAt"
    from ${REGISTRATIONS} n ${joinRegistration(moment)} ${joinObservations(moment)}
    join og.registry_event e on e.chain_id = ${chainId} and e.registry = n.registry and e.kind = 'pcr-revoked'
      and e.block_number <= ${blockNumber} and e.pcr_hash = coalesce(${recordColumn("pcr_hash")}, e.pcr_hash)
    where n.chain_id = ${chainId} and n.registry = ${registry} and n.tee_id = ${teeId} and n.pcr_hash is null`);
  return row?.revokedAt ?? null;
}

async function readProved(
  transaction: ReadTransaction,
  { chainId, blockNumber, time }: Moment,
  { registry, teeId }: NodeKey,
  registeredAt: number,
  uncertainties: readonly Uncertainty[],
): Promise<readonly LivenessInterval[]> {
  const gaps = await transaction.rows<SignedGap>(sql`
    select last_signed_at as "lastSignedAt", next_signed_at as "nextSignedAt", max_age_seconds as "maxAgeSeconds"
    from og.proved_gap
    where chain_id = ${chainId} and registry = ${registry} and tee_id = ${teeId}
      and next_signed_at > ${registeredAt} and known_at <= ${time} and (superseded_at is null or superseded_at > ${time})
    order by last_signed_at, ordinal`);
  const ofNode = sql`h.chain_id = ${chainId} and h.registry = ${registry} and h.tee_id = ${teeId}
    and h.block_number <= ${blockNumber}`;
  const [newest] = await transaction.rows<{ signedAt: number; maxAgeSeconds: number | null }>(sql`
    with newest as (
      select latest_signed_at from og.heartbeat
      where chain_id = ${chainId} and registry = ${registry} and tee_id = ${teeId} and block_number <= ${blockNumber}
      order by block_number desc, log_index desc limit 1
    ), reached as (
      -- when the newest signed second became known: its maxAge measures the open gap
      select greatest(${registeredAt}::bigint, (select latest_signed_at from newest)) as signed_at,
        coalesce((
          select h.received_at from ${newestHeartbeats(ofNode)} h
          where not h.repeated and h.signed_at = (select latest_signed_at from newest) and h.signed_at > ${registeredAt}
          limit 1
        ), ${registeredAt}::bigint) as received_at
    )
    select reached.signed_at as "signedAt", (
      select value_seconds from og.heartbeat_max_age
      where chain_id = ${chainId} and registry = ${registry} and from_at <= reached.received_at
      order by ordinal desc limit 1
    ) as "maxAgeSeconds" from reached`);
  if (newest === undefined || newest.maxAgeSeconds === null) return [];
  const open = { lastSignedAt: newest.signedAt, maxAgeSeconds: newest.maxAgeSeconds, now: time };
  // Whether a gap is one at all depends on the value at its beginning: so does what begins after it.
  const judged = new Map(
    gaps.map(({ lastSignedAt, nextSignedAt }) => [
      nextSignedAt,
      precisionOfSpell({ fromAt: lastSignedAt, untilAt: lastSignedAt + 1 }, uncertainties),
    ]),
  );
  return provedIntervals(registeredAt, gaps, open).map((spell): LivenessInterval => {
    const own = precisionOfSpell(spell, uncertainties);
    return {
      notion: "proved",
      ...spell,
      endCause: null,
      precision: own === "exact" ? (judged.get(spell.fromAt) ?? "exact") : own,
    };
  });
}

export interface Heartbeat {
  readonly id: string;
  readonly chainId: number;
  readonly registry: string;
  readonly teeId: string;
  readonly blockNumber: number;
  readonly logIndex: number;
  readonly txHash: string;
  /** Block time. */
  readonly receivedAt: number;
  readonly signedAt: number;
  /** From the signed second to the block. */
  readonly latenessSeconds: number;
  /** The same signed second was sent before. */
  readonly repeated: boolean;
  /** Transaction sender. */
  readonly relayer: string;
}

const HEARTBEAT_FILTERS = { ...TIME_RANGE, relayer: ADDRESS } as const satisfies Filters;

/** The heartbeats of a node, newest first. */
export const HEARTBEATS: ListDefinition<Heartbeat, typeof HEARTBEAT_FILTERS, { readonly node: NodeKey }> = {
  name: "Heartbeat",
  sources: FROM.og,
  keyTypes: EVENT_KEY,
  filters: HEARTBEAT_FILTERS,
  read: async (transaction, state, { node, ...filters }, page) =>
    listHeartbeats(transaction, await state.og(), node, filters, page),
};

const eventKey = ({ blockNumber, logIndex }: { blockNumber: number; logIndex: number }): Key => [
  blockNumber,
  logIndex,
];

export async function listHeartbeats(
  transaction: ReadTransaction,
  moment: Moment,
  { registry, teeId }: NodeKey,
  { relayer, ...range }: FilterValues<typeof HEARTBEAT_FILTERS>,
  page: PageRequest,
): Promise<Page<Heartbeat>> {
  const rows = await transaction.rows<Omit<Heartbeat, "id">>(sql`
    select chain_id as "chainId", registry, tee_id as "teeId", block_number as "blockNumber", log_index as "logIndex",
      tx_hash as "txHash", received_at as "receivedAt", signed_at as "signedAt",
      received_at - signed_at as "latenessSeconds", repeated, relayer
    from og.heartbeat
    where tee_id = ${teeId} and registry = ${registry}
      and ${allOf([
        ...withinBlocks("og", moment, range),
        ...matching([[sql`relayer`, relayer]]),
        ...beyondEvent(page),
      ])}
    ${eventOrder(page)} limit ${page.limit + 1}`);
  return toPage(rows, page, eventKey, (row) => ({ id: formatEventId(row), ...row }));
}

export const NODE_EVENT_KINDS = ["registered", "enabled", "disabled", "removed"] as const;
export type NodeEventKind = (typeof NODE_EVENT_KINDS)[number];

export interface NodeEvent {
  readonly id: string;
  readonly chainId: number;
  readonly registry: string;
  readonly teeId: string;
  readonly blockNumber: number;
  readonly logIndex: number;
  readonly txHash: string;
  readonly timestamp: number;
  readonly kind: NodeEventKind;
  /** The event's name and parameter types. */
  readonly signature: string;
  /** Transaction sender. */
  readonly sender: string;
  /** Of enabled and disabled: owner, admin or pcr-revocation; null when the sender is neither. */
  readonly cause: string | null;
}

const NODE_EVENT_FILTERS = { ...TIME_RANGE, kind: oneOf(NODE_EVENT_KINDS) } as const satisfies Filters;

/** The registry events of a node, newest first. */
export const NODE_EVENTS: ListDefinition<NodeEvent, typeof NODE_EVENT_FILTERS, { readonly node: NodeKey }> = {
  name: "NodeEvent",
  sources: FROM.og,
  keyTypes: EVENT_KEY,
  filters: NODE_EVENT_FILTERS,
  read: async (transaction, state, { node, ...filters }, page) =>
    listNodeEvents(transaction, await state.og(), node, filters, page),
};

export async function listNodeEvents(
  transaction: ReadTransaction,
  moment: Moment,
  { registry, teeId }: NodeKey,
  { kind, ...range }: FilterValues<typeof NODE_EVENT_FILTERS>,
  page: PageRequest,
): Promise<Page<NodeEvent>> {
  const rows = await transaction.rows<Omit<NodeEvent, "id">>(sql`
    select chain_id as "chainId", registry, tee_id as "teeId", block_number as "blockNumber", log_index as "logIndex",
      tx_hash as "txHash", timestamp, kind, signature, sender, cause
    from og.registry_event
    where tee_id = ${teeId} and registry = ${registry} and kind in ${[...NODE_EVENT_KINDS]}
      and ${allOf([
        ...withinBlocks("og", moment, range),
        ...matching([[sql`kind`, kind]]),
        ...beyondEvent(page),
      ])}
    ${eventOrder(page)} limit ${page.limit + 1}`);
  return toPage(rows, page, eventKey, (row) => ({ id: formatEventId(row), ...row }));
}
