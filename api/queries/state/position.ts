/** How far each chain's index is. Read first in every transaction, so that everything after belongs to it. */
import { sql } from "drizzle-orm";
import { CHAIN_NAMES, type ChainName } from "../../../config/environment.ts";
import { ApiError } from "../../errors.ts";
import type { ReadTransaction } from "../reading/database.ts";

export type ChainIds = Readonly<Record<ChainName, number>>;

/** The newest indexed block of a chain. */
export interface Position {
  readonly chain: ChainName;
  readonly chainId: number;
  readonly blockNumber: number;
  /** Unix seconds. */
  readonly blockTime: number;
  /** Null when the block carried no event of ours. */
  readonly blockHash: string | null;
  readonly finalizedBlock: number | null;
  /** The newest block up to it that carried an event: it identifies the rows. */
  readonly evidence: Evidence | null;
}

export interface Evidence {
  readonly blockNumber: number;
  readonly blockHash: string;
}

/** A chain's position and whether its rows are complete; position null when nothing is known. */
export interface Progress {
  readonly ready: boolean;
  readonly position: Position | null;
}

const CHECKPOINT = /^(\d{10})(\d{16})(\d{16})\d{33}$/;

/** Reads time and block out of Ponder's checkpoint: time(10) chain(16) block(16) transaction(16) type(1) event(16). */
export function decodeCheckpoint(checkpoint: string): { blockTime: number; blockNumber: number } | null {
  const match = CHECKPOINT.exec(checkpoint);
  return match === null ? null : { blockTime: Number(match[1]), blockNumber: Number(match[3]) };
}

/** The newest block with an event up to `blockNumber`. */
export async function readNewestEventBlock(
  transaction: ReadTransaction,
  chain: ChainName,
  chainId: number,
  blockNumber: number,
): Promise<Evidence | null> {
  const [row] = await transaction.rows<Evidence>(sql`
    select number as "blockNumber", hash as "blockHash" from ${sql.identifier(chain)}.block
    where chain_id = ${chainId} and number <= ${blockNumber} order by number desc limit 1`);
  return row ?? null;
}

/** The stored blocks on either side of a block. */
export interface Neighbours {
  /** The newest block with an event up to it, and its time in unix seconds. */
  readonly before: (Evidence & { readonly blockTime: number }) | null;
  /** Time of the first block with an event after it; null when there is none. */
  readonly nextTime: number | null;
}

export async function readNeighbours(
  transaction: ReadTransaction,
  chain: ChainName,
  chainId: number,
  blockNumber: number,
): Promise<Neighbours> {
  const blocks = sql`${sql.identifier(chain)}.block where chain_id = ${chainId}`;
  const rows = await transaction.rows<Evidence & { readonly blockTime: number }>(sql`
    (select number as "blockNumber", hash as "blockHash", timestamp as "blockTime" from ${blocks}
      and number <= ${blockNumber} order by number desc limit 1)
    union all
    (select number, hash, timestamp from ${blocks} and number > ${blockNumber} order by number limit 1)`);
  const before = rows.find((row) => row.blockNumber <= blockNumber) ?? null;
  const next = rows.find((row) => row.blockNumber > blockNumber);
  return { before, nextTime: next?.blockTime ?? null };
}

/**
 * Reads one chain's position. The checkpoint view comes first: whoever publishes views locks it first too, so that
 * this transaction sees the tables of one deployment throughout.
 */
async function readChain(transaction: ReadTransaction, chain: ChainName, chainId: number): Promise<Progress> {
  const schema = sql.identifier(chain);
  const rows = await transaction.attempt<{ latest: string; finalized: string | null; ready: boolean }>(sql`
    select c.latest_checkpoint as latest, c.finalized_checkpoint as finalized,
      coalesce(m.value ->> 'is_ready' = '1', false) as ready
    from ${schema}._ponder_checkpoint c left join ${schema}._ponder_meta m on m.key = 'app'
    where c.chain_id = ${chainId} limit 1`);
  const row = rows?.[0];
  const latest = row === undefined ? null : decodeCheckpoint(row.latest);
  if (row === undefined || latest === null) return { ready: false, position: null };
  const evidence = await readNewestEventBlock(transaction, chain, chainId, latest.blockNumber);
  const finalized = row.finalized === null ? null : decodeCheckpoint(row.finalized);
  const position = {
    chain,
    chainId,
    ...latest,
    blockHash: evidence?.blockNumber === latest.blockNumber ? evidence.blockHash : null,
    finalizedBlock: finalized?.blockNumber ?? null,
    evidence,
  };
  return { ready: row.ready, position };
}

export type ChainProgress = Readonly<Record<ChainName, Progress>>;

const UNREAD: Progress = { ready: false, position: null };

/** The progress of some chains, in the fixed order og, base (readers and publishers lock in the same one). */
export async function readProgress(
  transaction: ReadTransaction,
  chainIds: ChainIds,
  chains: readonly ChainName[] = CHAIN_NAMES,
): Promise<ChainProgress> {
  const og = chains.includes("og") ? await readChain(transaction, "og", chainIds.og) : UNREAD;
  const base = chains.includes("base") ? await readChain(transaction, "base", chainIds.base) : UNREAD;
  return { og, base };
}

/** Blocks that a reorg may take back while a chain is ready; a longer step back is a recovery that nobody saw begin. */
const MAX_REORG_BLOCKS = 30;

/**
 * Remembers how far this process has answered. After a crash Ponder is ready again at the last finalized block, some
 * blocks before what was answered already: such a state is refused until it has caught up. A reorg while a chain is
 * ready is no recovery, and its step back is true.
 */
export class PositionWatcher {
  readonly #chains = new Map<ChainName, { answeredBlock: number; recovering: boolean }>();
  readonly #newest = new Map<ChainName, Position | null>();
  readonly #progress = new Map<ChainName, Progress>();
  #failure: unknown = null;

  /** What was seen last of a chain, admitted or not. */
  progress(chain: ChainName): Progress {
    return this.#progress.get(chain) ?? UNREAD;
  }

  /** Why nothing could be seen since; null when the last look succeeded. */
  get failure(): unknown {
    return this.#failure;
  }

  /** A look at the positions failed: what was seen before may not hold any more. */
  fail(error: unknown): void {
    this.#failure = error;
  }

  /** What was admitted last; null while nothing may be answered from the chain, or before anything was seen of it. */
  newest(chain: ChainName): Position | null {
    return this.#newest.get(chain) ?? null;
  }

  /** Tells the watcher of a position; returns it when answers may be given from it, else null. */
  admit(chain: ChainName, progress: Progress): Position | null {
    const admitted = this.#judge(chain, progress);
    this.#newest.set(chain, admitted);
    this.#progress.set(chain, progress);
    this.#failure = null;
    return admitted;
  }

  #judge(chain: ChainName, { ready, position }: Progress): Position | null {
    const seen = this.#chains.get(chain);
    if (!ready || position === null) {
      if (seen !== undefined) seen.recovering = true;
      return null;
    }
    if (seen === undefined) {
      this.#chains.set(chain, { answeredBlock: position.blockNumber, recovering: false });
      return position;
    }
    if (position.blockNumber < seen.answeredBlock - MAX_REORG_BLOCKS) seen.recovering = true;
    if (seen.recovering && position.blockNumber < seen.answeredBlock) return null;
    seen.recovering = false;
    seen.answeredBlock = position.blockNumber;
    return position;
  }
}

/** The refusal for a chain that cannot be answered from yet. */
export const indexing = (chain: ChainName, { position }: Progress): ApiError =>
  new ApiError(
    "indexing",
    position === null
      ? `${chain} has not been indexed yet.`
      : `${chain} is being indexed and has reached block ${position.blockNumber}.`,
    {
      chains: {
        [chain]: {
          ready: false,
          blockNumber: position?.blockNumber ?? null,
          blockTime: position?.blockTime ?? null,
        },
      },
    },
    { retryAfterSeconds: 5 },
  );
