/** Nodes as they were at a moment: which ones, then everything about them. */
import { type SQL, sql } from "drizzle-orm";
import { type Hex, isHex, keccak256 } from "viem";
import { endpointText, MAX_ENDPOINT_HEX } from "../../../src/decode/endpoint.ts";
import { saysTheSame } from "../../../src/decode/text.ts";
import type { ReadTransaction } from "../reading/database.ts";
import {
  allOf,
  beyond,
  bytesColumns,
  type Extent,
  listOrder,
  matching,
  type Page,
  type PageRequest,
  type SortColumn,
  toPage,
} from "../reading/page.ts";
import type { KeyType } from "../state/cursor.ts";
import { ADDRESS, type Filters, type FilterValues, HASH, oneOf, TEE_TYPE } from "../state/filters.ts";
import { hoursThen } from "../state/hoursThen.ts";
import { FROM } from "../state/list.ts";
import type { Moment } from "../state/moment.ts";
import type { ProofTables } from "../state/proofTables.ts";
import { joinInferences } from "./nodeInferences.ts";
import {
  inRegistries,
  joinObservations,
  joinPcr,
  joinRegistration,
  joinStatus,
  NODE_STATUSES,
  type NodeStatus,
  pcrRecords,
  REGISTRATIONS,
  recordColumn,
} from "./nodeState.ts";
import { joinUptime } from "./nodeUptime.ts";
import { joinStatusPrecision, type Precision } from "./precision.ts";

export const NODE_SORTS = ["score", "uptime", "registeredAt", "inferences"] as const;
export type NodeSort = (typeof NODE_SORTS)[number];

/** Of each order's sort key, as `listNodes` compares it. */
export const NODE_KEY_TYPES: Readonly<Record<NodeSort, readonly KeyType[]>> = {
  registeredAt: ["position", "log"],
  score: ["ratio", "position", "log"],
  uptime: ["ratio", "position", "log"],
  inferences: ["count", "position", "log"],
};

const NODE_FILTERS = {
  teeType: TEE_TYPE,
  status: oneOf(NODE_STATUSES),
  owner: ADDRESS,
  paymentAddress: ADDRESS,
  pcrHash: HASH,
} as const satisfies Filters;

/**
 * Nodes, as far as they are listed alike in every order: the key types are of the order, and in that of scores they are not
 * read from tables.
 */
export const NODES = { name: "Node", sources: FROM.proofs, filters: NODE_FILTERS } as const;

export interface NodeQuery extends FilterValues<typeof NODE_FILTERS> {
  /** Null means every registry. */
  readonly registries: readonly string[] | null;
  /** Only these; absent means any. */
  readonly among?: readonly NodeKey[] | undefined;
}

export interface NodeDetail {
  /** Keys and certificates are most of a node's bytes. */
  readonly keys: "with-keys" | "without-keys";
  /** How much is shown of bytes whose number a stranger chose. Default: a beginning, as in lists. */
  readonly extent?: Extent;
}

/** What an order by inferences is read from. */
export interface InferenceSource {
  readonly proofs: ProofTables;
  /** Settlements name a node and no registry: they belong to this one. */
  readonly settlementRegistry: string;
}

/** Scores and metrics are added by who asks for them. */
export interface Node {
  readonly teeId: string;
  readonly registry: string;
  readonly chainId: number;
  readonly teeType: { readonly id: number; readonly name: string | null };
  readonly owner: string;
  readonly paymentAddress: string | null;
  readonly endpoint: string | null;
  readonly endpointHex: string | null;
  readonly endpointBytes: number | null;
  readonly endpointSha256: string | null;
  readonly publicKey: string | null;
  readonly publicKeyBytes: number | null;
  readonly publicKeySha256: string | null;
  readonly tlsCertificate: string | null;
  readonly tlsCertificateBytes: number | null;
  readonly tlsCertificateSha256: string | null;
  readonly pcr: {
    readonly hash: string;
    readonly version: string | null;
    readonly approved: boolean;
    readonly approvedAt: number | null;
    readonly revokedAt: number | null;
  } | null;
  readonly ohttpConfig: {
    readonly keyId: number;
    readonly kemId: number;
    readonly kdfId: number;
    readonly aeadId: number;
    readonly publicKey: string;
    readonly publicKeyBytes: number;
    readonly publicKeySha256: string | null;
    readonly keyConfig: string;
    readonly keyConfigBytes: number;
    readonly keyConfigSha256: string | null;
    readonly registeredAt: number;
  } | null;
  readonly status: NodeStatus;
  readonly statusPrecision: Precision;
  readonly enabled: boolean;
  readonly registeredAt: number;
  readonly lastHeartbeatAt: number;
  readonly lastSignedAt: number;
  readonly recordSource: "call" | "calldata" | "observation" | null;
}

export interface NodeKey {
  readonly registry: string;
  readonly teeId: string;
}

/** Lists show, and sort by, the figures of one day. */
const SORT_SECONDS = 86_400;
/** Certificates that carry an attestation have kilobytes; a cell of a spreadsheet holds the hex of so many. */
export const MAX_KEY_BYTES = 16_000;

const DAY_UPTIME: SortColumn = { expression: sql`uptime.ratio`, type: "float8", nulls: "last" };
const DAY_INFERENCES: SortColumn = { expression: sql`inferred.total`, type: "bigint", nulls: "last" };
const REGISTRATION: readonly SortColumn[] = [
  { expression: sql`registration.block`, type: "bigint" },
  { expression: sql`registration.log_index`, type: "int" },
];

/** One page of nodes, newest registration first unless sorted; each order ends in the registration's log position. */
export async function listNodes(
  transaction: ReadTransaction,
  moment: Moment,
  query: NodeQuery,
  sort: Exclude<NodeSort, "score">,
  request: PageRequest,
  detail: NodeDetail,
  { proofs, settlementRegistry }: InferenceSource,
): Promise<Page<Node>> {
  const { registries, teeType, status, owner, paymentAddress, pcrHash, among } = query;
  const byUptime = sort === "uptime";
  const figure = byUptime ? DAY_UPTIME : sort === "inferences" ? DAY_INFERENCES : null;
  const order = figure === null ? REGISTRATION : [figure, ...REGISTRATION];
  const withState = status !== undefined || byUptime;
  const withRecord =
    withState || owner !== undefined || paymentAddress !== undefined || pcrHash !== undefined;
  const conditions = [
    sql`n.chain_id = ${moment.chainId}`,
    ...inRegistries(registries),
    ...(among === undefined ? [] : [isAmong(among)]),
    ...matching([
      [sql`n.tee_type`, teeType],
      [sql`state.status`, status],
      [recordColumn("owner"), owner],
      [recordColumn("payment_address"), paymentAddress],
      [recordColumn("pcr_hash"), pcrHash],
    ]),
    ...beyond(request, order),
  ];
  const keys = await transaction.rows<
    NodeKey & { block: number; logIndex: number; figure: number | null }
  >(sql`
    with ${pcrRecords(moment)}
    ${sort === "inferences" ? sql`, ${hoursThen(proofs, moment, "tee_id")}` : sql``}
    select n.registry, n.tee_id as "teeId", registration.block, registration.log_index as "logIndex",
      ${figure?.expression ?? sql`null::float8`} as figure
    from ${REGISTRATIONS} n
    ${joinRegistration(moment)}
    ${withRecord ? joinObservations(moment) : sql``}
    ${withState ? sql`${joinPcr(moment)} ${joinStatus(moment)}` : sql``}
    ${byUptime ? joinUptime(moment, SORT_SECONDS) : sql``}
    ${sort === "inferences" ? joinInferences(proofs, moment, SORT_SECONDS, settlementRegistry) : sql``}
    where ${allOf(conditions)}
    ${listOrder(request, order)} limit ${request.limit + 1}`);
  const page = toPage(
    keys,
    request,
    (row) => [...(figure === null ? [] : [row.figure]), row.block, row.logIndex],
    ({ registry, teeId }): NodeKey => ({ registry, teeId }),
  );
  return { ...page, items: await findNodes(transaction, moment, page.items, detail) };
}

const isAmong = (keys: readonly NodeKey[]): SQL => sql`(n.registry, n.tee_id) in (
  select * from unnest(${sql.param(keys.map(({ registry }) => registry))}::text[],
    ${sql.param(keys.map(({ teeId }) => teeId))}::text[]))`;

/** One node; null when the registry had none with this id at the moment. */
export async function findNode(
  transaction: ReadTransaction,
  moment: Moment,
  key: NodeKey,
  detail: NodeDetail,
): Promise<Node | null> {
  const [node] = await findNodes(transaction, moment, [key], { extent: "whole", ...detail });
  return node ?? null;
}

/** The registries in which a key was registered at the moment. */
export async function registriesOf(
  transaction: ReadTransaction,
  moment: Moment,
  teeId: string,
): Promise<readonly string[]> {
  const rows = await transaction.rows<{ registry: string }>(sql`
    select n.registry from ${REGISTRATIONS} n ${joinRegistration(moment)}
    where n.chain_id = ${moment.chainId} and n.tee_id = ${teeId} order by n.registry`);
  return rows.map(({ registry }) => registry);
}

interface NodeRow {
  registry: string;
  teeId: string;
  teeType: number;
  typeName: string | null;
  owner: string;
  paymentAddress: string | null;
  endpoint: string | null;
  endpointHex: string | null;
  endpointBytes: number | null;
  endpointSha256: string | null;
  /** As many as a display text is made from. */
  observedEndpointHex: Hex | null;
  publicKey: string | null;
  publicKeyBytes: number | null;
  publicKeySha256: string | null;
  tlsCertificate: string | null;
  tlsCertificateBytes: number | null;
  tlsCertificateSha256: string | null;
  pcrHash: string | null;
  pcrVersion: string | null;
  pcrApproved: boolean;
  pcrApprovedAt: number | null;
  pcrRevokedAt: number | null;
  keyId: number | null;
  kemId: number | null;
  kdfId: number | null;
  aeadId: number | null;
  ohttpPublicKey: string | null;
  ohttpPublicKeyBytes: number | null;
  ohttpPublicKeySha256: string | null;
  keyConfig: string | null;
  keyConfigBytes: number | null;
  keyConfigSha256: string | null;
  ohttpRegisteredAt: number | null;
  status: NodeStatus;
  statusPrecision: Precision;
  enabled: boolean;
  registeredAt: number;
  lastHeartbeatAt: number;
  lastSignedAt: number;
  recordSource: "call" | "calldata" | "observation" | null;
}

/** An observed key replaces the registered one as a whole; in the earlier layout there is none to replace it. */
const ohttpColumn = (name: string): SQL => {
  const column = sql.identifier(`ohttp_${name}`);
  return sql`case when observed.tee_id is not null then observed.${column}
    when n.ohttp_key_id is not null then n.${column} else first_seen.${column} end`;
};

/** Whether an observation says something else than the registration, or something it does not say. */
const observationCounts = sql`(observed.tee_id is not null and (observed.owner, observed.payment_address,
    observed.endpoint_hex, observed.tls_certificate, observed.pcr_hash) is distinct from
    (n.owner, n.payment_address, n.endpoint_hex, n.tls_certificate, n.pcr_hash))
  or (observed.tee_id is not null and (observed.ohttp_key_id, observed.ohttp_public_key, observed.ohttp_key_config)
    is distinct from (n.ohttp_key_id, n.ohttp_public_key, n.ohttp_key_config))
  or first_seen.tee_id is not null`;

/** The nodes that the registries had at the moment, in the order of the keys; keys of none are left out. */
export async function findNodes(
  transaction: ReadTransaction,
  moment: Moment,
  wantedKeys: readonly NodeKey[],
  detail: NodeDetail,
): Promise<readonly Node[]> {
  if (wantedKeys.length === 0) return [];
  const wanted = sql.join(
    wantedKeys.map(({ registry, teeId }, index) => sql`(${registry}, ${teeId}, ${index}::int)`),
    sql`, `,
  );
  const { chainId, blockNumber, time } = moment;
  const { extent = "bounded" } = detail;
  const keys = detail.keys === "with-keys";
  const rows = await transaction.rows<NodeRow>(sql`
    with ${pcrRecords(moment)}, wanted (registry, tee_id, place) as (values ${wanted})
    select n.registry, n.tee_id as "teeId", n.tee_type as "teeType", tee_type.name as "typeName",
      ${recordColumn("owner")} as owner,
      ${recordColumn("payment_address")} as "paymentAddress",
      left(raw.observed_endpoint, ${MAX_ENDPOINT_HEX}) as "observedEndpointHex", n.endpoint,
      ${bytesColumns(sql`raw.endpoint`, ["endpointHex", "endpoint"], extent)},
      ${bytesColumns(sql`raw.public_key`, ["publicKey", "publicKey"], extent, MAX_KEY_BYTES)},
      ${bytesColumns(sql`raw.tls_certificate`, ["tlsCertificate", "tlsCertificate"], extent, MAX_KEY_BYTES)},
      ${recordColumn("pcr_hash")} as "pcrHash",
      case when typed.approved_at is not null then typed.version else untyped.version end as "pcrVersion",
      pcr.approved as "pcrApproved",
      greatest(typed.approved_at, untyped.approved_at) as "pcrApprovedAt",
      pcr.approved_until as "pcrRevokedAt",
      ${ohttpColumn("key_id")} as "keyId", ${ohttpColumn("kem_id")} as "kemId", ${ohttpColumn("kdf_id")} as "kdfId",
      ${ohttpColumn("aead_id")} as "aeadId",
      ${bytesColumns(sql`raw.ohttp_public_key`, ["ohttpPublicKey", "ohttpPublicKey"], extent)},
      ${bytesColumns(sql`raw.key_config`, ["keyConfig", "keyConfig"], extent)}, ${ohttpColumn("registered_at")} as "ohttpRegisteredAt",
      state.status, certainty.precision as "statusPrecision", state.enabled, registration.at as "registeredAt",
      greatest(registration.at, heartbeat.received_at) as "lastHeartbeatAt",
      greatest(registration.at, heartbeat.latest_signed_at) as "lastSignedAt",
      case when ${observationCounts} then 'observation' else n.record_source end as "recordSource"
    from wanted
    join ${REGISTRATIONS} n on n.chain_id = ${chainId} and n.registry = wanted.registry and n.tee_id = wanted.tee_id
    ${joinRegistration(moment)}
    ${joinObservations(moment)}
    ${joinPcr(moment)}
    ${joinStatus(moment)}
    ${joinStatusPrecision(moment)}
    cross join lateral (select
      case when n.endpoint_hex is null then coalesce(observed.endpoint_hex, first_seen.endpoint_hex)
        when observed.endpoint_hex <> n.endpoint_hex then observed.endpoint_hex end as observed_endpoint
    ) seen
    cross join lateral (select seen.observed_endpoint,
      case when seen.observed_endpoint is not null then seen.observed_endpoint
        when n.endpoint_hex <> '0x' || encode(convert_to(n.endpoint, 'UTF8'), 'hex') then n.endpoint_hex end as endpoint,
      ${keys ? sql`coalesce(n.public_key, observed.public_key, first_seen.public_key)` : sql`null::text`} as public_key,
      ${keys ? recordColumn("tls_certificate") : sql`null::text`} as tls_certificate,
      ${ohttpColumn("public_key")} as ohttp_public_key, ${ohttpColumn("key_config")} as key_config
    ) raw
    left join og.tee_type on tee_type.chain_id = ${chainId} and tee_type.registry = n.registry
      and tee_type.type_id = n.tee_type and tee_type.added_at <= ${time}
    left join lateral (
      select h.received_at, h.latest_signed_at from og.heartbeat h
      where h.chain_id = ${chainId} and h.registry = n.registry and h.tee_id = n.tee_id and h.block_number <= ${blockNumber}
      order by h.block_number desc, h.log_index desc limit 1
    ) heartbeat on true
    order by wanted.place`);
  return rows.map((row) => toNode(moment.chainId, row));
}

function toNode(chainId: number, row: NodeRow): Node {
  const observed = row.observedEndpointHex;
  const endpoint = observed === null ? row.endpoint : endpointText(observed);
  // An observation that is longer than what was read of it says more than any text shown.
  const shownWhole = observed !== null && endpoint !== null && saysTheSame(endpoint, observed);
  const { endpointHex, endpointBytes, endpointSha256 } = shownWhole ? NO_ENDPOINT_BYTES : row;
  return {
    teeId: row.teeId,
    registry: row.registry,
    chainId,
    teeType: { id: row.teeType, name: row.typeName },
    owner: row.owner,
    paymentAddress: row.paymentAddress,
    endpoint,
    endpointHex,
    endpointBytes,
    endpointSha256,
    publicKey: isKeyOf(row.publicKey, row.teeId) ? row.publicKey : null,
    publicKeyBytes: row.publicKeyBytes,
    publicKeySha256: row.publicKeySha256,
    tlsCertificate: row.tlsCertificate,
    tlsCertificateBytes: row.tlsCertificateBytes,
    tlsCertificateSha256: row.tlsCertificateSha256,
    pcr:
      row.pcrHash === null
        ? null
        : {
            hash: row.pcrHash,
            version: row.pcrVersion,
            approved: row.pcrApproved,
            approvedAt: row.pcrApprovedAt,
            revokedAt: row.pcrRevokedAt,
          },
    ohttpConfig: toOhttpConfig(row),
    status: row.status,
    statusPrecision: row.statusPrecision,
    enabled: row.enabled,
    registeredAt: row.registeredAt,
    lastHeartbeatAt: row.lastHeartbeatAt,
    lastSignedAt: row.lastSignedAt,
    recordSource: row.recordSource,
  };
}

/** When the text says it all. */
const NO_ENDPOINT_BYTES = { endpointHex: null, endpointBytes: null, endpointSha256: null } as const;

/**
 * Everything that verifies signatures trusts the key, so one that is not the node's is left out, and so is the beginning of
 * one too long for a list: nobody has an RSA key like that.
 */
const isKeyOf = (publicKey: string | null, teeId: string): boolean =>
  isHex(publicKey) && keccak256(publicKey) === teeId;

function toOhttpConfig(row: NodeRow): Node["ohttpConfig"] {
  const { keyId, kemId, kdfId, aeadId, ohttpPublicKey, keyConfig, ohttpRegisteredAt } = row;
  if (
    keyId === null ||
    kemId === null ||
    kdfId === null ||
    aeadId === null ||
    ohttpPublicKey === null ||
    keyConfig === null ||
    ohttpRegisteredAt === null
  )
    return null;
  return {
    keyId,
    kemId,
    kdfId,
    aeadId,
    publicKey: ohttpPublicKey,
    publicKeyBytes: row.ohttpPublicKeyBytes ?? 0,
    publicKeySha256: row.ohttpPublicKeySha256,
    keyConfig,
    keyConfigBytes: row.keyConfigBytes ?? 0,
    keyConfigSha256: row.keyConfigSha256,
    registeredAt: ohttpRegisteredAt,
  };
}
