/** One cycle: list the nodes, read each one's record at one block, note what changed. */
import type { NodePgDatabase } from "drizzle-orm/node-postgres";
import type pg from "pg";
import type { ChainSettings } from "../../config/environment.ts";
import type { Log } from "../../config/log.ts";
import { connect, headOf, type NodeKey, readRecord } from "./endpoint.ts";
import { type Outcome, store } from "./observations.ts";

/** Calls under way at once: public endpoints are shared. */
const CALLS_AT_ONCE = 5;
const UNDEFINED_TABLE = "42P01";

/** What one cycle did, in nodes. */
export type Observed = Readonly<Record<Outcome | "absent", number>>;

/** Every node that is not removed; undefined while there is nothing published to list them from. */
async function listNodes(pool: pg.Pool): Promise<NodeKey[] | undefined> {
  try {
    const { rows } = await pool.query<NodeKey>(
      `select registry, tee_id as "teeId" from og.node where removed_at is null order by registry, tee_id`,
    );
    return rows;
  } catch (error) {
    if ((error as { code?: string }).code === UNDEFINED_TABLE) return undefined;
    throw error;
  }
}

/**
 * @returns undefined while no node is known.
 * @throws {NoEndpointError} when no RPC can be used.
 */
export async function observe(
  pool: pg.Pool,
  database: NodePgDatabase,
  chain: ChainSettings,
  log: Log,
  signal: AbortSignal,
): Promise<Observed | undefined> {
  const nodes = await listNodes(pool);
  if (nodes === undefined || nodes.length === 0) return undefined;
  const client = await connect(chain, "OG_RPC_URL");
  const block = await headOf(client);

  const observed = { changed: 0, confirmed: 0, older: 0, absent: 0 };
  let next = 0;
  const worker = async () => {
    for (let node = nodes[next++]; node !== undefined && !signal.aborted; node = nodes[next++]) {
      const record = await readRecord(client, node, block, log);
      const outcome = record && (await store(database, chain.chainId, node, block, record));
      observed[outcome ?? "absent"] += 1;
    }
  };
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, worker));
  log.info(
    `read ${nodes.length} node records at block ${block.number}: ${observed.changed} new or changed, ${observed.confirmed} as before`,
    observed.absent > 0 ? { absent: observed.absent } : {},
  );
  return observed;
}
