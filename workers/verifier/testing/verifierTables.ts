/** Dumps the verifier's tables to compare runs, and tells when a run is finished. For tests only. */
import pg from "pg";

/** These depend on the order of work. */
const NOT_COMPARED = ["dirty", "revision"];
/** Jobs are compared without their attempts and schedule. */
const COMPARED =
  "case when $1 = 'job' then jsonb_build_object('kind', r -> 'kind', 'key', r -> 'key') else r end";

/**
 * Dumps what two runs over the same chain and blobs must agree on: every row of every table as a line of JSON, sorted,
 * without the time it was recorded.
 */
export async function dumpProofs(pool: pg.Pool): Promise<Record<string, string[]>> {
  const { rows: found } = await pool.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'proofs' and table_name <> all($1) order by 1`,
    [NOT_COMPARED],
  );
  const tables: Record<string, string[]> = {};
  for (const { name } of found) {
    const { rows } = await pool.query<{ line: string }>(
      `select (${COMPARED})::text as line
       from (select to_jsonb(t) - 'checked_at' - 'revision' as r from proofs.${name} t) rows order by 1`,
      [name],
    );
    tables[name] = rows.map(({ line }) => line);
  }
  return tables;
}

export interface Unfinished {
  /** Jobs due within the hour. */
  readonly due: number;
  readonly dirty: number;
  /** Settlements and registrations on chain without a row, and rows without one on chain. */
  readonly unmatched: number;
  /** Published keys that were not collected, and signatures that could be checked. */
  readonly undecided: number;
}

/** Counts the work left before the tables stop changing. */
export async function unfinished(pool: pg.Pool, registry: string): Promise<Unfinished> {
  const { rows } = await pool.query<Unfinished>(
    `
    select (select count(*) from proofs.job where run_at < now() + interval '1 hour')::int as due,
      (select count(*) from proofs.dirty)::int as dirty,
      (select count(*) from (
        select s.chain_id, block_number, log_index, hash from og.settlement s
          join og.block b on b.chain_id = s.chain_id and b.number = block_number where kind <> 'legacy') s
        full join proofs.settled p using (chain_id, block_number, log_index)
        where p.block_hash is distinct from s.hash)::int
      + (select count(*) from (
        select chain_id, tee_id, min((block_number::text || '.' || log_index)::numeric) as place from og.registry_event
        where kind = 'registered' and registry = $1 group by 1, 2) e
        full join proofs.registration r using (chain_id, tee_id)
        where e.place is distinct from (r.block_number::text || '.' || r.log_index)::numeric)::int as unmatched,
      (select count(*) from proofs.node_key k join proofs.signature g on g.tee_id = k.tee_id and g.valid is null)::int
      + (select count(*) from (
        select tee_id from og.node where public_key is not null
        union select tee_id from observations.node_record) shown
        where tee_id not in (select tee_id from proofs.node_key))::int as undecided`,
    [registry],
  );
  if (rows[0] === undefined) throw new Error("the query returned no row");
  return rows[0];
}

export const isFinished = (left: Unfinished): boolean => Object.values(left).every((count) => count === 0);

/** A separate pool, for tests that run the verifier in another process. */
export const connectTo = (url: string): pg.Pool => new pg.Pool({ connectionString: url, max: 2 });
