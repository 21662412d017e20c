/** Operators: the owners of nodes. */
import { type SQL, sql } from "drizzle-orm";
import {
  inRegistries,
  joinObservations,
  joinPcr,
  joinRegistration,
  joinStatus,
  type NODE_STATUSES,
  type NodeStatus,
  pcrRecords,
  REGISTRATIONS,
  recordColumn,
} from "../nodes/nodeState.ts";
import { type AttributionScope, readOwnAddresses } from "../payments/attribution.ts";
import type { DailyOrganicCaps } from "../payments/volumes.ts";
import type { ReadTransaction } from "../reading/database.ts";
import {
  allOf,
  beyond,
  listOrder,
  type Page,
  type PageRequest,
  type SortColumn,
  toPage,
} from "../reading/page.ts";
import type { Filters } from "../state/filters.ts";
import { EVENT_KEY, FROM, type ListDefinition } from "../state/list.ts";
import type { Moment } from "../state/moment.ts";

export type NodeCounts = Readonly<Record<NodeStatus | "total", number>>;

export interface Operator {
  readonly address: string;
  readonly nodes: NodeCounts;
  readonly firstRegisteredAt: number;
  /** Those that its nodes name now. */
  readonly paymentAddresses: readonly string[];
  /** Of these, the ones whose payments are not counted as its own: another operator named them first, or everyone may. */
  readonly sharedPaymentAddresses: readonly string[];
}

export interface OperatorScope extends AttributionScope {
  /** Null means every registry. */
  readonly registries: readonly string[] | null;
  /** What one payer may count for per operator and day, in base units. */
  readonly dailyOrganicCaps: DailyOrganicCaps;
}

interface OwnerRow {
  owner: string;
  block: number;
  logIndex: number;
  firstRegisteredAt: number;
}

const FIRST_REGISTRATION: readonly SortColumn[] = [
  { expression: sql`block`, type: "bigint" },
  { expression: sql`log_index`, type: "int" },
];

/** Operators, the newest first registration first. */
export async function listOperators(
  transaction: ReadTransaction,
  og: Moment,
  scope: OperatorScope,
  request: PageRequest,
): Promise<Page<Operator>> {
  const owners = await readOwners(transaction, og, scope, beyond(request, FIRST_REGISTRATION), request);
  const page = toPage(
    owners,
    request,
    ({ block, logIndex }) => [block, logIndex],
    (row) => row,
  );
  return { ...page, items: await describe(transaction, og, scope, page.items) };
}

const NO_FILTERS = {} as const satisfies Filters;

/** Operators, the newest first; their revenue needs Base. */
export const OPERATORS: ListDefinition<Operator, typeof NO_FILTERS, { readonly scope: OperatorScope }> = {
  name: "Operator",
  sources: FROM.ogAndMaybeBase,
  keyTypes: EVENT_KEY,
  filters: NO_FILTERS,
  read: async (transaction, state, { scope }, page) =>
    listOperators(transaction, await state.og(), scope, page),
};

/** Those of the addresses that own nodes, the newest first. */
export async function findOperators(
  transaction: ReadTransaction,
  og: Moment,
  scope: OperatorScope,
  addresses: readonly string[],
): Promise<readonly Operator[]> {
  if (addresses.length === 0) return [];
  const owners = await readOwners(transaction, og, scope, [sql`owner in ${[...addresses]}`], {
    limit: addresses.length,
    after: null,
  });
  return describe(transaction, og, scope, owners);
}

const readOwners = (
  transaction: ReadTransaction,
  og: Moment,
  { registries }: OperatorScope,
  conditions: readonly SQL[],
  page: PageRequest,
): Promise<readonly OwnerRow[]> =>
  transaction.rows<OwnerRow>(sql`
    with owned as (
      select distinct on (owner) owner, block, log_index, at from (
        select ${recordColumn("owner")} as owner, registration.block, registration.log_index, registration.at
        from ${REGISTRATIONS} n ${joinRegistration(og)} ${joinObservations(og)}
        where ${allOf([sql`n.chain_id = ${og.chainId}`, ...inRegistries(registries)])}
      ) node order by owner, block, log_index
    )
    select owner, block, log_index as "logIndex", at as "firstRegisteredAt" from owned where ${allOf(conditions)}
    ${listOrder(page, FIRST_REGISTRATION)} limit ${page.limit + 1}`);

async function describe(
  transaction: ReadTransaction,
  og: Moment,
  scope: OperatorScope,
  owners: readonly OwnerRow[],
): Promise<readonly Operator[]> {
  if (owners.length === 0) return [];
  const names = owners.map(({ owner }) => owner);
  const nodes = await transaction.rows<{
    owner: string;
    paymentAddress: string | null;
    status: NodeStatus;
    count: number;
  }>(sql`
    with ${pcrRecords(og)}
    select ${recordColumn("owner")} as owner, ${recordColumn("payment_address")} as "paymentAddress", state.status,
      count(*) as count
    from ${REGISTRATIONS} n ${joinRegistration(og)} ${joinObservations(og)} ${joinPcr(og)} ${joinStatus(og)}
    where ${allOf([sql`n.chain_id = ${og.chainId}`, ...inRegistries(scope.registries), sql`${recordColumn("owner")} in ${names}`])}
    group by 1, 2, 3 order by 1, 2, 3`);
  const own = await readOwnAddresses(transaction, og, scope, names);
  return owners.map(({ owner, firstRegisteredAt }) => {
    const mine = nodes.filter((row) => row.owner === owner);
    const addresses = [...new Set(mine.flatMap(({ paymentAddress }) => paymentAddress ?? []))].sort();
    return {
      address: owner,
      nodes: countByStatus(mine),
      firstRegisteredAt,
      paymentAddresses: addresses,
      sharedPaymentAddresses: addresses.filter((address) => own.get(address) !== owner),
    };
  });
}

/** Sums node counts per status; every status is present. */
export function countByStatus(
  rows: readonly { readonly status: NodeStatus; readonly count: number }[],
): NodeCounts {
  const of = (status: NodeStatus) =>
    rows.reduce((sum, row) => (row.status === status ? sum + row.count : sum), 0);
  return {
    total: rows.reduce((sum, { count }) => sum + count, 0),
    active: of("active"),
    stale: of("stale"),
    disabled: of("disabled"),
    revoked: of("revoked"),
    removed: of("removed"),
  } satisfies Record<(typeof NODE_STATUSES)[number] | "total", number>;
}
