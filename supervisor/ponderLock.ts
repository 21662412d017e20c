/**
 * Ponder's lock on its schema is a row that it confirms every 10 s, and a killed Ponder's is honoured for 25 s. When
 * nothing is connected under that schema's name any more, waiting for it is pointless.
 */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

/** A living Ponder has confirmed its lock in this time, or has connections open. */
const CONFIRMED_WITHIN_MS = 12_000;
/** An orphan ends within this time (exitWithParent.mjs); anyone else is not ours to wait for. */
const ORPHAN_ENDS_WITHIN_MS = 16_000;
const LOOK_EVERY_MS = 250;

interface Holder {
  readonly locked: boolean;
  readonly connections: number;
  readonly confirmedMsAgo: number;
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
      confirmedMsAgo: Date.now() - Number(row.beat),
    }
  );
}

/**
 * Frees `schema` from a Ponder that is gone. Leaves the lock alone, for Ponder itself to wait for, when its holder
 * still lives after a while.
 * @param ownEnded - whether the holder was a child of this process that has ended.
 * @param onWait - told once if there is something to wait for.
 * @throws the signal's reason.
 */
export async function releaseStaleLock(
  client: pg.ClientBase,
  schema: string,
  ownEnded: boolean,
  signal: AbortSignal,
  onWait: () => void,
): Promise<void> {
  const deadline = Date.now() + ORPHAN_ENDS_WITHIN_MS;
  for (let waited = false; Date.now() < deadline; waited = true) {
    const holder = await holderOf(client, schema);
    if (holder === undefined || !holder.locked) return;
    if (holder.connections === 0 && (ownEnded || holder.confirmedMsAgo > CONFIRMED_WITHIN_MS)) {
      await client.query(
        `update ${pg.escapeIdentifier(schema)}._ponder_meta set value = jsonb_set(value, '{is_locked}', '0') where key = 'app'`,
      );
      return;
    }
    if (!waited) onWait();
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
}
