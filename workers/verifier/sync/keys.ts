/** Collects public keys from wherever they are published, and queues jobs for the signatures that waited for them. */
import type pg from "pg";
import { isUnpublished } from "../../../db/sqlState.ts";
import { bytesOf, type Hex } from "../../../proofs/hex.ts";
import { keccak256Hex } from "../../../proofs/keccak.ts";
import type { ShownKey } from "../check/knownKeys.ts";

const KEYS_AT_ONCE = 500;
const JOBS_AT_ONCE = 5_000;

interface KeyRow {
  readonly teeId: Hex;
  readonly publicKey: Hex;
}

/** Published by any registry, or read by the observer where the chain's history lacks it. */
const SOURCES = ["og.node", "observations.node_record"] as const;

/** @returns how many keys are new. */
export async function collectKeys(pool: pg.Pool): Promise<number> {
  let added = 0;
  for (const source of SOURCES) {
    const shown = await pool
      .query<KeyRow>(
        `select distinct tee_id as "teeId", public_key as "publicKey" from ${source} n
         where public_key is not null and not exists (select from proofs.node_key k where k.tee_id = n.tee_id)
         order by 1, 2 limit ${KEYS_AT_ONCE}`,
      )
      .catch((error: unknown) => {
        if (isUnpublished(error)) return { rows: [] };
        throw error;
      });
    // a node's id is its key's hash: anything else is not its key
    const keys = shown.rows.filter(({ teeId, publicKey }) => keccak256Hex(bytesOf(publicKey)) === teeId);
    if (keys.length === 0) continue;
    const { rowCount } = await pool.query(
      `insert into proofs.node_key (tee_id, public_key) select * from unnest($1::text[], $2::text[]) as k(tee_id, public_key)
       order by tee_id on conflict do nothing`,
      [keys.map(({ teeId }) => teeId), keys.map(({ publicKey }) => publicKey)],
    );
    added += rowCount ?? 0;
  }
  return added;
}

/**
 * Queues jobs for undecided signatures whose key is known: new ones, and those recorded before their key.
 * @returns how many.
 */
export async function queueSignatures(pool: pg.Pool): Promise<number> {
  const { rowCount } = await pool.query(
    `insert into proofs.job (kind, key, run_at)
     select 'signature', g.key, now()
     from proofs.node_key k join proofs.signature g on g.tee_id = k.tee_id and g.valid is null
     where not exists (select from proofs.job j where j.kind = 'signature' and j.key = g.key)
     order by g.key limit ${JOBS_AT_ONCE} on conflict do nothing`,
  );
  return rowCount ?? 0;
}

/** Yields all known keys, page by page. */
export async function* knownKeys(pool: pg.Pool): AsyncGenerator<ShownKey[]> {
  for (let after = ""; ; ) {
    const { rows } = await pool.query<KeyRow>(
      `select tee_id as "teeId", public_key as "publicKey" from proofs.node_key where tee_id > $1 order by tee_id limit ${KEYS_AT_ONCE}`,
      [after],
    );
    yield rows.map(({ teeId, publicKey }) => ({ teeId, publicKey: bytesOf(publicKey) }));
    const last = rows.at(-1);
    if (last === undefined || rows.length < KEYS_AT_ONCE) return;
    after = last.teeId;
  }
}
