/** Pre-funded accounts of x402BatchSettlement, as they were after a block. */
import { type SQL, sql } from "drizzle-orm";
import type { ReadTransaction } from "../reading/database.ts";
import {
  allOf,
  beyond,
  listOrder,
  matching,
  type Page,
  type PageRequest,
  type SortColumn,
  toPage,
} from "../reading/page.ts";
import { ADDRESS, type Filters, type FilterValues, oneOf, TIME_RANGE } from "../state/filters.ts";
import { EVENT_KEY, FROM, type ListDefinition } from "../state/list.ts";
import type { Moment } from "../state/moment.ts";
import { SCHEMES } from "./payments.ts";

export const CHANNEL_STATES = ["open", "withdrawing", "closed"] as const;
export type ChannelState = (typeof CHANNEL_STATES)[number];

/** Amounts are decimal strings in base units of `token`; `balance` and `claimed` are the contract's own figures. */
export interface Channel {
  readonly channelId: string;
  readonly chainId: number;
  readonly payer: string;
  readonly payerAuthorizer: string;
  readonly receiver: string;
  readonly receiverAuthorizer: string;
  readonly token: string;
  readonly withdrawDelaySeconds: number;
  readonly salt: string;
  readonly balance: string;
  readonly claimed: string;
  readonly refunded: string;
  readonly withdrawn: string;
  readonly pendingWithdrawal: { readonly amount: string; readonly finalizableAt: number | null } | null;
  readonly state: ChannelState;
  readonly createdAt: number;
  readonly updatedAt: number;
}

const CHANNEL_FILTERS = {
  ...TIME_RANGE,
  payer: ADDRESS,
  payee: ADDRESS,
  token: ADDRESS,
  scheme: oneOf(SCHEMES),
  state: oneOf(CHANNEL_STATES),
} as const satisfies Filters;

export type ChannelFilters = FilterValues<typeof CHANNEL_FILTERS>;

/** Channels, the newest created first. */
export const CHANNELS: ListDefinition<Channel, typeof CHANNEL_FILTERS> = {
  name: "Channel",
  sources: FROM.base,
  keyTypes: EVENT_KEY,
  filters: CHANNEL_FILTERS,
  read: async (transaction, state, filters, page) =>
    listChannels(transaction, await state.base(), filters, page),
};

interface ChannelRow {
  channelId: string;
  chainId: number;
  payer: string;
  payerAuthorizer: string;
  receiver: string;
  receiverAuthorizer: string;
  token: string;
  withdrawDelaySeconds: number;
  salt: string;
  balance: bigint;
  claimed: bigint;
  refunded: bigint;
  withdrawn: bigint;
  pendingAmount: bigint | null;
  finalizableAt: number | null;
  state: ChannelState;
  createdAt: number;
  updatedAt: number;
  createdBlock: number;
  createdLogIndex: number;
}

const stateColumn = sql`case when e.closed_after then 'closed'
  when e.pending_withdrawal_amount_after is not null then 'withdrawing' else 'open' end`;

const CREATION: readonly SortColumn[] = [
  { expression: sql`c.created_block`, type: "bigint" },
  { expression: sql`c.created_log_index`, type: "int" },
];

const createdBy = ({ chainId, blockNumber }: Moment): SQL[] => [
  sql`c.chain_id = ${chainId}`,
  sql`c.created_block <= ${blockNumber}`,
];

/** Joins the newest event up to the moment, as `e`. */
const joinNewestEvent = ({ chainId, blockNumber }: Moment): SQL => sql`
  cross join lateral (
    select * from base.channel_event e
    where e.chain_id = ${chainId} and e.channel_id = c.channel_id and e.block_number <= ${blockNumber}
    order by e.block_number desc, e.log_index desc limit 1
  ) e`;

/** Channels with their newest event up to the moment. */
const select = (moment: Moment, conditions: readonly SQL[], page: PageRequest): SQL => sql`
  select c.channel_id as "channelId", c.chain_id as "chainId", c.payer, c.payer_authorizer as "payerAuthorizer",
    c.receiver, c.receiver_authorizer as "receiverAuthorizer", c.token,
    c.withdraw_delay_seconds as "withdrawDelaySeconds", c.salt, e.balance_after as balance,
    e.total_claimed_after as claimed, e.refunded_after as refunded, e.withdrawn_after as withdrawn,
    e.pending_withdrawal_amount_after as "pendingAmount",
    e.pending_withdrawal_finalizable_at_after as "finalizableAt", ${stateColumn} as state,
    c.created_at as "createdAt", e.timestamp as "updatedAt", c.created_block as "createdBlock",
    c.created_log_index as "createdLogIndex"
  from base.channel c ${joinNewestEvent(moment)}
  where ${allOf([...createdBy(moment), ...conditions])}
  ${listOrder(page, CREATION)} limit ${page.limit + 1}`;

/** Channels, the newest created first; `from` and `to` bound their creation. */
export async function listChannels(
  transaction: ReadTransaction,
  moment: Moment,
  { payer, payee, token, scheme, state, from, to }: ChannelFilters,
  page: PageRequest,
): Promise<Page<Channel>> {
  const conditions = [
    ...matching([
      [sql`c.payer`, payer],
      [sql`c.receiver`, payee],
      [sql`c.token`, token],
      [stateColumn, state],
    ]),
    ...(scheme === undefined || scheme === "batch-settlement" ? [] : [sql`false`]),
    ...(from === undefined ? [] : [sql`c.created_at >= ${from}`]),
    ...(to === undefined ? [] : [sql`c.created_at < ${to}`]),
    ...beyond(page, CREATION),
  ];
  const rows = await transaction.rows<ChannelRow>(select(moment, conditions, page));
  return toPage(
    rows,
    page,
    ({ createdBlock, createdLogIndex }) => [createdBlock, createdLogIndex],
    toChannel,
  );
}

/** One channel; null when there is none. */
export async function findChannel(
  transaction: ReadTransaction,
  moment: Moment,
  channelId: string,
): Promise<Channel | null> {
  const [row] = await transaction.rows<ChannelRow>(
    select(moment, [sql`c.channel_id = ${channelId}`], { limit: 1, after: null }),
  );
  return row === undefined ? null : toChannel(row);
}

/** How many channels a payer funds, by state; null when there are more than `most`. */
export async function countChannels(
  transaction: ReadTransaction,
  moment: Moment,
  payer: string,
  most: number,
): Promise<Readonly<Record<ChannelState, number>> | null> {
  const rows = await transaction.rows<{ state: ChannelState; count: number }>(sql`
    select ${stateColumn} as state, count(*) as count
    from (select c.* from base.channel c where ${allOf([sql`c.payer = ${payer}`, ...createdBy(moment)])} limit ${most + 1}) c
    ${joinNewestEvent(moment)} group by 1 order by 1`);
  if (rows.reduce((sum, { count }) => sum + count, 0) > most) return null;
  const of = (state: ChannelState) => rows.find((row) => row.state === state)?.count ?? 0;
  return { open: of("open"), withdrawing: of("withdrawing"), closed: of("closed") };
}

const toChannel = (row: ChannelRow): Channel => ({
  channelId: row.channelId,
  chainId: row.chainId,
  payer: row.payer,
  payerAuthorizer: row.payerAuthorizer,
  receiver: row.receiver,
  receiverAuthorizer: row.receiverAuthorizer,
  token: row.token,
  withdrawDelaySeconds: row.withdrawDelaySeconds,
  salt: row.salt,
  balance: row.balance.toString(),
  claimed: row.claimed.toString(),
  refunded: row.refunded.toString(),
  withdrawn: row.withdrawn.toString(),
  pendingWithdrawal:
    row.pendingAmount === null
      ? null
      : { amount: row.pendingAmount.toString(), finalizableAt: row.finalizableAt },
  state: row.state,
  createdAt: row.createdAt,
  updatedAt: row.updatedAt,
});
