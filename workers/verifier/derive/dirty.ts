/** Recomputes what was marked dirty. Any number of verifiers may do so at once. */
import type pg from "pg";
import { advanceRevision, inTransaction, lockDerived } from "../record/transaction.ts";
import { type Bucket, type BucketKind, markPlaces, sumBuckets } from "./buckets.ts";
import { deriveVerdicts, type SettlementPlace } from "./verdicts.ts";

/** Per transaction: others wait for its lock. */
const SETTLEMENTS_AT_ONCE = 100;
const BUCKETS_AT_ONCE = 50;

interface Marked {
  readonly key: string;
  readonly startAt: number;
}

async function take(client: pg.ClientBase, kind: string, limit: number): Promise<readonly Marked[]> {
  const { rows } = await client.query<Marked>(
    `delete from proofs.dirty d using (
       select kind, key, start_at from proofs.dirty where kind = $1 order by key, start_at limit $2) marked
     where (d.kind, d.key, d.start_at) = (marked.kind, marked.key, marked.start_at)
     returning d.key, d.start_at::float8 as "startAt"`,
    [kind, limit],
  );
  return rows;
}

/** `chainId-blockNumber-logIndex`, as `markSettlements…` writes it. */
const placeOf = ({ key }: Marked): SettlementPlace => {
  const [chainId, blockNumber, logIndex] = key.split("-").map(Number);
  if (chainId === undefined || blockNumber === undefined || logIndex === undefined)
    throw new Error(`proofs.dirty: "${key}" is not chainId-blockNumber-logIndex; delete the row`);
  return { chainId, blockNumber, logIndex };
};

/** Derives dirty verdicts again. @returns how many. */
export const settleDirty = (pool: pg.Pool): Promise<number> =>
  inTransaction(pool, async (client) => {
    await lockDerived(client);
    const places = (await take(client, "settlement", SETTLEMENTS_AT_ONCE)).map(placeOf);
    if (places.length === 0) return 0;
    await deriveVerdicts(client, places);
    await markPlaces(client, places);
    await advanceRevision(client);
    return places.length;
  });

/** Recomputes the buckets that are dirty now; those marked meanwhile may wait for the next call. */
export async function sumDirty(pool: pg.Pool, chainId: number, signal: AbortSignal): Promise<void> {
  // nodes first: they mark models
  for (const kind of ["relayer", "node", "model"] as const satisfies readonly BucketKind[]) {
    let left = await countMarked(pool, kind);
    while (left > 0 && !signal.aborted) {
      await inTransaction(pool, async (client) => {
        await lockDerived(client);
        const buckets: readonly Bucket[] = await take(client, kind, BUCKETS_AT_ONCE);
        await sumBuckets(client, kind, buckets, chainId);
        if (buckets.length > 0) await advanceRevision(client);
      });
      left -= BUCKETS_AT_ONCE;
    }
  }
}

async function countMarked(pool: pg.Pool, kind: BucketKind): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    "select count(*)::float8 as count from proofs.dirty where kind = $1",
    [kind],
  );
  return rows[0]?.count ?? 0;
}
