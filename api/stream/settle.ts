/**
 * Whether what a listener was told still holds, and whether it can be told what follows. If not, it is told so, and where it
 * goes on.
 */
import type { ChainName } from "../../config/environment.ts";
import type { ReadTransaction } from "../queries/reading/database.ts";
import { countVerdictChanges } from "../queries/settlements/settlements.ts";
import { type Block, readBlocks, readBlocksAfter, readNewestBlocks } from "../queries/state/blocks.ts";
import type { Position } from "../queries/state/position.ts";
import type { ProofTables } from "../queries/state/proofTables.ts";
import type { BlockPoint, ResetReason } from "./events.ts";
import { type ChainPlace, type ProofsPlace, placeAfter, shortHash } from "./place.ts";
import type { Telling } from "./telling.ts";

/** Blocks that were told of before a place, the newest first, as far as this process remembers. */
export type Ancestry = (chain: ChainName, place: ChainPlace) => readonly ChainPlace[];

/** How far back a listener may have been, and what is done about one that is ahead. */
export interface Lateness {
  /** Rows may be missed for so long; null for as long as it takes. */
  readonly retentionSeconds: number | null;
  /** A place that is not indexed here yet is waited for, or taken for one that was rolled back. */
  readonly ahead: "wait" | "reset";
}

/**
 * Another process may have told of so much more than this one's database has: seconds' worth. Nothing waits for a place that
 * is further ahead, because no process has been there.
 */
const MAX_BLOCKS_AHEAD = 100;
const MAX_REVISIONS_AHEAD = 1_000;

/** Verdict changes have no time of their own: so many may be missed. */
export const MAX_VERDICTS_MISSED = 10_000;

const pointOf = (block: Block | undefined): BlockPoint | null =>
  block === undefined ? null : { blockNumber: block.number, blockTime: block.timestamp };

interface Reset {
  readonly reason: Exclude<ResetReason, "verdicts-missed">;
  /** The newest block that stays as it was told. */
  readonly valid: Block | undefined;
  /** The block after which rows follow. */
  readonly next: Block | undefined;
}

const DETAILS: Readonly<Record<ResetReason, (chain: string) => string>> = {
  reorg: (chain) =>
    `${chain} was reorganised: forget its rows after validThrough; those that replace them follow.`,
  replaced: (chain) =>
    `${chain} was indexed anew: forget everything of it and ask the lists again; what comes after continuesAfter follows.`,
  "too-old": (chain) =>
    `Too much of ${chain} was missed to be sent: ask the lists for what lies between validThrough and continuesAfter (from=, to=); what comes later follows.`,
  begun: (chain) =>
    `${chain} is told of from here on: ask the lists for what lies before; what comes after continuesAfter follows.`,
  "verdicts-missed": (chain) =>
    `Too many verdicts on ${chain} changed to be sent: ask /v1/settlements again for those that you keep; later changes follow.`,
};

function tellReset(telling: Telling, { chain, chainId }: Position, { reason, valid, next }: Reset): void {
  telling.tell({
    type: "reset",
    data: {
      chain,
      chainId,
      reason,
      validThrough: pointOf(valid),
      continuesAfter: pointOf(next),
      detail: DETAILS[reason](chain),
    },
    place: { part: chain, at: placeAfter(next ?? null) },
  });
}

/** Finds the place again among the chain's rows; who is beyond `end` waits until everyone is. */
export async function settleChain(
  transaction: ReadTransaction,
  telling: Telling,
  position: Position,
  end: ChainPlace,
  ancestry: Ancestry,
  { retentionSeconds, ahead }: Lateness,
): Promise<void> {
  const { chain, blockNumber, blockTime } = position;
  const find = async ({ block }: ChainPlace) =>
    block < 0 ? undefined : (await readBlocks(transaction, position, [block]))[0];
  const place = telling.place[chain];
  if (place === null) {
    tellReset(telling, position, { reason: "begun", valid: undefined, next: await find(end) });
    return;
  }
  const told = await find(place);
  const stands = place.block < 0 || (told !== undefined && shortHash(told.hash) === place.hash);
  if (!stands) {
    const known = ancestry(chain, place);
    // Another process may have told of it, and this one's database be behind; what this one told of is gone.
    const isAhead = place.block > blockNumber && place.block <= blockNumber + MAX_BLOCKS_AHEAD;
    if (isAhead && ahead === "wait" && known.length === 0) {
      telling.outcome = "held";
      return;
    }
    const ancestor = await findAncestor(transaction, position, place, end, known);
    tellReset(
      telling,
      position,
      ancestor === null
        ? { reason: "replaced", valid: undefined, next: await find(end) }
        : { reason: "reorg", valid: ancestor.block, next: ancestor.block },
    );
    return;
  }
  if (place.block > end.block) {
    telling.outcome = "held";
    return;
  }
  if (retentionSeconds === null) return;
  const [missed] = await readBlocksAfter(transaction, position, {
    after: place.block,
    upTo: end.block,
    limit: 1,
  });
  if (missed !== undefined && missed.timestamp < blockTime - retentionSeconds)
    tellReset(telling, position, { reason: "too-old", valid: told, next: await find(end) });
}

/** The newest block up to which rows are as they were told, and no later than `end`; null when that is not known. */
async function findAncestor(
  transaction: ReadTransaction,
  position: Position,
  place: ChainPlace,
  end: ChainPlace,
  known: readonly ChainPlace[],
): Promise<{ readonly block: Block | undefined } | null> {
  const { finalizedBlock } = position;
  const earlier = known.filter(({ block }) => block <= end.block);
  const found = await readBlocks(
    transaction,
    position,
    earlier.map(({ block }) => block),
  );
  const byNumber = new Map(found.map((block) => [block.number, block]));
  for (const { block, hash } of earlier) {
    const now = byNumber.get(block);
    if (now !== undefined && shortHash(now.hash) === hash) return { block: now };
  }
  // Blocks that are final stay what they are, whoever told of them.
  if (finalizedBlock === null || place.block <= finalizedBlock) return null;
  const upTo = Math.min(finalizedBlock, end.block);
  const [block] = await readNewestBlocks(transaction, position, { upTo, limit: 1 });
  return { block };
}

/** Finds the place again among the verifier's findings; who is beyond `end` waits until everyone is. */
export async function settleProofs(
  transaction: ReadTransaction,
  telling: Telling,
  { chain, chainId }: Position,
  proofs: ProofTables,
  end: ProofsPlace,
  { retentionSeconds, ahead }: Lateness,
): Promise<void> {
  const { proofs: place } = telling.place;
  if (place === null) {
    telling.move({ part: "proofs", at: end });
    return;
  }
  const revision = proofs.revision ?? 0;
  const isAhead = place.revision > revision;
  const mayCome = place.revision <= revision + MAX_REVISIONS_AHEAD;
  if (isAhead ? ahead === "wait" && mayCome : place.revision > end.revision) {
    telling.outcome = "held";
    return;
  }
  const isTooOld =
    retentionSeconds !== null &&
    (await countVerdictChanges(transaction, proofs, place.revision, MAX_VERDICTS_MISSED + 1)) >
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
  telling.tell({ type: "reset", data, place: { part: "proofs", at: end } });
}
