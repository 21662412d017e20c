/**
 * Transactions on `proofs`. Content tables (job, inference, signature, payload, leaf: in this order, by ascending key) have
 * concurrent writers. Derived tables (batch states, `settled`, `dirty`, buckets, revision) have one writer at a time, which
 * takes a lock late in its transaction and keeps it to the end. So the writer sees everything that others have marked dirty,
 * and transactions cannot deadlock.
 */
import type pg from "pg";
import { PROOFS_CHANNEL } from "../../../db/channels.ts";

/** Any constants that no other advisory locks of the database use. */
const DERIVE_LOCK = 0x4f47_0010;

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

/** Takes the lock on derived tables. Statements after this must not wait for any other lock. */
export async function lockDerived(client: pg.ClientBase): Promise<void> {
  await client.query("select pg_advisory_xact_lock($1)", [DERIVE_LOCK]);
}

/** Advances the revision and notifies readers on commit. Requires the lock. */
export async function advanceRevision(client: pg.ClientBase): Promise<void> {
  await client.query(
    `with advanced as (
       insert into proofs.revision (id, value) values (1, 1)
       on conflict (id) do update set value = revision.value + 1 returning value)
     select pg_notify($1, value::text) from advanced`,
    [PROOFS_CHANNEL],
  );
}
