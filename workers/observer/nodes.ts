/** Lists the registered nodes, and those whose record changed since it was last read. */
import type pg from "pg";
import { isUnpublished } from "../../db/sqlState.ts";
import type { NodeKey } from "./endpoint.ts";

export interface KnownNode extends NodeKey {
  /** The block of its newest registry event: a record read before that block is outdated. */
  readonly changedBlock: number;
}

const NODES = `
  select n.registry, n.tee_id as "teeId",
    greatest(n.registered_block, change.block_number)::float8 as "changedBlock"
  from og.node n
  left join lateral (
    select e.block_number from og.registry_event e
    where e.chain_id = n.chain_id and e.registry = n.registry and e.tee_id = n.tee_id
      and e.kind in ('registered', 'enabled', 'disabled')
    order by e.block_number desc limit 1
  ) change on true
  left join lateral (
    select o.last_confirmed_block as block from observations.node_record o
    where o.chain_id = n.chain_id and o.registry = n.registry and o.tee_id = n.tee_id
    order by o.block_number desc limit 1
  ) seen on true
  where n.chain_id = $1 and n.removed_at is null`;

const UNREAD = `${NODES}
  and (seen.block is null or seen.block < greatest(n.registered_block, change.block_number))
  order by coalesce(seen.block < n.registered_block, true) desc, "changedBlock", n.registry, n.tee_id`;

/** Empty while no deployment is published. */
async function list(pool: pg.Pool, text: string, chainId: number): Promise<readonly KnownNode[]> {
  try {
    return (await pool.query<KnownNode>(text, [chainId])).rows;
  } catch (error) {
    if (isUnpublished(error)) return [];
    throw error;
  }
}

/** Every node that was not removed. */
export const listNodes = (pool: pg.Pool, chainId: number) =>
  list(pool, `${NODES} order by n.registry, n.tee_id`, chainId);

/** Nodes never read since they registered come first, then those that changed since, by the block of the change. */
export const listUnread = (pool: pg.Pool, chainId: number) => list(pool, UNREAD, chainId);
