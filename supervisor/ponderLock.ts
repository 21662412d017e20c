/**
 * Releases the schema lock of a Ponder that is gone. The lock is a row that Ponder refreshes every 10 s, and one left by a
 * killed Ponder is honoured for 25 s; once nothing is connected under that schema's name, waiting is pointless.
 */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

/** A running Ponder has refreshed its lock within this time, or has open connections. */
const REFRESHED_WITHIN_MS = 12_000;
/** An orphan exits within this time (exitWithParent.mjs); any other holder is left to Ponder's own wait. */
const ORPHAN_EXITS_WITHIN_MS = 16_000;
const POLL_EVERY_MS = 250;

interface Holder {
  readonly locked: boolean;
  readonly connections: number;
  readonly refreshedMsAgo: number;
}

/** Undefined while the schema does not exist. */
async function holderOf(client: pg.ClientBase, schema: string): Promise<Holder | undefined> {
  const meta = `${pg.escapeIdentifier(schema)}._ponder_meta`;
  const { rows: found } = await client.query<{ meta: string | null }>("select to_regclass($1) as meta", [
    meta,
  ]);
  if (found[0]?.meta == null) return undefined;
  const { rows } = await client.query<{ locked: string; beat: string; connections: number }>(
    `select value->>'is_locked' as locked, value->>'heartbeat_at' as beat,
       (select count(*)::int from pg_stat_activity
        where datname = current_database() and application_name like $1) as connections
     from ${meta} where key = 'app'`,
    [`${schema.replaceAll("_", "\\_")}\\_%`],
  );
  const row = rows[0];
  return (
    row && {
      locked: row.locked === "1",
      connections: row.connections,
      refreshedMsAgo: Date.now() - Number(row.beat),
    }
  );
}

/**
 * Releases the lock on `schema` if its holder is gone. If the holder is still running after a while, the lock is left for
 * Ponder itself to wait for.
 * @param ownEnded - whether the holder was a child of this process that has ended.
 * @param onWait - called once if there is something to wait for.
 * @throws the signal's reason.
 */
export async function releaseStaleLock(
  client: pg.ClientBase,
  schema: string,
  ownEnded: boolean,
  signal: AbortSignal,
  onWait: () => void,
): Promise<void> {
  const deadline = Date.now() + ORPHAN_EXITS_WITHIN_MS;
  for (let waited = false; Date.now() < deadline; waited = true) {
    const holder = await holderOf(client, schema);
    if (holder === undefined || !holder.locked) return;
    if (holder.connections === 0 && (ownEnded || holder.refreshedMsAgo > REFRESHED_WITHIN_MS)) {
      await client.query(
        `update ${pg.escapeIdentifier(schema)}._ponder_meta set value = jsonb_set(value, '{is_locked}', '0') where key = 'app'`,
      );
      return;
    }
    if (!waited) onWait();
    await sleep(POLL_EVERY_MS, undefined, { signal });
  }
}
