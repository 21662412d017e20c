/**
 * Claims jobs: one verifier leases a job for a while and extends its leases for as long as it lives. When it dies its leases
 * expire, and others take its jobs over. All times are Postgres' clock.
 */
import type pg from "pg";
import type { Hex } from "../../../proofs/hex.ts";

export const JOB_KINDS = ["batch", "signature", "payload"] as const;
export type JobKind = (typeof JOB_KINDS)[number];

interface Claimed {
  readonly key: Hex;
  /** This one included. */
  readonly attempts: number;
  readonly absences: number;
}

interface OfBlob {
  /** Null for a blob id that cannot be one. */
  readonly blobIdHex: Hex | null;
  /** How long the blob's content has been refused for the same reason; null when it was not refused. */
  readonly refusedForSeconds: number | null;
}

export interface BatchJob extends Claimed, OfBlob {
  readonly merkleRoot: Hex;
}

interface OfInference extends Claimed {
  readonly inferenceId: Hex;
  readonly teeId: Hex;
  readonly inputHash: Hex;
  readonly outputHash: Hex;
  /** A uint256 in decimal. */
  readonly timestamp: string;
}

export interface PayloadJob extends OfInference, OfBlob {}

export interface SignatureJob extends OfInference {
  /** Null when it is not 256 bytes long, and so cannot be one. */
  readonly signature: Hex | null;
}

export interface JobOf {
  readonly batch: BatchJob;
  readonly payload: PayloadJob;
  readonly signature: SignatureJob;
}

const INFERENCE = `i.id as "inferenceId", i.tee_id as "teeId", i.input_hash as "inputHash",
  i.output_hash as "outputHash", i.timestamp::text as timestamp`;
/** A blob id is 43 characters, 88 in hex with 0x; anything else is not one and is not read. */
const BLOB = `case when length(t.blob_id_hex) = 88 then t.blob_id_hex end as "blobIdHex",
  case when t.state in ('invalid', 'unmatched') then extract(epoch from now() - t.checked_at)::float8 end as "refusedForSeconds"`;

const CONTENT: Readonly<Record<JobKind, { columns: string; from: string }>> = {
  batch: { columns: `t.merkle_root as "merkleRoot", ${BLOB}`, from: "proofs.batch t using (key)" },
  payload: {
    columns: `${INFERENCE}, ${BLOB}`,
    from: "proofs.payload t using (key) join proofs.inference i on i.id = t.inference_id",
  },
  signature: {
    columns: `${INFERENCE}, case when length(t.signature) = 514 then t.signature end as signature`,
    from: "proofs.signature t using (key) join proofs.inference i on i.id = t.inference_id",
  },
};

/**
 * One kind of job, either new or tried before. The two are claimed separately, so that jobs which keep failing do not delay
 * new ones.
 */
export interface Lane<Kind extends JobKind = JobKind> {
  readonly kind: Kind;
  readonly tried: boolean;
}

export class Claims {
  readonly #leased: Readonly<Record<JobKind, Set<Hex>>> = {
    batch: new Set(),
    signature: new Set(),
    payload: new Set(),
  };

  constructor(
    private readonly pool: pg.Pool,
    /** This verifier's name; unique to its process. */
    readonly holder: string,
    private readonly leaseSeconds: number,
  ) {}

  /** Leases up to `limit` due jobs of a lane, the longest overdue first. */
  async claim<Kind extends JobKind>(lane: Lane<Kind>, limit: number): Promise<readonly JobOf[Kind][]> {
    const { columns, from } = CONTENT[lane.kind];
    const { rows } = await this.pool.query<JobOf[Kind]>(
      `with due as (
         select kind, key from proofs.job
         where kind = $1 and (attempts > 0) = $2 and run_at <= now() and (leased_until is null or leased_until <= now())
         order by run_at, key limit $3 for update skip locked),
       claimed as (
         update proofs.job j
         set leased_by = $4, leased_until = now() + make_interval(secs => $5), attempts = j.attempts + 1
         from due where j.kind = due.kind and j.key = due.key
         returning j.key, j.attempts, j.absences)
       select c.key, c.attempts, c.absences, ${columns} from claimed c join ${from}`,
      [lane.kind, lane.tried, limit, this.holder, this.leaseSeconds],
    );
    for (const { key } of rows) this.#leased[lane.kind].add(key);
    return rows;
  }

  /** Stops extending these jobs' leases: they are recorded, or others may take them over. */
  drop(kind: JobKind, keys: readonly Hex[]): void {
    for (const key of keys) this.#leased[kind].delete(key);
  }

  /** Extends the leases of all jobs in progress. */
  async extend(): Promise<void> {
    for (const kind of JOB_KINDS)
      await this.pool.query(
        `update proofs.job j set leased_until = now() + make_interval(secs => $4)
         from (select key from proofs.job where kind = $1 and key = any($2) and leased_by = $3 for update skip locked) held
         where j.kind = $1 and j.key = held.key`,
        [kind, [...this.#leased[kind]], this.holder, this.leaseSeconds],
      );
  }

  /** Counts jobs that are due now, and jobs that are due later. */
  async backlog(): Promise<{ readonly due: number; readonly later: number }> {
    const { rows } = await this.pool.query<{ due: number; later: number }>(
      `select count(*) filter (where run_at <= now())::float8 as due, count(*) filter (where run_at > now())::float8 as later
       from proofs.job`,
    );
    return rows[0] ?? { due: 0, later: 0 };
  }

  /** Releases all leases as if the jobs had never been claimed. */
  async release(): Promise<void> {
    await this.pool.query(
      `update proofs.job set leased_by = null, leased_until = null, attempts = greatest(attempts - 1, 0) where leased_by = $1`,
      [this.holder],
    );
  }
}

/**
 * Locks those of the jobs that this verifier still holds until the transaction ends, so that nobody takes them over before
 * their outcome is recorded.
 * @returns their keys.
 */
export async function holdJobs(
  client: pg.ClientBase,
  holder: string,
  kind: JobKind,
  keys: readonly Hex[],
): Promise<ReadonlySet<Hex>> {
  const { rows } = await client.query<{ key: Hex }>(
    `select key from proofs.job where kind = $1 and key = any($2) and leased_by = $3 order by key for update`,
    [kind, keys, holder],
  );
  return new Set(rows.map(({ key }) => key));
}

/** Deletes finished jobs. */
export async function finishJobs(client: pg.ClientBase, kind: JobKind, keys: readonly Hex[]): Promise<void> {
  if (keys.length === 0) return;
  await client.query("delete from proofs.job where kind = $1 and key = any($2)", [kind, keys]);
}

export interface Postponement {
  readonly key: Hex;
  readonly delaySeconds: number;
  readonly absences: number;
  readonly error: string;
}

/** Releases jobs, to be retried later. */
export async function postponeJobs(
  client: pg.ClientBase | pg.Pool,
  kind: JobKind,
  jobs: readonly Postponement[],
): Promise<void> {
  if (jobs.length === 0) return;
  await client.query(
    `update proofs.job j set leased_by = null, leased_until = null, run_at = now() + make_interval(secs => p.delay),
       absences = p.absences, last_error = p.error
     from unnest($2::text[], $3::float8[], $4::int[], $5::text[]) p(key, delay, absences, error)
     where j.kind = $1 and j.key = p.key`,
    [
      kind,
      jobs.map(({ key }) => key),
      jobs.map(({ delaySeconds }) => delaySeconds),
      jobs.map(({ absences }) => absences),
      jobs.map(({ error }) => error),
    ],
  );
}
