/** Blocks that carried an event of ours. */
import { type SQL, sql } from "drizzle-orm";
import type { ChainName } from "../../../config/environment.ts";
import type { ReadTransaction } from "../reading/database.ts";

export interface Block {
  readonly number: number;
  readonly hash: string;
  /** Unix seconds. */
  readonly timestamp: number;
}

/** Of one chain. */
interface OfChain {
  readonly chain: ChainName;
  readonly chainId: number;
}

const select = ({ chain, chainId }: OfChain, rest: SQL): SQL => sql`
  select number, hash, timestamp from ${sql.identifier(chain)}.block where chain_id = ${chainId} and ${rest}`;

/** Those among the numbered ones that carried an event, in order. */
export const readBlocks = async (
  transaction: ReadTransaction,
  of: OfChain,
  numbers: readonly number[],
): Promise<readonly Block[]> =>
  numbers.length === 0
    ? []
    : transaction.rows<Block>(
        select(of, sql`number = any(${sql.param([...numbers])}::bigint[]) order by number`),
      );

/** The first ones after a block and up to another, in order. */
export const readBlocksAfter = (
  transaction: ReadTransaction,
  of: OfChain,
  { after, upTo, limit }: { readonly after: number; readonly upTo: number; readonly limit: number },
): Promise<readonly Block[]> =>
  transaction.rows<Block>(
    select(of, sql`number > ${after} and number <= ${upTo} order by number limit ${limit}`),
  );

/** The newest ones up to a block, the newest first. */
export const readNewestBlocks = (
  transaction: ReadTransaction,
  of: OfChain,
  { upTo, limit }: { readonly upTo: number; readonly limit: number },
): Promise<readonly Block[]> =>
  transaction.rows<Block>(select(of, sql`number <= ${upTo} order by number desc limit ${limit}`));
