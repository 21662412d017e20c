/** x402 payments on Base. Whether one is organic takes OpenGradient's registry to know. */
import { sql } from "drizzle-orm";
import type { ReadTransaction } from "../reading/database.ts";
import {
  allOf,
  beyondEvent,
  eventOrder,
  matching,
  type Page,
  type PageRequest,
  toPage,
} from "../reading/page.ts";
import { type EventId, formatEventId } from "../state/eventId.ts";
import { ADDRESS, type Filters, type FilterValues, oneOf, TIME_RANGE } from "../state/filters.ts";
import { EVENT_KEY, FROM, type ListDefinition } from "../state/list.ts";
import { type Moment, withinBlocks } from "../state/moment.ts";
import { insiders, isOrganic, namedAddresses } from "./organic.ts";

export const SCHEMES = ["exact", "upto", "batch-settlement"] as const;
export type Scheme = (typeof SCHEMES)[number];
export const PAYMENT_METHODS = ["permit2", "eip3009", "channel"] as const;

/** Amounts are decimal strings in base units of `token`. */
export interface Payment {
  readonly id: string;
  readonly chainId: number;
  readonly txHash: string;
  readonly logIndex: number;
  readonly blockNumber: number;
  readonly paidAt: number;
  readonly scheme: Scheme;
  readonly method: (typeof PAYMENT_METHODS)[number];
  readonly token: string;
  readonly payer: string;
  readonly payee: string;
  readonly amount: string;
  readonly permittedAmount: string | null;
  readonly facilitator: string;
  /** Null while OpenGradient's registry is not there to ask. */
  readonly organic: boolean | null;
}

const PAYMENT_FILTERS = {
  ...TIME_RANGE,
  payer: ADDRESS,
  payee: ADDRESS,
  token: ADDRESS,
  scheme: oneOf(SCHEMES),
  facilitator: ADDRESS,
} as const satisfies Filters;

/** The same, and one payment by its event. */
export interface PaymentFilters extends FilterValues<typeof PAYMENT_FILTERS> {
  readonly txHash?: string | undefined;
  readonly logIndex?: number | undefined;
}

/** x402 payments, newest first. */
export const PAYMENTS: ListDefinition<Payment, typeof PAYMENT_FILTERS> = {
  name: "Payment",
  sources: FROM.baseAndMaybeOg,
  keyTypes: EVENT_KEY,
  filters: PAYMENT_FILTERS,
  read: async (transaction, state, filters, page) =>
    listPayments(transaction, await state.base(), await state.optionalOg(), filters, page),
};

type PaymentRow = Omit<Payment, "id" | "amount" | "permittedAmount"> & {
  readonly amount: bigint;
  readonly permittedAmount: bigint | null;
};

/** @param og - null when OpenGradient cannot be answered from. */
export async function listPayments(
  transaction: ReadTransaction,
  base: Moment,
  og: Moment | null,
  filters: PaymentFilters,
  page: PageRequest,
): Promise<Page<Payment>> {
  const conditions = [
    ...withinBlocks("base", base, filters),
    ...matching([
      [sql`payer`, filters.payer],
      [sql`payee`, filters.payee],
      [sql`facilitator`, filters.facilitator],
      [sql`token`, filters.token],
      [sql`scheme`, filters.scheme],
      [sql`tx_hash`, filters.txHash],
      [sql`log_index`, filters.logIndex],
    ]),
    ...beyondEvent(page),
  ];
  const rows = await transaction.rows<PaymentRow>(sql`
    with p as materialized (
      select chain_id, tx_hash, log_index, block_number, paid_at, scheme, method, token, payer, payee, amount,
        permitted_amount, facilitator
      from base.payment where ${allOf(conditions)} ${eventOrder(page)} limit ${page.limit + 1}
    )
    ${og === null ? sql`` : sql`, payer as (select distinct payer as account from p), ${namedAddresses(og)}, ${insiders(og)}`}
    select chain_id as "chainId", tx_hash as "txHash", log_index as "logIndex", block_number as "blockNumber",
      paid_at as "paidAt", scheme, method, token, payer, payee, amount, permitted_amount as "permittedAmount",
      facilitator, ${og === null ? sql`null::boolean` : isOrganic} as organic
    from p ${eventOrder(page)}`);
  return toPage(
    rows,
    page,
    ({ blockNumber, logIndex }) => [blockNumber, logIndex],
    ({ amount, permittedAmount, ...row }) => ({
      id: formatEventId(row),
      chainId: row.chainId,
      txHash: row.txHash,
      logIndex: row.logIndex,
      blockNumber: row.blockNumber,
      paidAt: row.paidAt,
      scheme: row.scheme,
      method: row.method,
      token: row.token,
      payer: row.payer,
      payee: row.payee,
      amount: amount.toString(),
      permittedAmount: permittedAmount?.toString() ?? null,
      facilitator: row.facilitator,
      organic: row.organic,
    }),
  );
}

/** One payment; null when there is none. */
export async function findPayment(
  transaction: ReadTransaction,
  base: Moment,
  og: Moment | null,
  { txHash, logIndex }: EventId,
): Promise<Payment | null> {
  const { items } = await listPayments(
    transaction,
    base,
    og,
    { txHash, logIndex },
    { limit: 1, after: null },
  );
  return items[0] ?? null;
}
