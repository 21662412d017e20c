/**
 * Transactions on `proofs`. Content (job, inference, signature, payload, leaf, in this order and by ascending key) is
 * written by many at once; what is derived from it (the state of batches, `settled`, `dirty`, the buckets, the revision)
 * by one at a time, who takes a lock for it late and keeps it until the end. So whoever derives sees everything that
 * anyone has marked as changed, and no two wait for each other in a circle.
 */
import type pg from "pg";

/** Any constants that no other advisory locks of the database use. */
const DERIVE_LOCK = 0x4f47_0010;
const PROOFS_CHANNEL = "proofs";

/** Runs `work` in one transaction; it is rolled back when `work` throws. */
export async function inTransaction<T>(
  pool: pg.Pool,
  work: (client: pg.ClientBase) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query("begin");
    const result = await work(client);
    await client.query("commit");
    return result;
  } catch (error) {
    // a connection that cannot even roll back is not used again
    await client.query("rollback").catch((cause: Error) => {
      broken = cause;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

/** Waits until nobody else derives; from here on only statements that wait for nobody. */
export async function lockDerived(client: pg.ClientBase): Promise<void> {
  await client.query("select pg_advisory_xact_lock($1)", [DERIVE_LOCK]);
}

/** Makes the transaction one that readers notice; needs the lock. */
export async function advanceRevision(client: pg.ClientBase): Promise<void> {
  await client.query(
    `with advanced as (
       insert into proofs.revision (id, value) values (1, 1)
       on conflict (id) do update set value = revision.value + 1 returning value)
     select pg_notify($1, value::text) from advanced`,
    [PROOFS_CHANNEL],
  );
}
