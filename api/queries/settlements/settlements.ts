/** Settlements of all generations, as the relays announced them, with what the verifier found out about them. */
import { type SQL, sql } from "drizzle-orm";
import { isHex } from "viem";
import { inferenceId } from "../../../proofs/inference.ts";
import type { ReadTransaction } from "../reading/database.ts";
import {
  allOf,
  beyondEvent,
  bytesColumns,
  columnOf,
  type Extent,
  eventOrder,
  matching,
  type Page,
  type PageRequest,
  toPage,
} from "../reading/page.ts";
import { type EventId, formatEventId } from "../state/eventId.ts";
import { EVENT_KEY, FROM, type ListDefinition } from "../state/list.ts";
import { type Moment, withinBlocks } from "../state/moment.ts";
import { isVerdictOf, type ProofTables } from "../state/proofTables.ts";
import {
  SETTLEMENT_FILTERS,
  type SettlementFilters,
  type SettlementKind,
  type Verdict,
} from "./settlementFilters.ts";
import { chainWithVerdicts, settlementSources } from "./settlementSources.ts";
import { verdictDetail } from "./verdictDetail.ts";

export const PAYLOAD_STATES = ["pending", "matched", "unmatched", "invalid", "unavailable"] as const;
export type PayloadState = (typeof PAYLOAD_STATES)[number];

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
  /** The inference of an individual settlement. */
  readonly inferenceId: string | null;
  readonly claimedPayer: string | null;
  readonly inputHash: string | null;
  readonly outputHash: string | null;
  readonly signedAt: number | null;
  readonly signature: string | null;
  readonly signatureBytes: number | null;
  readonly signatureSha256: string | null;
  readonly merkleRoot: string | null;
  readonly batchSize: number | null;
  readonly blobId: string | null;
  readonly blobIdHex: string | null;
  readonly blobIdBytes: number | null;
  readonly blobIdSha256: string | null;
  readonly verdict: Verdict;
  /** A stable slug: why the verdict is not `verified`. */
  readonly reason: string | null;
  /** The reason as a sentence, with the value and the rule. */
  readonly detail: string | null;
  /** Of a batch whose values give its root. */
  readonly leafCount: number | null;
  readonly validLeaves: number | null;
  readonly invalidLeaves: number | null;
  /** Of an individual settlement: what became of the blob it names. */
  readonly payload: { readonly state: PayloadState; readonly reason: string | null } | null;
}

type SettlementRow = Omit<Settlement, "id" | "signedAt" | "batchSize" | "inferenceId" | "payload"> & {
  readonly signedAt: bigint | null;
  readonly batchSize: bigint | null;
  readonly unknownLeaves: number | null;
  readonly payloadState: PayloadState | null;
  readonly payloadReason: string | null;
};

/** Legacy events carry no signature and nothing that could be checked; the rest waits for its check. */
const VERDICT: SQL = sql`case when s.kind = 'legacy' then 'unverifiable' else coalesce(p.verdict, 'pending') end`;

const columns = (extent: Extent): SQL => sql`
  s.kind, s.chain_id as "chainId", s.relay, s.tx_hash as "txHash", s.log_index as "logIndex",
  s.block_number as "blockNumber", s.settled_at as "settledAt", s.relayer, s.tee_id as "teeId",
  s.claimed_payer as "claimedPayer", s.input_hash as "inputHash", s.output_hash as "outputHash",
  s.signed_at as "signedAt", ${bytesColumns(sql`s.signature`, ["signature", "signature"], extent)}, s.merkle_root as "merkleRoot", s.batch_size as "batchSize",
  s.blob_id as "blobId", ${bytesColumns(sql`(case when s.blob_id is null then s.blob_id_hex end)`, ["blobIdHex", "blobId"], extent)},
  ${VERDICT} as verdict, case when s.kind = 'legacy' then 'no-signature' else p.reason end as reason,
  b.detail, case when s.kind = 'batch' then p.leaf_count end as "leafCount",
  case when s.kind = 'batch' then p.valid_leaves end as "validLeaves",
  case when s.kind = 'batch' then p.invalid_leaves end as "invalidLeaves",
  case when s.kind = 'batch' then p.unknown_leaves end as "unknownLeaves",
  case when s.kind = 'individual' then coalesce(y.state, 'pending') end as "payloadState",
  y.reason as "payloadReason"`;

/** What the columns need beside `s` and `p`. */
const joinDetails = ({ payload, batch }: ProofTables): SQL => sql`
  left join lateral (select * from ${payload} y where y.key = p.payload_key limit 1) y on true
  left join lateral (select * from ${batch} b where b.key = p.batch_key limit 1) b on true`;

export async function listSettlements(
  transaction: ReadTransaction,
  proofs: ProofTables,
  moment: Moment,
  filters: SettlementFilters,
  page: PageRequest,
): Promise<Page<Settlement>> {
  const sources = settlementSources(proofs, moment, filters);
  if (sources.length === 0) return toPage<SettlementRow, Settlement>([], page, () => [], toSettlement);
  const parts = sources.map(({ relations, walked, conditions }) => {
    const all = [
      ...conditions,
      ...withinBlocks("og", moment, filters, walked),
      ...matching([
        [columnOf(walked, "kind"), filters.kind],
        [columnOf(walked, "relayer"), filters.relayer],
        [columnOf(walked, "claimed_payer"), filters.payer],
        [sql`s.tee_id`, filters.teeId],
        [sql`s.merkle_root`, filters.merkleRoot],
        [sql`s.tx_hash`, filters.txHash],
        [sql`s.blob_id`, filters.blobId],
      ]),
      ...beyondEvent(page, walked),
    ];
    return sql`(
      select ${columns("bounded")} from ${relations} ${joinDetails(proofs)}
      where ${allOf(all)} ${eventOrder(page, walked)} limit ${page.limit + 1})`;
  });
  const rows = await transaction.rows<SettlementRow>(sql`
    select * from (${sql.join(parts, sql` union all `)}) part
    order by ${page.direction === "backward" ? sql`"blockNumber", "logIndex"` : sql`"blockNumber" desc, "logIndex" desc`}
    limit ${page.limit + 1}`);
  return toPage(rows, page, ({ blockNumber, logIndex }) => [blockNumber, logIndex], toSettlement);
}

/** Settlements of every generation, newest first. */
export const SETTLEMENTS: ListDefinition<Settlement, typeof SETTLEMENT_FILTERS> = {
  name: "Settlement",
  sources: FROM.proofs,
  keyTypes: EVENT_KEY,
  filters: SETTLEMENT_FILTERS,
  read: async (transaction, state, filters, page) =>
    listSettlements(transaction, state.proofs, await state.og(), filters, page),
};

/** One settlement; null when there is none. */
export async function findSettlement(
  transaction: ReadTransaction,
  proofs: ProofTables,
  moment: Moment,
  { txHash, logIndex }: EventId,
): Promise<Settlement | null> {
  const [row] = await transaction.rows<SettlementRow>(sql`
    select ${columns("whole")} from ${chainWithVerdicts(proofs)} ${joinDetails(proofs)}
    where s.tx_hash = ${txHash} and s.log_index = ${logIndex} and ${allOf(withinBlocks("og", moment, {}, "s"))}
    order by s.block_number desc, s.log_index desc limit 1`);
  return row === undefined ? null : toSettlement(row);
}

/** A settlement whose verdict is of a revision. */
export interface VerdictChange {
  readonly revision: number;
  readonly settlement: Settlement;
}

/** The place of a verdict among all, by when it became what it is. */
export interface VerdictPlace {
  readonly revision: number;
  readonly blockNumber: number;
  readonly logIndex: number;
}

interface VerdictsAsked {
  readonly after: VerdictPlace;
  /** Later revisions are left out, and later settlements. */
  readonly upTo: VerdictPlace;
  readonly filters: Pick<SettlementFilters, "teeId" | "payer" | "relayer">;
  readonly limit: number;
}

/** A page of verdicts, in the order in which they became what they are. */
export interface VerdictPage {
  readonly changes: readonly VerdictChange[];
  /** The last place that was looked at; null when that was all. */
  readonly end: VerdictPlace | null;
}

/**
 * Verdicts that became what they are after a place; of each settlement only its newest is known. A page ends after so many
 * verdicts, however many of them pass the filters.
 */
export async function listVerdictChanges(
  transaction: ReadTransaction,
  proofs: ProofTables,
  chainId: number,
  { after, upTo, filters, limit }: VerdictsAsked,
): Promise<VerdictPage> {
  const passes = matching([
    [sql`s.tee_id`, filters.teeId],
    [sql`s.claimed_payer`, filters.payer],
    [sql`s.relayer`, filters.relayer],
  ]);
  type Row = SettlementRow & {
    readonly revision: number;
    readonly block: number;
    readonly log: number;
    readonly passes: boolean;
  };
  const rows = await transaction.rows<Row>(sql`
    with p as materialized (
      select * from ${proofs.settled} p
      -- the index holds none of revision 0
      where p.chain_id = ${chainId} and p.revision > 0
        and (p.revision, p.block_number, p.log_index)
          > (${after.revision}::bigint, ${after.blockNumber}::bigint, ${after.logIndex}::int)
        and p.revision <= ${upTo.revision}::bigint
        and (p.block_number, p.log_index) <= (${upTo.blockNumber}::bigint, ${upTo.logIndex}::int)
      order by p.revision, p.block_number, p.log_index limit ${limit + 1}
    )
    select ${columns("bounded")}, p.revision, p.block_number as block, p.log_index as log,
      s.chain_id is not null as passes
    from p left join lateral (
      select * from og.settlement s where ${allOf([isVerdictOf, ...passes])} limit 1) s on true ${joinDetails(proofs)}
    order by p.revision, p.block_number, p.log_index`);
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  return {
    changes: shown.flatMap(({ revision, block: _, log: __, passes: isShown, ...row }) =>
      isShown ? [{ revision, settlement: toSettlement(row) }] : [],
    ),
    end: last === undefined ? null : { revision: last.revision, blockNumber: last.block, logIndex: last.log },
  };
}

/** How many settlements' verdicts became what they are after a revision, counted up to a limit. */
export async function countVerdictChanges(
  transaction: ReadTransaction,
  { settled }: ProofTables,
  after: number,
  limit: number,
): Promise<number> {
  const [row] = await transaction.rows<{ count: number }>(sql`
    select count(*) as count from (
      select from ${settled} p where p.revision > 0 and p.revision > ${after}::bigint limit ${limit}) changed`);
  return row?.count ?? 0;
}

/** A uint256 that counts or dates something; null when somebody wrote what no number holds. */
export const toSafeNumber = (value: bigint | null): number | null =>
  value !== null && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : null;

function inferenceIdOf({ kind, teeId, inputHash, outputHash, signedAt }: SettlementRow): string | null {
  if (kind !== "individual" || signedAt === null) return null;
  if (!isHex(teeId) || !isHex(inputHash) || !isHex(outputHash)) return null;
  return inferenceId({ teeId, inputHash, outputHash, timestamp: signedAt });
}

function toSettlement(row: SettlementRow): Settlement {
  const { payloadState, payloadReason, unknownLeaves: _, ...rest } = row;
  const { kind, chainId, relay, txHash, logIndex, blockNumber, settledAt, relayer, teeId, ...found } = rest;
  return {
    id: formatEventId(row),
    ...{ kind, chainId, relay, txHash, logIndex, blockNumber, settledAt, relayer, teeId },
    inferenceId: inferenceIdOf(row),
    ...found,
    signedAt: toSafeNumber(row.signedAt),
    batchSize: toSafeNumber(row.batchSize),
    detail: verdictDetail(row),
    payload: payloadState === null ? null : { state: payloadState, reason: payloadReason },
  };
}
