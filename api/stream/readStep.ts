/**
 * What there is to tell after a place, read in one transaction: what is void of it, verdicts that changed, then rows block by
 * block. The reader of the whole process and listeners that come back are told by the same function, so that both are told
 * the same.
 */
import { CHAIN_NAMES, type ChainName } from "../../config/environment.ts";
import { chainAsOf, momentOf } from "../queries/asOf.ts";
import { type Block, readBlocks, readBlocksAfter } from "../queries/blocks.ts";
import type { ReadTransaction } from "../queries/database.ts";
import type { Moment } from "../queries/moment.ts";
import type { Page, PageRequest } from "../queries/page.ts";
import { listPayments } from "../queries/payments.ts";
import { type ChainIds, type Position, type PositionWatcher, readProgress } from "../queries/position.ts";
import { type ProofTables, readProofTables } from "../queries/proofs.ts";
import { listSettlements, listVerdictChanges } from "../queries/settlements.ts";
import type { PlacedEvent, StreamEvent } from "./events.ts";
import { paymentFilters, type StreamFilter, settlementFilters } from "./filter.ts";
import { MOST_LOG_INDEX, placeAfter, type StreamPlace } from "./place.ts";
import { type Ancestry, type Lateness, settleChain, settleProofs } from "./settle.ts";
import { Telling } from "./telling.ts";

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

export interface Step {
  readonly events: readonly PlacedEvent[];
  /** Where a listener is who was told of them. */
  readonly place: StreamPlace;
  /** Whether this was all there is. */
  readonly complete: boolean;
  /** What cannot be told of now: its chain is not ready, or the place lies ahead of what is indexed here. */
  readonly held: ReadonlySet<ChainName | "proofs">;
}

export interface StepOptions {
  readonly filter: StreamFilter;
  readonly ancestry: Ancestry;
  readonly lateness: Lateness;
}

/** Read at once: bounds a transaction, and what is kept of it until it is sent. */
const ROWS = 500;
const BLOCKS = 200;
const VERDICTS = 500;

export async function readStep(
  transaction: ReadTransaction,
  state: StreamState,
  from: StreamPlace,
  { filter, ancestry, lateness }: StepOptions,
): Promise<Step> {
  const telling = new Telling(from);
  for (const chain of CHAIN_NAMES) {
    const position = state.chains[chain];
    if (position === null) telling.hold(chain);
    else await settleChain(transaction, telling, position, ancestry, lateness);
  }
  const { og, base } = state.chains;
  // A verdict is told before later settlements are, whose rows have theirs with them.
  if (
    og !== null &&
    !telling.held.has("og") &&
    (await tellVerdicts(transaction, telling, state, filter, lateness))
  )
    await tellSettlements(transaction, telling, og, state.proofs, filter);
  if (base !== null && !telling.held.has("base")) await tellPayments(transaction, telling, base, og, filter);
  return telling;
}

const momentOfPosition = (position: Position): Moment => momentOf(chainAsOf(position));

/** @returns whether all were told. */
async function tellVerdicts(
  transaction: ReadTransaction,
  telling: Telling,
  { chains: { og }, proofs }: StreamState,
  filter: StreamFilter,
  lateness: Lateness,
): Promise<boolean> {
  const { revision } = proofs;
  if (og === null || revision === null) return true;
  const filters = settlementFilters(filter);
  await settleProofs(transaction, telling, og, { ...proofs, revision }, lateness);
  const { og: told, proofs: from } = telling.place;
  if (told === null || from === null || telling.held.has("proofs")) return true;
  if (filters !== null && told.block >= 0) {
    const { changes, end } = await listVerdictChanges(transaction, proofs, momentOfPosition(og), {
      after: {
        revision: from.revision,
        blockNumber: from.within?.block ?? Number.MAX_SAFE_INTEGER,
        logIndex: from.within?.logIndex ?? MOST_LOG_INDEX,
      },
      upTo: { blockNumber: told.block, logIndex: told.logIndex ?? MOST_LOG_INDEX },
      filters,
      limit: VERDICTS,
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
      telling.leaveOff();
      return false;
    }
  }
  telling.move({ part: "proofs", at: { revision, within: null } });
  return true;
}

const tellSettlements = (
  transaction: ReadTransaction,
  telling: Telling,
  og: Position,
  proofs: ProofTables,
  filter: StreamFilter,
): Promise<void> => {
  const filters = settlementFilters(filter);
  return tellRows(transaction, telling, og, filter, {
    read:
      filters === null
        ? null
        : (page) => listSettlements(transaction, proofs, momentOfPosition(og), filters, page),
    toEvent: (data, at) => ({ type: "settlement", data, place: { part: "og", at } }),
  });
};

const tellPayments = (
  transaction: ReadTransaction,
  telling: Telling,
  base: Position,
  og: Position | null,
  filter: StreamFilter,
): Promise<void> => {
  const filters = paymentFilters(filter);
  const ogMoment = og === null ? null : momentOfPosition(og);
  return tellRows(transaction, telling, base, filter, {
    read:
      filters === null
        ? null
        : (page) => listPayments(transaction, momentOfPosition(base), ogMoment, filters, page),
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

/** Rows and blocks of one chain after its place, as far as one step goes. */
async function tellRows<Row extends ChainRow>(
  transaction: ReadTransaction,
  telling: Telling,
  { chain, chainId, evidence }: Position,
  filter: StreamFilter,
  { read, toEvent }: RowSource<Row>,
): Promise<void> {
  const from = telling.place[chain];
  if (from === null || evidence === null) return;
  const end = placeAfter({ number: evidence.blockNumber, hash: evidence.blockHash });
  if (from.block === end.block && from.logIndex === null) return;

  const page = await read?.({
    limit: ROWS,
    after: [from.block, from.logIndex ?? MOST_LOG_INDEX],
    direction: "backward",
  });
  const rows = page === undefined ? [] : [...page.items].reverse();
  const isCut = page?.hasNextPage === true;
  const lastRow = rows.at(-1);
  const upTo = isCut && lastRow !== undefined ? lastRow.blockNumber : evidence.blockNumber;
  const withBlocks = filter.types.has("block");
  const of = { chain, chainId };
  const blocks = withBlocks
    ? await readBlocksAfter(transaction, of, {
        after: from.logIndex === null ? from.block : from.block - 1,
        upTo,
        limit: BLOCKS + 1,
      })
    : await readBlocks(transaction, of, [...new Set(rows.map(({ blockNumber }) => blockNumber))]);
  const shown = withBlocks ? blocks.slice(0, BLOCKS) : blocks;
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
  if (isCut || isCutByBlocks) telling.leaveOff();
  else telling.move({ part: chain, at: end });
}

const blockEvent = (
  { chain, chainId }: { readonly chain: ChainName; readonly chainId: number },
  block: Block,
): StreamEvent => ({
  type: "block",
  data: { chain, chainId, number: block.number, hash: block.hash, timestamp: block.timestamp },
  place: { part: chain, at: placeAfter(block) },
});
