/**
 * Checks whether what a subscriber has received is still valid, and whether the events that follow can be delivered. Adds a
 * `reset` where they are not, which says where delivery continues.
 */
import type { ChainName } from "../../config/environment.ts";
import type { ReadTransaction } from "../queries/reading/database.ts";
import { countVerdictChanges } from "../queries/settlements/settlements.ts";
import { type Block, readBlocks, readBlocksAfter, readNewestBlocks } from "../queries/state/blocks.ts";
import type { Position } from "../queries/state/position.ts";
import type { ProofTables } from "../queries/state/proofTables.ts";
import type { EventBatchBuilder } from "./eventBatch.ts";
import type { BlockPoint, ResetReason } from "./events.ts";
import { type ChainOffset, offsetAfter, type ProofsOffset, shortHash } from "./streamPosition.ts";

/** The blocks published before this one, newest first, as far as this process remembers. */
export type AncestorLookup = (chain: ChainName, block: ChainOffset) => readonly ChainOffset[];

/** How far behind or ahead a subscriber may be. */
export interface ResumePolicy {
  /** The age up to which missed rows are replayed; null for any age. */
  readonly retentionSeconds: number | null;
  /** Whether a position that is not indexed here yet is waited for, or treated as rolled back. */
  readonly ahead: "wait" | "reset";
}

/**
 * How far another process may be ahead of this one's database: some seconds' worth. A position further ahead is never waited
 * for, because no process can have been there.
 */
const MAX_BLOCKS_AHEAD = 100;
const MAX_REVISIONS_AHEAD = 1_000;

/** How many verdict changes are replayed; they are bounded by number because they have no time of their own. */
export const MAX_VERDICTS_MISSED = 10_000;

const pointOf = (block: Block | undefined): BlockPoint | null =>
  block === undefined ? null : { blockNumber: block.number, blockTime: block.timestamp };

interface Reset {
  readonly reason: Exclude<ResetReason, "verdicts-missed">;
  /** The newest block whose delivered rows are still valid. */
  readonly valid: Block | undefined;
  /** The block after which delivery continues. */
  readonly next: Block | undefined;
}

const DETAILS: Readonly<Record<ResetReason, (chain: string) => string>> = {
  reorg: (chain) =>
    `${chain} was reorganised: discard its rows after validThrough; the rows that replace them follow.`,
  replaced: (chain) =>
    `${chain} was reindexed: discard everything you have of it and read the lists again; rows after continuesAfter follow.`,
  "too-old": (chain) =>
    `You missed too much of ${chain} to replay it: read the rows between validThrough and continuesAfter from the lists (from=, to=); later rows follow.`,
  begun: (chain) =>
    `${chain} is part of the stream from here on: read earlier rows from the lists; rows after continuesAfter follow.`,
  "verdicts-missed": (chain) =>
    `You missed too many verdict changes on ${chain} to replay them: read the settlements that you keep from /v1/settlements again; later changes follow.`,
};

function addReset(
  batch: EventBatchBuilder,
  { chain, chainId }: Position,
  { reason, valid, next }: Reset,
): void {
  batch.add({
    type: "reset",
    data: {
      chain,
      chainId,
      reason,
      validThrough: pointOf(valid),
      continuesAfter: pointOf(next),
      detail: DETAILS[reason](chain),
    },
    offset: { source: chain, at: offsetAfter(next ?? null) },
  });
}

/** Finds the batch's position among the chain's rows. Beyond `end`, the subscriber waits for live subscribers to get there. */
export async function reconcileChain(
  transaction: ReadTransaction,
  batch: EventBatchBuilder,
  head: Position,
  end: ChainOffset,
  findAncestors: AncestorLookup,
  { retentionSeconds, ahead }: ResumePolicy,
): Promise<void> {
  const { chain, blockNumber, blockTime } = head;
  const find = async ({ block }: ChainOffset) =>
    block < 0 ? undefined : (await readBlocks(transaction, head, [block]))[0];
  const offset = batch.position[chain];
  if (offset === null) {
    addReset(batch, head, { reason: "begun", valid: undefined, next: await find(end) });
    return;
  }
  const delivered = await find(offset);
  const isValid = offset.block < 0 || (delivered !== undefined && shortHash(delivered.hash) === offset.hash);
  if (!isValid) {
    const known = findAncestors(chain, offset);
    // Another process may have published it while this one's database is behind. If this process did, a reorg has replaced it.
    const isAhead = offset.block > blockNumber && offset.block <= blockNumber + MAX_BLOCKS_AHEAD;
    if (isAhead && ahead === "wait" && known.length === 0) {
      batch.outcome = "blocked";
      return;
    }
    const ancestor = await findAncestor(transaction, head, offset, end, known);
    addReset(
      batch,
      head,
      ancestor === null
        ? { reason: "replaced", valid: undefined, next: await find(end) }
        : { reason: "reorg", valid: ancestor.block, next: ancestor.block },
    );
    return;
  }
  if (offset.block > end.block) {
    batch.outcome = "blocked";
    return;
  }
  if (retentionSeconds === null) return;
  const [missed] = await readBlocksAfter(transaction, head, {
    after: offset.block,
    upTo: end.block,
    limit: 1,
  });
  if (missed !== undefined && missed.timestamp < blockTime - retentionSeconds)
    addReset(batch, head, { reason: "too-old", valid: delivered, next: await find(end) });
}

/** The newest block, up to `end`, whose delivered rows are still valid; null when that is unknown. */
async function findAncestor(
  transaction: ReadTransaction,
  head: Position,
  offset: ChainOffset,
  end: ChainOffset,
  known: readonly ChainOffset[],
): Promise<{ readonly block: Block | undefined } | null> {
  const { finalizedBlock } = head;
  const earlier = known.filter(({ block }) => block <= end.block);
  const found = await readBlocks(
    transaction,
    head,
    earlier.map(({ block }) => block),
  );
  const byNumber = new Map(found.map((block) => [block.number, block]));
  for (const { block, hash } of earlier) {
    const now = byNumber.get(block);
    if (now !== undefined && shortHash(now.hash) === hash) return { block: now };
  }
  // A final block is the same at every process.
  if (finalizedBlock === null || offset.block <= finalizedBlock) return null;
  const upTo = Math.min(finalizedBlock, end.block);
  const [block] = await readNewestBlocks(transaction, head, { upTo, limit: 1 });
  return { block };
}

/** Finds the batch's position among the verifier's revisions. Beyond `end`, the subscriber waits for live ones to get there. */
export async function reconcileVerdicts(
  transaction: ReadTransaction,
  batch: EventBatchBuilder,
  { chain, chainId }: Position,
  proofs: ProofTables,
  end: ProofsOffset,
  { retentionSeconds, ahead }: ResumePolicy,
): Promise<void> {
  const { proofs: offset } = batch.position;
  if (offset === null) {
    batch.advance({ source: "proofs", at: end });
    return;
  }
  const revision = proofs.revision ?? 0;
  const isAhead = offset.revision > revision;
  const isPlausible = offset.revision <= revision + MAX_REVISIONS_AHEAD;
  if (isAhead ? ahead === "wait" && isPlausible : offset.revision > end.revision) {
    batch.outcome = "blocked";
    return;
  }
  const isTooOld =
    retentionSeconds !== null &&
    (await countVerdictChanges(transaction, proofs, offset.revision, MAX_VERDICTS_MISSED + 1)) >
      MAX_VERDICTS_MISSED;
  if (!isAhead && !isTooOld) return;
  const reason = "verdicts-missed";
  const data = {
    chain,
    chainId,
    reason,
    validThrough: null,
    continuesAfter: null,
    detail: DETAILS[reason](chain),
  } as const;
  batch.add({ type: "reset", data, offset: { source: "proofs", at: end } });
}
