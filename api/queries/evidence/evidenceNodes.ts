/**
 * What nodes' scores and gates follow from, at a moment. Rows hold what the chain said by then and nothing that changes by
 * itself: a row stays true until the chain says something new of its node, so it can be kept and read again only then.
 */
import { type SQL, sql } from "drizzle-orm";
import type { Hex } from "viem";
import { type EndpointReach, endpointReach } from "../../../config/nodeEndpoint.ts";
import { endpointHost, endpointText, MAX_ENDPOINT_HEX } from "../../../src/decode/endpoint.ts";
import {
  joinObservations,
  joinPcr,
  joinRegistration,
  type NodeStatus,
  newestHeartbeats,
  pcrRecords,
  REGISTRATIONS,
  recordColumn,
} from "../nodes/nodeState.ts";
import type { ReadTransaction } from "../reading/database.ts";
import type { Moment } from "../state/moment.ts";

/** Two neighbouring distinct signed seconds that lie too far apart, and `heartbeatMaxAge` at the first. */
export interface EvidenceGap {
  readonly lastSignedAt: number;
  readonly nextSignedAt: number;
  readonly maxAgeSeconds: number;
  /** Block time at which it became known. */
  readonly knownAt: number;
}

/** What was known until a late heartbeat replaced it. */
export interface SupersededGap extends EvidenceGap {
  readonly supersededAt: number;
}

export interface DisabledSpell {
  readonly fromAt: number;
  /** Null while it goes on. */
  readonly untilAt: number | null;
}

/** Whom a node belongs to, where it is and where it wants to be paid. */
export interface NodePlace {
  readonly owner: string;
  /** Host of its endpoint, lower-case, without the port. */
  readonly host: string | null;
  /** Port of its endpoint, given or implied; null when it has none. */
  readonly port: number | null;
  readonly paymentAddress: string | null;
}

/** One node of a registry. Unix seconds. */
export interface NodeEvidence {
  readonly teeId: string;
  readonly teeType: number;
  readonly registeredAt: number;
  readonly registeredBlock: number;
  readonly registeredLogIndex: number;
  /** As it was registered: what decides whose record a new key takes over. */
  readonly registered: NodePlace;
  /** As it is now. */
  readonly current: NodePlace;
  /** Its endpoint and certificate are known: without them nobody can connect. */
  readonly connectable: boolean;
  /** Who can connect to its endpoint as it is written; null while that is not known. */
  readonly endpoint: EndpointReach | null;
  readonly pcrHash: string | null;
  /** When its PCR's approval ends or ended; null while no end is known. */
  readonly pcrApprovedUntil: number | null;
  /** What the newest status event says. */
  readonly standing: "enabled" | "disabled" | "removed";
  /** While it was disabled or removed, in order of time. */
  readonly disabled: readonly DisabledSpell[];
  /** The newest spell that began by now during which the contract's rule calls it active; `until` may lie in the future. */
  readonly active: { readonly fromAt: number; readonly untilAt: number } | null;
  readonly lastHeartbeatAt: number;
  readonly lastSignedAt: number;
  /** `heartbeatMaxAge` in force when `lastSignedAt` became known. */
  readonly lastMaxAgeSeconds: number;
  /** In order of time. */
  readonly gaps: readonly EvidenceGap[];
  /** In order of time. */
  readonly superseded: readonly SupersededGap[];
}

interface Row {
  teeId: string;
  teeType: number;
  registeredAt: number;
  registeredBlock: number;
  registeredLogIndex: number;
  registeredOwner: string;
  owner: string;
  registeredHost: string | null;
  endpointHex: Hex | null;
  endpointMoved: boolean;
  /** Where it differs from `endpointHex`. */
  registeredEndpointHex: Hex | null;
  registeredPaymentAddress: string | null;
  paymentAddress: string | null;
  connectable: boolean;
  pcrHash: string | null;
  pcrApprovedUntil: number | null;
  statusEvents: readonly (readonly [timestamp: number, kind: string])[] | null;
  activeFrom: number | null;
  activeUntil: number | null;
  lastHeartbeatAt: number;
  lastSignedAt: number;
  lastMaxAgeSeconds: number;
  gaps: readonly GapRow[] | null;
}

type GapRow = readonly [
  lastSignedAt: number,
  nextSignedAt: number,
  maxAgeSeconds: number,
  knownAt: number,
  supersededAt: number | null,
];

export interface EvidenceScope {
  readonly registry: string;
  /** Gaps that end by then are left out. */
  readonly gapsEndingAfter: number;
}

/** Read at a time: bounds a statement's duration, whatever the network's size. */
const NODES_PER_READ = 1_000;

/** Every node that the registry had at the moment, in order of `teeId`. */
export async function readAllEvidence(
  transaction: ReadTransaction,
  moment: Moment,
  scope: EvidenceScope,
): Promise<readonly NodeEvidence[]> {
  const known = await transaction.rows<{ teeId: string }>(sql`
    select tee_id as "teeId" from og.node
    where chain_id = ${moment.chainId} and registry = ${scope.registry} order by tee_id`);
  return readNodeEvidence(
    transaction,
    moment,
    scope,
    known.map(({ teeId }) => teeId),
  );
}

/** Those of the nodes that the registry had at the moment, in order of `teeId`. */
export async function readNodeEvidence(
  transaction: ReadTransaction,
  moment: Moment,
  scope: EvidenceScope,
  teeIds: readonly string[],
): Promise<readonly NodeEvidence[]> {
  const sorted = [...teeIds].sort();
  const nodes: NodeEvidence[] = [];
  for (let from = 0; from < sorted.length; from += NODES_PER_READ) {
    const rows = await transaction.rows<Row>(
      statement(moment, scope, sorted.slice(from, from + NODES_PER_READ)),
    );
    for (const row of rows) nodes.push(toEvidence(row));
  }
  return nodes;
}

function statement(moment: Moment, { registry, gapsEndingAfter }: EvidenceScope, teeIds: string[]): SQL {
  const { chainId, blockNumber, time } = moment;
  const ofNode = (alias: string) => {
    const column = (name: string) => sql`${sql.identifier(alias)}.${sql.identifier(name)}`;
    return sql`${column("chain_id")} = ${chainId} and ${column("registry")} = n.registry
      and ${column("tee_id")} = n.tee_id`;
  };
  return sql`
    with ${pcrRecords(moment)}
    select n.tee_id as "teeId", n.tee_type as "teeType",
      registration.at as "registeredAt", registration.block as "registeredBlock",
      registration.log_index as "registeredLogIndex",
      n.owner as "registeredOwner", ${recordColumn("owner")} as owner,
      n.endpoint_host as "registeredHost",
      left(current.endpoint_hex, ${MAX_ENDPOINT_HEX}) as "endpointHex",
      current.endpoint_hex is distinct from n.endpoint_hex as "endpointMoved",
      case when current.endpoint_hex <> n.endpoint_hex then left(n.endpoint_hex, ${MAX_ENDPOINT_HEX}) end
        as "registeredEndpointHex",
      n.payment_address as "registeredPaymentAddress", ${recordColumn("payment_address")} as "paymentAddress",
      current.endpoint_hex is not null and coalesce(${recordColumn("tls_certificate")}, '0x') <> '0x' as connectable,
      ${recordColumn("pcr_hash")} as "pcrHash",
      pcr.approved_until as "pcrApprovedUntil",
      status.events as "statusEvents",
      spell.from_at as "activeFrom", spell.until_at as "activeUntil",
      greatest(registration.at, heartbeat.received_at) as "lastHeartbeatAt",
      signed.at as "lastSignedAt",
      (select a.value_seconds from og.heartbeat_max_age a
        where a.chain_id = ${chainId} and a.registry = n.registry and a.from_at <= coalesce(reached.at, registration.at)
        order by a.ordinal desc limit 1) as "lastMaxAgeSeconds",
      gap.list as gaps
    from ${REGISTRATIONS} n
    ${joinRegistration(moment)}
    ${joinObservations(moment)}
    cross join lateral (
      select coalesce(observed.endpoint_hex, n.endpoint_hex, first_seen.endpoint_hex) as endpoint_hex
    ) current
    ${joinPcr(moment)}
    left join lateral (
      select json_agg(json_build_array(e.timestamp, e.kind) order by e.block_number, e.log_index) as events
      from og.registry_event e
      where ${ofNode("e")} and e.kind in ('enabled', 'disabled', 'removed') and e.block_number <= ${blockNumber}
        and (e.block_number, e.log_index) > (registration.block, registration.log_index)
    ) status on true
    left join lateral (
      (select i.from_at, i.until_at from og.active_interval i
      where ${ofNode("i")} and i.from_at <= ${time} order by i.ordinal desc limit 1)
      union all
      select l.active_from, l.active_until from og.node_liveness l where ${ofNode("l")} and l.active_from <= ${time}
      order by 1 desc limit 1
    ) spell on true
    left join lateral (
      select h.received_at, h.latest_signed_at from og.heartbeat h
      where ${ofNode("h")} and h.block_number <= ${blockNumber}
      order by h.block_number desc, h.log_index desc limit 1
    ) heartbeat on true
    cross join lateral (select greatest(registration.at, heartbeat.latest_signed_at) as at) signed
    left join lateral (
      -- the block that brought the newest signed second
      select h.received_at as at from ${newestHeartbeats(sql`${ofNode("h")} and h.block_number <= ${blockNumber}`)} h
      where signed.at > registration.at and h.signed_at = signed.at and not h.repeated limit 1
    ) reached on true
    left join lateral (
      select json_agg(json_build_array(g.last_signed_at, g.next_signed_at, g.max_age_seconds, g.known_at,
        case when g.superseded_at <= ${time} then g.superseded_at end) order by g.last_signed_at, g.ordinal) as list
      from og.proved_gap g
      where ${ofNode("g")} and g.next_signed_at > greatest(registration.at, ${gapsEndingAfter}::bigint)
        and g.known_at <= ${time}
    ) gap on true
    where n.chain_id = ${chainId} and n.registry = ${registry} and n.tee_id = any(${sql.param(teeIds)})
    order by n.tee_id`;
}

function toEvidence(row: Row): NodeEvidence {
  const events = row.statusEvents ?? [];
  const last = events.at(-1)?.[1] ?? "enabled";
  const { endpointHex } = row;
  const host =
    endpointHex === null || !row.endpointMoved ? row.registeredHost : endpointHost(endpointText(endpointHex));
  return {
    teeId: row.teeId,
    teeType: row.teeType,
    registeredAt: row.registeredAt,
    registeredBlock: row.registeredBlock,
    registeredLogIndex: row.registeredLogIndex,
    // A registration that could not be read is taken to have said what was first seen of it.
    registered: {
      owner: row.registeredOwner,
      host: row.registeredHost ?? host,
      port: portOf(row.registeredEndpointHex ?? endpointHex),
      paymentAddress: row.registeredPaymentAddress ?? row.paymentAddress,
    },
    current: { owner: row.owner, host, port: portOf(endpointHex), paymentAddress: row.paymentAddress },
    connectable: row.connectable,
    endpoint: endpointHex === null ? null : endpointReach(utf8Of(endpointHex)),
    pcrHash: row.pcrHash,
    pcrApprovedUntil: row.pcrApprovedUntil,
    standing: last === "disabled" || last === "removed" ? last : "enabled",
    disabled: disabledSpells(events),
    active:
      row.activeFrom === null || row.activeUntil === null
        ? null
        : { fromAt: row.activeFrom, untilAt: row.activeUntil },
    lastHeartbeatAt: row.lastHeartbeatAt,
    lastSignedAt: row.lastSignedAt,
    lastMaxAgeSeconds: row.lastMaxAgeSeconds,
    ...gapsOf(row.gaps ?? []),
  };
}

function gapsOf(rows: readonly GapRow[]): Pick<NodeEvidence, "gaps" | "superseded"> {
  const gaps: EvidenceGap[] = [];
  const superseded: SupersededGap[] = [];
  for (const [lastSignedAt, nextSignedAt, maxAgeSeconds, knownAt, supersededAt] of rows) {
    const gap = { lastSignedAt, nextSignedAt, maxAgeSeconds, knownAt };
    if (supersededAt === null) gaps.push(gap);
    else superseded.push({ ...gap, supersededAt });
  }
  return { gaps, superseded };
}

function disabledSpells(events: NonNullable<Row["statusEvents"]>): readonly DisabledSpell[] {
  const spells: DisabledSpell[] = [];
  let since: number | null = null;
  for (const [at, kind] of events) {
    if (kind !== "enabled") since ??= at;
    else if (since !== null) {
      if (at > since) spells.push({ fromAt: since, untilAt: at });
      since = null;
    }
  }
  if (since !== null) spells.push({ fromAt: since, untilAt: null });
  return spells;
}

/** The port that a client connects to; null when there is nothing to connect to. */
function portOf(endpointHex: Hex | null): number | null {
  if (endpointHex === null) return null;
  try {
    const { protocol, port } = new URL(endpointText(endpointHex));
    return port === "" ? (protocol === "http:" ? 80 : 443) : Number(port);
  } catch {
    return null;
  }
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Null when the bytes are no UTF-8. */
function utf8Of(hex: string): string | null {
  try {
    return strictUtf8.decode(Buffer.from(hex.slice(2), "hex"));
  } catch {
    return null;
  }
}

/** The contract's status at a second, by the rules of `joinStatus`. */
export function statusAt(node: NodeEvidence, time: number): NodeStatus {
  const { standing, active, pcrApprovedUntil } = node;
  const approved = pcrApprovedUntil === null || pcrApprovedUntil > time;
  if (standing === "removed") return "removed";
  if (approved && active !== null && active.fromAt <= time && time < active.untilAt) return "active";
  if (!approved) return "revoked";
  return standing === "disabled" ? "disabled" : "stale";
}
