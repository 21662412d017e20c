/** Reads the published OpenGradient chain: one snapshot of whatever deployment the views show. */
import type pg from "pg";
import { codeOf, isUnpublished, LOCK_NOT_AVAILABLE } from "../../../db/sqlState.ts";

/** How far the published rows reach. */
export interface ChainHead {
  /**
   * False while Ponder backfills or recovers after a crash: rows may be missing that existed before, so a missing row
   * proves nothing.
   */
  readonly ready: boolean;
  /** The newest fully indexed block. */
  readonly blockNumber: number;
}

const CHECKPOINT = /^\d{26}(\d{16})\d{33}$/;

/**
 * Reads in one repeatable-read transaction, the checkpoint first: publication locks that view first, too.
 * @returns undefined while nothing is published.
 */
export async function readChain<T>(
  pool: pg.Pool,
  chainId: number,
  read: (client: pg.ClientBase, head: ChainHead) => Promise<T>,
): Promise<T | undefined> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query("begin isolation level repeatable read read only");
    const { rows } = await client.query<{ latest: string; ready: boolean }>(
      `select c.latest_checkpoint as latest, coalesce(m.value ->> 'is_ready' = '1', false) as ready
       from og._ponder_checkpoint c left join og._ponder_meta m on m.key = 'app' where c.chain_id = $1 limit 1`,
      [chainId],
    );
    const block = CHECKPOINT.exec(rows[0]?.latest ?? "")?.[1];
    if (rows[0] === undefined || block === undefined) return undefined;
    return await read(client, { ready: rows[0].ready, blockNumber: Number(block) });
  } catch (error) {
    const areViewsBeingSwitched = codeOf(error) === LOCK_NOT_AVAILABLE;
    if (isUnpublished(error) || areViewsBeingSwitched) return undefined;
    throw error;
  } finally {
    await client.query("rollback").catch((cause: Error) => {
      broken = cause;
    });
    client.release(broken);
  }
}
