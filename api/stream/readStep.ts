/**
 * What there is to tell of a chain after a place, read in one transaction: what is void of it, verdicts that changed, then rows
 * block by block. The reader of the whole process and listeners that come back are told by the same function, so that both
 * are told the same.
 */
import type { ChainName } from "../../config/environment.ts";
import { listPayments } from "../queries/payments/payments.ts";
import type { ReadTransaction } from "../queries/reading/database.ts";
import type { Page, PageRequest } from "../queries/reading/page.ts";
import { listSettlements, listVerdictChanges } from "../queries/settlements/settlements.ts";
import { chainAsOf, momentOf } from "../queries/state/asOf.ts";
import { type Block, readBlocks, readBlocksAfter } from "../queries/state/blocks.ts";
import type { Moment } from "../queries/state/moment.ts";
import {
  type ChainIds,
  type Position,
  type PositionWatcher,
  readProgress,
} from "../queries/state/position.ts";
import { type ProofTables, readProofTables } from "../queries/state/proofTables.ts";
import type { PlacedEvent, StreamEvent } from "./events.ts";
import { paymentFilters, type StreamFilter, settlementFilters } from "./filter.ts";
import {
  type ChainPlace,
  MAX_LOG_INDEX,
  type ProofsPlace,
  placeAfter,
  type StreamPlace,
  withLine,
} from "./place.ts";
import { type Ancestry, type Lateness, settleChain, settleProofs } from "./settle.ts";
import { type Outcome, Telling } from "./telling.ts";

/** What a transaction sees, as far as it may be told of. */
export interface StreamState {
  /** Null while a chain cannot be answered from. */
  readonly chains: Readonly<Record<ChainName, Position | null>>;
  readonly proofs: ProofTables;
}

export async function readStreamState(
  transaction: ReadTransaction,
  watcher: PositionWatcher,
  chainIds: ChainIds,
): Promise<StreamState> {
  const progress = await readProgress(transaction, chainIds);
  const chains = { og: watcher.admit("og", progress.og), base: watcher.admit("base", progress.base) };
  return { chains, proofs: await readProofTables(transaction) };
}

/** Where a listener is who was told all that a transaction sees; of nodes it sees nothing. */
export function placeOf({ chains: { og, base }, proofs: { revision } }: StreamState): StreamPlace {
  const chainPlace = (position: Position | null) =>
    position === null ? null : placeAfter(blockOf(position.evidence));
  return {
    og: chainPlace(og),
    base: chainPlace(base),
    proofs: revision === null || og === null ? null : { revision, within: null },
    nodes: null,
  };
}

const blockOf = (evidence: Position["evidence"]) =>
  evidence === null ? null : { number: evidence.blockNumber, hash: evidence.blockHash };

export interface Step {
  readonly events: readonly PlacedEvent[];
  /** Where a listener is who was told of them. */
  readonly place: StreamPlace;
  readonly outcome: Outcome;
}

export interface StepOptions {
  readonly chain: ChainName;
  readonly from: StreamPlace;
  /** Nothing is told beyond this; it holds in the transaction. */
  readonly to: StreamPlace;
  readonly filter: StreamFilter;
  readonly ancestry: Ancestry;
  readonly lateness: Lateness;
  readonly size: StepSize;
}

/** Read at once: bounds a transaction, and what is kept of it until it is sent. */
export interface StepSize {
  /** Settlements, payments, or settlements whose verdict changed. */
  readonly rows: number;
  readonly blocks: number;
}

export async function readStep(
  transaction: ReadTransaction,
  state: StreamState,
  { chain, from, to, filter, ancestry, lateness, size }: StepOptions,
): Promise<Step> {
  const telling = new Telling(from);
  const position = state.chains[chain];
  const end = to[chain];
  const goesOn = () => telling.outcome === "complete";
  if (position === null || end === null) telling.outcome = "held";
  else {
    await settleChain(transaction, telling, position, end, ancestry, lateness);
    if (chain === "base") {
      if (goesOn()) await tellPayments(transaction, telling, position, end, state.chains.og, filter, size);
    } else {
      // A verdict is told before later settlements are, whose rows have theirs with them.
      if (goesOn() && to.proofs !== null)
        await tellVerdicts(transaction, telling, position, state.proofs, to.proofs, filter, lateness, size);
      if (goesOn()) await tellSettlements(transaction, telling, position, end, state.proofs, filter, size);
    }
  }
  if (goesOn()) telling.place = withLine(telling.place, chain, to);
  return telling;
}

/** A chain's state after a block; what follows from the time alone is as it is now. */
const momentAfter = ({ chainId, blockTime }: Position, { block }: ChainPlace): Moment => ({
  chainId,
  blockNumber: block,
  time: blockTime,
});

async function tellVerdicts(
  transaction: ReadTransaction,
  telling: Telling,
  og: Position,
  proofs: ProofTables,
  to: ProofsPlace,
  filter: StreamFilter,
  lateness: Lateness,
  { rows: limit }: StepSize,
): Promise<void> {
  await settleProofs(transaction, telling, og, proofs, to, lateness);
  const { og: told, proofs: from } = telling.place;
  const filters = settlementFilters(filter);
  if (told === null || from === null || telling.outcome === "held") return;
  if (filters !== null && told.block >= 0) {
    const { changes, end } = await listVerdictChanges(transaction, proofs, og.chainId, {
      after: {
        revision: from.revision,
        blockNumber: from.within?.block ?? Number.MAX_SAFE_INTEGER,
        logIndex: from.within?.logIndex ?? MAX_LOG_INDEX,
      },
      upTo: {
        revision: to.revision,
        blockNumber: told.block,
        logIndex: told.logIndex ?? MAX_LOG_INDEX,
      },
      filters,
      limit,
    });
    for (const { revision: changedAt, settlement } of changes) {
      const within = { block: settlement.blockNumber, logIndex: settlement.logIndex };
      telling.tell({
        type: "settlement",
        data: settlement,
        place: { part: "proofs", at: { revision: changedAt, within } },
      });
    }
    if (end !== null) {
      const within = { block: end.blockNumber, logIndex: end.logIndex };
      telling.move({ part: "proofs", at: { revision: end.revision, within } });
      telling.outcome = "partial";
      return;
    }
  }
  telling.move({ part: "proofs", at: to });
}

const tellSettlements = (
  transaction: ReadTransaction,
  telling: Telling,
  og: Position,
  end: ChainPlace,
  proofs: ProofTables,
  filter: StreamFilter,
  size: StepSize,
): Promise<void> => {
  const filters = settlementFilters(filter);
  return tellRows(transaction, telling, og, end, filter, size, {
    read:
      filters === null
        ? null
        : (page) => listSettlements(transaction, proofs, momentAfter(og, end), filters, page),
    toEvent: (data, at) => ({ type: "settlement", data, place: { part: "og", at } }),
  });
};

const tellPayments = (
  transaction: ReadTransaction,
  telling: Telling,
  base: Position,
  end: ChainPlace,
  og: Position | null,
  filter: StreamFilter,
  size: StepSize,
): Promise<void> => {
  const filters = paymentFilters(filter);
  const ogMoment = og === null ? null : momentOf(chainAsOf(og));
  return tellRows(transaction, telling, base, end, filter, size, {
    read:
      filters === null
        ? null
        : (page) => listPayments(transaction, momentAfter(base, end), ogMoment, filters, page),
    toEvent: (data, at) => ({ type: "payment", data, place: { part: "base", at } }),
  });
};

interface ChainRow {
  readonly blockNumber: number;
  readonly logIndex: number;
}

interface RowSource<Row extends ChainRow> {
  /** Null when the rows are not wanted. */
  readonly read: ((page: PageRequest) => Promise<Page<Row>>) | null;
  readonly toEvent: (row: Row, at: ReturnType<typeof placeAfter>) => StreamEvent;
}

/** Rows and blocks of one chain after its place and up to the end, as far as one step goes. */
async function tellRows<Row extends ChainRow>(
  transaction: ReadTransaction,
  telling: Telling,
  { chain, chainId }: Position,
  end: ChainPlace,
  filter: StreamFilter,
  size: StepSize,
  { read, toEvent }: RowSource<Row>,
): Promise<void> {
  const from = telling.place[chain];
  if (from === null || (from.block === end.block && from.logIndex === null)) return;

  const page = await read?.({
    limit: size.rows,
    after: [from.block, from.logIndex ?? MAX_LOG_INDEX],
    direction: "backward",
  });
  const rows = page === undefined ? [] : [...page.items].reverse();
  const isCut = page?.hasNextPage === true;
  const lastRow = rows.at(-1);
  const upTo = isCut && lastRow !== undefined ? lastRow.blockNumber : end.block;
  const withBlocks = filter.types.has("block");
  const of = { chain, chainId };
  const blocks = withBlocks
    ? await readBlocksAfter(transaction, of, {
        after: from.logIndex === null ? from.block : from.block - 1,
        upTo,
        limit: size.blocks + 1,
      })
    : await readBlocks(transaction, of, [...new Set(rows.map(({ blockNumber }) => blockNumber))]);
  const shown = withBlocks ? blocks.slice(0, size.blocks) : blocks;
  const isCutByBlocks = shown.length < blocks.length;

  const through = isCutByBlocks ? (shown.at(-1)?.number ?? upTo) : upTo;
  const waiting = rows.filter(({ blockNumber }) => blockNumber <= through).reverse();
  for (const block of shown) {
    for (let row = waiting.at(-1); row?.blockNumber === block.number; row = waiting.at(-1)) {
      telling.tell(toEvent(row, placeAfter(block, row.logIndex)));
      waiting.pop();
    }
    // The rest of a block whose rows fill the page comes with the next one.
    const isOver = isCutByBlocks || !isCut || block.number < through;
    if (withBlocks && isOver) telling.tell(blockEvent(of, block));
  }
  const [orphan] = waiting;
  if (orphan !== undefined)
    throw new Error(`${chain} has events in block ${orphan.blockNumber}, but no such block`);
  if (isCut || isCutByBlocks) telling.outcome = "partial";
}

const blockEvent = (
  { chain, chainId }: { readonly chain: ChainName; readonly chainId: number },
  block: Block,
): StreamEvent => ({
  type: "block",
  data: { chain, chainId, number: block.number, hash: block.hash, timestamp: block.timestamp },
  place: { part: chain, at: placeAfter(block) },
});
