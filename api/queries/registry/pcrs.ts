/** PCR records and TEE types of the registries. */
import { sql } from "drizzle-orm";
import { LEGACY_ANY_TYPE } from "../../../src/decode/pcrApproval.ts";
import type { ReadTransaction } from "../reading/database.ts";
import {
  allOf,
  beyond,
  bytesColumns,
  listOrder,
  matching,
  type Page,
  type PageRequest,
  type SortColumn,
  toPage,
} from "../reading/page.ts";
import { BOOLEAN, type Filters, type FilterValues, HASH, TEE_TYPE } from "../state/filters.ts";
import { EVENT_KEY, FROM, type ListDefinition } from "../state/list.ts";
import type { Moment } from "../state/moment.ts";

export interface Pcr {
  readonly hash: string;
  readonly registry: string;
  readonly chainId: number;
  /** Null for the legacy records without a type, which apply to every one. */
  readonly teeType: { readonly id: number; readonly name: string | null } | null;
  readonly version: string | null;
  /** The raw bytes, when `version` is not exactly what they say. */
  readonly versionHex: string | null;
  readonly versionBytes: number | null;
  readonly versionSha256: string | null;
  /** Of a type's record also by what was said later for all types; of that for all not by what was said for one. */
  readonly approved: boolean;
  readonly firstApprovedAt: number | null;
  readonly approvedAt: number | null;
  readonly revokedAt: number | null;
  readonly approvals: number;
  readonly revocations: number;
}

/** Null when the text says exactly what the bytes do. */
const VERSION_BYTES = sql`(
  case when r.version_hex <> '0x' || encode(convert_to(r.version, 'UTF8'), 'hex') then r.version_hex end)`;

const PCR_FILTERS = {
  teeType: TEE_TYPE,
  pcrHash: HASH,
  /** At the moment asked about. */
  approved: BOOLEAN,
} as const satisfies Filters;

interface InRegistries {
  /** Null means every registry. */
  readonly registries: readonly string[] | null;
}

/** PCR records, the newest first. */
export const PCRS: ListDefinition<Pcr, typeof PCR_FILTERS, InRegistries> = {
  name: "Pcr",
  sources: FROM.og,
  keyTypes: EVENT_KEY,
  filters: PCR_FILTERS,
  read: async (transaction, state, wanted, page) => listPcrs(transaction, await state.og(), wanted, page),
};

interface PcrRow extends Omit<Pcr, "teeType" | "chainId"> {
  teeType: number;
  typeName: string | null;
  block: number;
  logIndex: number;
}

const FIRST_EVENT: readonly SortColumn[] = [
  { expression: sql`r.block`, type: "bigint" },
  { expression: sql`r.log_index`, type: "int" },
];

/** PCR records as they were at a moment, the newest first. */
export async function listPcrs(
  transaction: ReadTransaction,
  { chainId, blockNumber, time }: Moment,
  { registries, teeType, pcrHash, approved }: FilterValues<typeof PCR_FILTERS> & InRegistries,
  page: PageRequest,
): Promise<Page<Pcr>> {
  const conditions = [
    ...(registries === null ? [] : [sql`r.registry in ${[...registries]}`]),
    ...matching([
      [sql`r.tee_type`, teeType],
      [sql`r.pcr_hash`, pcrHash],
    ]),
    ...(approved === undefined ? [] : [sql`state.approved = ${approved}`]),
    ...beyond(page, FIRST_EVENT),
  ];
  const rows = await transaction.rows<PcrRow>(sql`
    with event as (
      select registry, tee_type, pcr_hash, block_number, log_index, kind, timestamp, label, label_hex, effective_at,
        row_number() over (partition by registry, tee_type, pcr_hash order by block_number, log_index) as ordinal,
        row_number() over (partition by registry, tee_type, pcr_hash, kind order by block_number desc, log_index desc) as age,
        row_number() over (partition by registry, tee_type, pcr_hash order by block_number desc, log_index desc) as rank
      from og.registry_event
      where chain_id = ${chainId} and kind in ('pcr-approved', 'pcr-revoked') and block_number <= ${blockNumber}
    ), r as (
      select registry, tee_type, pcr_hash,
        max(array[block_number, log_index]) as newest_place,
        max(block_number) filter (where ordinal = 1) as block,
        max(log_index) filter (where ordinal = 1) as log_index,
        bool_or(kind = 'pcr-approved') filter (where rank = 1) as newest_approves,
        max(effective_at) filter (where rank = 1) as newest_effective_at,
        max(label) filter (where kind = 'pcr-approved' and age = 1) as version,
        max(label_hex) filter (where kind = 'pcr-approved' and age = 1) as version_hex,
        min(timestamp) filter (where kind = 'pcr-approved') as first_approved_at,
        max(timestamp) filter (where kind = 'pcr-approved') as approved_at,
        count(*) filter (where kind = 'pcr-approved') as approvals,
        count(*) filter (where kind = 'pcr-revoked') as revocations
      from event group by registry, tee_type, pcr_hash
    )
    select r.pcr_hash as hash, r.registry, r.tee_type as "teeType", t.name as "typeName", r.version,
      ${bytesColumns(VERSION_BYTES, ["versionHex", "version"], "bounded")},
      state.approved, r.first_approved_at as "firstApprovedAt", r.approved_at as "approvedAt",
      case when not newest.approves then newest.effective_at end as "revokedAt", r.approvals, r.revocations,
      r.block, r.log_index as "logIndex"
    from r
    left join r untyped on untyped.registry = r.registry and untyped.pcr_hash = r.pcr_hash
      and untyped.tee_type = ${LEGACY_ANY_TYPE} and untyped.newest_place > r.newest_place
    cross join lateral (select
      case when untyped.pcr_hash is null then r.newest_approves else untyped.newest_approves end as approves,
      case when untyped.pcr_hash is null then r.newest_effective_at else untyped.newest_effective_at end as effective_at
    ) newest
    cross join lateral (select newest.approves or coalesce(newest.effective_at > ${time}, false) as approved) state
    left join og.tee_type t on t.chain_id = ${chainId} and t.registry = r.registry and t.type_id = r.tee_type
      and t.added_at <= ${time}
    where ${allOf(conditions)}
    ${listOrder(page, FIRST_EVENT)} limit ${page.limit + 1}`);
  return toPage(
    rows,
    page,
    ({ block, logIndex }) => [block, logIndex],
    (row) => ({
      hash: row.hash,
      registry: row.registry,
      chainId,
      teeType: row.teeType === LEGACY_ANY_TYPE ? null : { id: row.teeType, name: row.typeName },
      version: row.version,
      versionHex: row.versionHex,
      versionBytes: row.versionBytes,
      versionSha256: row.versionSha256,
      approved: row.approved,
      firstApprovedAt: row.firstApprovedAt,
      approvedAt: row.approvedAt,
      revokedAt: row.revokedAt,
      approvals: row.approvals,
      revocations: row.revocations,
    }),
  );
}

export interface TeeType {
  readonly id: number;
  readonly name: string;
  /** The raw bytes, when `name` is not exactly what they say. */
  readonly nameHex: string | null;
  readonly nameBytes: number | null;
  readonly nameSha256: string | null;
  readonly registry: string;
  readonly chainId: number;
  readonly addedAt: number;
  /** Closed to registrations (legacy); null while open. */
  readonly deactivatedAt: number | null;
}

/** Null when the text says exactly what the bytes do. */
const NAME_BYTES = sql`(case when name_hex <> '0x' || encode(convert_to(name, 'UTF8'), 'hex') then name_hex end)`;

const ADDITION: readonly SortColumn[] = [
  { expression: sql`added_block`, type: "bigint" },
  { expression: sql`registry`, type: "text" },
  { expression: sql`type_id`, type: "int" },
];

const NO_FILTERS = {} as const satisfies Filters;

/** TEE types, the newest first. */
export const TEE_TYPES: ListDefinition<TeeType, typeof NO_FILTERS, InRegistries> = {
  name: "TeeType",
  sources: FROM.og,
  keyTypes: ["position", "text", "log"],
  filters: NO_FILTERS,
  read: async (transaction, state, { registries }, page) =>
    listTeeTypes(transaction, await state.og(), registries, page),
};

/** TEE types that existed at a moment, the newest first. */
export async function listTeeTypes(
  transaction: ReadTransaction,
  { chainId, blockNumber, time }: Moment,
  registries: readonly string[] | null,
  page: PageRequest,
): Promise<Page<TeeType>> {
  const conditions = [
    sql`chain_id = ${chainId}`,
    sql`added_block <= ${blockNumber}`,
    ...(registries === null ? [] : [sql`registry in ${[...registries]}`]),
    ...beyond(page, ADDITION),
  ];
  const rows = await transaction.rows<TeeType & { addedBlock: number }>(sql`
    select type_id as id, name,
      ${bytesColumns(NAME_BYTES, ["nameHex", "name"], "bounded")},
      registry, chain_id as "chainId", added_at as "addedAt",
      case when deactivated_at <= ${time} then deactivated_at end as "deactivatedAt", added_block as "addedBlock"
    from og.tee_type where ${allOf(conditions)}
    ${listOrder(page, ADDITION)} limit ${page.limit + 1}`);
  return toPage(
    rows,
    page,
    ({ addedBlock, registry, id }) => [addedBlock, registry, id],
    ({ addedBlock: _, ...type }) => type,
  );
}
