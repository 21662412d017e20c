/** Settlements of all generations, as the relays announced them. */
import { type SQL, sql } from "drizzle-orm";
import type { ReadTransaction } from "./database.ts";
import { type EventId, formatEventId } from "./eventId.ts";
import { type Moment, type TimeRange, withinBlocks } from "./moment.ts";
import { allOf, beyondEvent, eventOrder, matching, type Page, type PageRequest, toPage } from "./page.ts";

export const SETTLEMENT_KINDS = ["individual", "batch", "legacy"] as const;
export const VERDICTS = ["pending", "verified", "partial", "invalid", "unavailable", "unverifiable"] as const;
export type SettlementKind = (typeof SETTLEMENT_KINDS)[number];
export type Verdict = (typeof VERDICTS)[number];

export interface Settlement {
  readonly id: string;
  readonly kind: SettlementKind;
  readonly chainId: number;
  readonly relay: string;
  readonly txHash: string;
  readonly logIndex: number;
  readonly blockNumber: number;
  readonly settledAt: number;
  readonly relayer: string;
  readonly teeId: string | null;
  readonly claimedPayer: string | null;
  readonly inputHash: string | null;
  readonly outputHash: string | null;
  readonly signedAt: number | null;
  readonly signature: string | null;
  readonly merkleRoot: string | null;
  readonly batchSize: number | null;
  readonly blobId: string | null;
  readonly blobIdHex: string | null;
  readonly verdict: Verdict;
  readonly reason: string | null;
  readonly leafCount: number | null;
  readonly validLeaves: number | null;
  readonly invalidLeaves: number | null;
  readonly payload: { readonly state: string; readonly reason: string | null } | null;
}

export interface SettlementFilters extends TimeRange {
  readonly kind?: SettlementKind | undefined;
  readonly teeId?: string | undefined;
  readonly payer?: string | undefined;
  readonly relayer?: string | undefined;
  readonly verdict?: Verdict | undefined;
  readonly merkleRoot?: string | undefined;
}

type SettlementRow = Omit<
  Settlement,
  "id" | "signedAt" | "batchSize" | "leafCount" | "validLeaves" | "invalidLeaves" | "payload"
> & { readonly signedAt: bigint | null; readonly batchSize: bigint | null };

/** Legacy events carry no signature and nothing that could be checked; the rest waits for its check. */
const verdict: SQL = sql`case when kind = 'legacy' then 'unverifiable' else 'pending' end`;

/** The same as a condition that an index can serve. */
function withVerdict(wanted: Verdict | undefined): SQL[] {
  if (wanted === undefined) return [];
  if (wanted === "unverifiable") return [sql`kind = 'legacy'`];
  return [wanted === "pending" ? sql`kind in ('individual', 'batch')` : sql`false`];
}

/** Raw bytes are as long as their author liked; a list shows so many hex digits of them. */
const LIST_HEX_LENGTH = 2 + 2 * 4_096;

const columns = (blobIdHex: SQL): SQL => sql`
  kind, chain_id as "chainId", relay, tx_hash as "txHash", log_index as "logIndex", block_number as "blockNumber",
  settled_at as "settledAt", relayer, tee_id as "teeId", claimed_payer as "claimedPayer", input_hash as "inputHash",
  output_hash as "outputHash", signed_at as "signedAt", signature, merkle_root as "merkleRoot",
  batch_size as "batchSize", blob_id as "blobId", case when blob_id is null then ${blobIdHex} end as "blobIdHex",
  ${verdict} as verdict, case when kind = 'legacy' then 'no-signature' end as reason`;

export async function listSettlements(
  transaction: ReadTransaction,
  moment: Moment,
  filters: SettlementFilters,
  page: PageRequest,
): Promise<Page<Settlement>> {
  const conditions = [
    ...withinBlocks("og", moment, filters),
    ...matching([
      [sql`kind`, filters.kind],
      [sql`tee_id`, filters.teeId],
      [sql`claimed_payer`, filters.payer],
      [sql`relayer`, filters.relayer],
      [sql`merkle_root`, filters.merkleRoot],
    ]),
    ...withVerdict(filters.verdict),
    ...beyondEvent(page),
  ];
  const rows = await transaction.rows<SettlementRow>(sql`
    select ${columns(sql`left(blob_id_hex, ${LIST_HEX_LENGTH})`)} from og.settlement
    where ${allOf(conditions)} ${eventOrder(page)} limit ${page.limit + 1}`);
  return toPage(rows, page, ({ blockNumber, logIndex }) => [blockNumber, logIndex], toSettlement);
}

/** One settlement; null when there is none. */
export async function findSettlement(
  transaction: ReadTransaction,
  moment: Moment,
  { txHash, logIndex }: EventId,
): Promise<Settlement | null> {
  const [row] = await transaction.rows<SettlementRow>(sql`
    select ${columns(sql`blob_id_hex`)} from og.settlement
    where tx_hash = ${txHash} and log_index = ${logIndex} and ${allOf(withinBlocks("og", moment))}
    order by block_number desc, log_index desc limit 1`);
  return row === undefined ? null : toSettlement(row);
}

/** A uint256 that counts or dates something; null when a relayer wrote what no number holds. */
const toSafeNumber = (value: bigint | null): number | null =>
  value !== null && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : null;

const toSettlement = ({ kind, ...row }: SettlementRow): Settlement => ({
  id: formatEventId(row),
  kind,
  ...row,
  signedAt: toSafeNumber(row.signedAt),
  batchSize: toSafeNumber(row.batchSize),
  leafCount: null,
  validLeaves: null,
  invalidLeaves: null,
  payload: null,
});
