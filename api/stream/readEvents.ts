/**
 * Reads the events of a chain after a position, in one transaction: resets first, then changed verdicts, then rows block by
 * block. Live publication and catch-up both use it, so they deliver the same events.
 */
import type { ChainName } from "../../config/environment.ts";
import { listPayments } from "../queries/payments/payments.ts";
import type { ReadTransaction } from "../queries/reading/database.ts";
import type { Page, PageRequest } from "../queries/reading/page.ts";
import { listSettlements, listVerdictChanges } from "../queries/settlements/settlements.ts";
import { chainAsOf, momentOf } from "../queries/state/asOf.ts";
import { type Block, readBlocks, readBlocksAfter } from "../queries/state/blocks.ts";
import type { Moment } from "../queries/state/moment.ts";
import type { Position } from "../queries/state/position.ts";
import type { ProofTables } from "../queries/state/proofTables.ts";
import { type EventBatch, EventBatchBuilder } from "./eventBatch.ts";
import type { StreamEvent } from "./events.ts";
import { paymentFilters, type StreamFilter, settlementFilters } from "./filter.ts";
import { type AncestorLookup, type ResumePolicy, reconcileChain, reconcileVerdicts } from "./reconcile.ts";
import {
  type ChainOffset,
  MAX_LOG_INDEX,
  offsetAfter,
  type ProofsOffset,
  type StreamPosition,
  withTopic,
} from "./streamPosition.ts";
import type { StreamState } from "./streamState.ts";

export interface ReadOptions {
  readonly chain: ChainName;
  readonly from: StreamPosition;
  /** Nothing beyond it is read. It has to be valid in the transaction. */
  readonly to: StreamPosition;
  readonly filter: StreamFilter;
  readonly findAncestors: AncestorLookup;
  readonly policy: ResumePolicy;
  readonly size: BatchSize;
}

/** Bounds one transaction, and what is held in memory until it is sent. */
export interface BatchSize {
  /** Settlements, payments, or settlements whose verdict changed. */
  readonly rows: number;
  readonly blocks: number;
}

export async function readEvents(
  transaction: ReadTransaction,
  state: StreamState,
  { chain, from, to, filter, findAncestors, policy, size }: ReadOptions,
): Promise<EventBatch> {
  const batch = new EventBatchBuilder(from);
  const head = state.chains[chain];
  const end = to[chain];
  const isComplete = () => batch.outcome === "complete";
  if (head === null || end === null) batch.outcome = "blocked";
  else {
    await reconcileChain(transaction, batch, head, end, findAncestors, policy);
    if (chain === "base") {
      if (isComplete()) await addPayments(transaction, batch, head, end, state.chains.og, filter, size);
    } else {
      // Verdicts of earlier settlements come before later settlements, whose rows include theirs.
      if (isComplete() && to.proofs !== null)
        await addVerdicts(transaction, batch, head, state.proofs, to.proofs, filter, policy, size);
      if (isComplete()) await addSettlements(transaction, batch, head, end, state.proofs, filter, size);
    }
  }
  if (isComplete()) batch.position = withTopic(batch.position, chain, to);
  return batch;
}

/** A chain's state after a block. What depends on time alone is as of the newest block. */
const momentAfter = ({ chainId, blockTime }: Position, { block }: ChainOffset): Moment => ({
  chainId,
  blockNumber: block,
  time: blockTime,
});

async function addVerdicts(
  transaction: ReadTransaction,
  batch: EventBatchBuilder,
  og: Position,
  proofs: ProofTables,
  to: ProofsOffset,
  filter: StreamFilter,
  policy: ResumePolicy,
  { rows: limit }: BatchSize,
): Promise<void> {
  await reconcileVerdicts(transaction, batch, og, proofs, to, policy);
  const { og: delivered, proofs: from } = batch.position;
  const filters = settlementFilters(filter);
  if (delivered === null || from === null || batch.outcome === "blocked") return;
  if (filters !== null && delivered.block >= 0) {
    const { changes, end } = await listVerdictChanges(transaction, proofs, og.chainId, {
      after: {
        revision: from.revision,
        blockNumber: from.within?.block ?? Number.MAX_SAFE_INTEGER,
        logIndex: from.within?.logIndex ?? MAX_LOG_INDEX,
      },
      upTo: {
        revision: to.revision,
        blockNumber: delivered.block,
        logIndex: delivered.logIndex ?? MAX_LOG_INDEX,
      },
      filters,
      limit,
    });
    for (const { revision: changedAt, settlement } of changes) {
      const within = { block: settlement.blockNumber, logIndex: settlement.logIndex };
      batch.add({
        type: "settlement",
        data: settlement,
        offset: { source: "proofs", at: { revision: changedAt, within } },
      });
    }
    if (end !== null) {
      const within = { block: end.blockNumber, logIndex: end.logIndex };
      batch.advance({ source: "proofs", at: { revision: end.revision, within } });
      batch.outcome = "partial";
      return;
    }
  }
  batch.advance({ source: "proofs", at: to });
}

const addSettlements = (
  transaction: ReadTransaction,
  batch: EventBatchBuilder,
  og: Position,
  end: ChainOffset,
  proofs: ProofTables,
  filter: StreamFilter,
  size: BatchSize,
): Promise<void> => {
  const filters = settlementFilters(filter);
  return addRows(transaction, batch, og, end, filter, size, {
    read:
      filters === null
        ? null
        : (page) => listSettlements(transaction, proofs, momentAfter(og, end), filters, page),
    toEvent: (data, at) => ({ type: "settlement", data, offset: { source: "og", at } }),
  });
};

const addPayments = (
  transaction: ReadTransaction,
  batch: EventBatchBuilder,
  base: Position,
  end: ChainOffset,
  og: Position | null,
  filter: StreamFilter,
  size: BatchSize,
): Promise<void> => {
  const filters = paymentFilters(filter);
  const ogMoment = og === null ? null : momentOf(chainAsOf(og));
  return addRows(transaction, batch, base, end, filter, size, {
    read:
      filters === null
        ? null
        : (page) => listPayments(transaction, momentAfter(base, end), ogMoment, filters, page),
    toEvent: (data, at) => ({ type: "payment", data, offset: { source: "base", at } }),
  });
};

interface ChainRow {
  readonly blockNumber: number;
  readonly logIndex: number;
}

interface RowSource<Row extends ChainRow> {
  /** Null when the filter selects no such rows. */
  readonly read: ((page: PageRequest) => Promise<Page<Row>>) | null;
  readonly toEvent: (row: Row, at: ChainOffset) => StreamEvent;
}

/** Adds the rows and blocks of a chain from the batch's position up to `end`, as many as fit into one batch. */
async function addRows<Row extends ChainRow>(
  transaction: ReadTransaction,
  batch: EventBatchBuilder,
  { chain, chainId }: Position,
  end: ChainOffset,
  filter: StreamFilter,
  size: BatchSize,
  { read, toEvent }: RowSource<Row>,
): Promise<void> {
  const from = batch.position[chain];
  if (from === null || (from.block === end.block && from.logIndex === null)) return;

  const page = await read?.({
    limit: size.rows,
    after: [from.block, from.logIndex ?? MAX_LOG_INDEX],
    direction: "backward",
  });
  const rows = page === undefined ? [] : [...page.items].reverse();
  const hasMoreRows = page?.hasNextPage === true;
  const lastRow = rows.at(-1);
  const upTo = hasMoreRows && lastRow !== undefined ? lastRow.blockNumber : end.block;
  const withBlocks = filter.types.has("block");
  const of = { chain, chainId };
  const found = withBlocks
    ? await readBlocksAfter(transaction, of, {
        after: from.logIndex === null ? from.block : from.block - 1,
        upTo,
        limit: size.blocks + 1,
      })
    : await readBlocks(transaction, of, [...new Set(rows.map(({ blockNumber }) => blockNumber))]);
  const blocks = withBlocks ? found.slice(0, size.blocks) : found;
  const hasMoreBlocks = blocks.length < found.length;

  const through = hasMoreBlocks ? (blocks.at(-1)?.number ?? upTo) : upTo;
  const pending = rows.filter(({ blockNumber }) => blockNumber <= through).reverse();
  for (const block of blocks) {
    for (let row = pending.at(-1); row?.blockNumber === block.number; row = pending.at(-1)) {
      batch.add(toEvent(row, offsetAfter(block, row.logIndex)));
      pending.pop();
    }
    // If the page ends within this block, its remaining rows and the block itself come with the next batch.
    const isWhole = hasMoreBlocks || !hasMoreRows || block.number < through;
    if (withBlocks && isWhole) batch.add(blockEvent(of, block));
  }
  const [orphan] = pending;
  if (orphan !== undefined)
    throw new Error(`${chain} has events in block ${orphan.blockNumber}, but no such block`);
  if (hasMoreRows || hasMoreBlocks) batch.outcome = "partial";
}

const blockEvent = (
  { chain, chainId }: { readonly chain: ChainName; readonly chainId: number },
  block: Block,
): StreamEvent => ({
  type: "block",
  data: { chain, chainId, number: block.number, hash: block.hash, timestamp: block.timestamp },
  offset: { source: chain, at: offsetAfter(block) },
});
