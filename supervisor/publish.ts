/**
 * Publishes one deployment per chain: views of its tables in the stable schema `og` or `base`, switched in one
 * transaction. A reader whose transaction reads `_ponder_checkpoint` first never sees an error, a mixture of two
 * deployments, or an older block than it saw before:
 * - The reader locks that view until its transaction ends, and the switch takes an exclusive lock on it first, so no
 *   reader's transaction spans a switch.
 * - While the heads are compared, the old deployment is locked against its writer, but not against readers.
 * - A reader takes its snapshot a moment before it locks the view. Between the comparison and the lock the switch waits
 *   longer than that moment, so a reader of the new views has a snapshot in which the new deployment has caught up.
 */
import pg from "pg";
import type { ChainName } from "../config/environment.ts";
import { PUBLISHED_CHANNEL } from "../db/channels.ts";
import { codeOf, LOCK_NOT_AVAILABLE, UNDEFINED_TABLE } from "../db/sqlState.ts";

const CHECKPOINTS = "_ponder_checkpoint";
const META = "_ponder_meta";
const LOCK_TIMEOUT_MS = 300;
const SNAPSHOT_TO_LOCK_SECONDS = 0.05;

/** First half of an advisory lock's key; the second is the chain's. */
const PUBLISH_LOCK = 0x4f47_0003;
const CHAIN_LOCK: Record<ChainName, number> = { og: 1, base: 2 };
/** An indexer refreshes its lock every 10 s. */
const INDEXER_ALIVE_MS = 60_000;

export type Publication =
  /** The views were switched to it just now. */
  | "published"
  /** The views already show it. */
  | "current"
  /** Its tables do not exist yet, or it has not caught up. */
  | "not-ready"
  /** Readers or writers were busy; try again. */
  | "busy"
  /** Another deployment was started later. */
  | "outdated";

const quote = pg.escapeIdentifier;

/** Block number of a checkpoint, which has 10 digits of time, 16 of chain id, 16 of block number, and more. */
export const checkpointBlock = (checkpoint: string): number => Number(checkpoint.slice(26, 42));
/** Unix seconds of a checkpoint's block. */
export const checkpointTime = (checkpoint: string): number => Number(checkpoint.slice(0, 10));

/** Records that an indexer starts on `schema`: from now on only this deployment may be published. */
export async function recordStart(client: pg.ClientBase, chain: ChainName, schema: string): Promise<void> {
  const published = await publishedSchema(client, chain);
  await client.query(
    `with started as (
       insert into indexer.deployments (schema, chain, created_at, started_at) values ($1, $2, now(), now())
       on conflict (schema) do update
         set started_at = now(), superseded_at = null, dropped_at = null,
             created_at = case when deployments.dropped_at is null then deployments.created_at else now() end)
     update indexer.deployments set superseded_at = now()
     where chain = $2 and schema <> $1 and superseded_at is null and schema is distinct from $3`,
    [schema, chain, published ?? null],
  );
}

/** Reads which deployment the stable views show; undefined before the first publication. */
export async function publishedSchema(client: pg.ClientBase, chain: ChainName): Promise<string | undefined> {
  const { rows } = await client.query<{ schema: string }>(
    `select distinct table_schema::text as schema from information_schema.view_table_usage
     where view_schema = $1 and view_name = $2`,
    [chain, CHECKPOINTS],
  );
  return rows[0]?.schema;
}

/** Publishes `schema` if it is ready and still the newest. Safe to call repeatedly, and from several processes. */
export async function publish(client: pg.ClientBase, chain: ChainName, schema: string): Promise<Publication> {
  const current = await publishedSchema(client, chain);
  if (current === schema) return "current";
  if (await isOutdated(client, chain, schema)) return "outdated";
  // check this first: the transaction below blocks others
  if (!(await isPublishable(client, schema, current))) return "not-ready";

  await client.query("begin");
  try {
    const outcome = await switchViews(client, chain, schema);
    await client.query(outcome === "published" ? "commit" : "rollback");
    return outcome;
  } catch (error) {
    await client.query("rollback");
    if (codeOf(error) === LOCK_NOT_AVAILABLE) return "busy";
    throw error;
  }
}

async function switchViews(client: pg.ClientBase, chain: ChainName, schema: string): Promise<Publication> {
  await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
  await client.query("select pg_advisory_xact_lock($1, $2)", [PUBLISH_LOCK, CHAIN_LOCK[chain]]);
  const current = await publishedSchema(client, chain);
  if (current === schema) return "current";

  if (current !== undefined) {
    await client.query(`lock table ${quote(current)}.${CHECKPOINTS} in share mode`);
    if (!(await isPublishable(client, schema, current))) return "not-ready";
    await client.query("select pg_sleep($1)", [SNAPSHOT_TO_LOCK_SECONDS]);
  }
  await client.query(`create schema if not exists ${quote(chain)}`);
  await client.query(`drop view if exists ${quote(chain)}.${CHECKPOINTS}`); // waits for the readers that lock it
  for (const name of await relations(client, chain))
    await client.query(`drop view if exists ${quote(chain)}.${quote(name)}`);
  for (const name of await relations(client, schema))
    if (!name.startsWith("_reorg__"))
      await client.query(
        `create view ${quote(chain)}.${quote(name)} as select * from ${quote(schema)}.${quote(name)}`,
      );
  await client.query(
    `update indexer.deployments set
       published_at = case when schema = $2 then now() else published_at end,
       superseded_at = case when schema = $2 then null else now() end
     where chain = $1 and (schema = $2 or superseded_at is null)`,
    [chain, schema],
  );
  await client.query("select pg_notify($1, $2)", [PUBLISHED_CHANNEL, JSON.stringify({ chain, schema })]);
  return "published";
}

const isOutdated = async (client: pg.ClientBase, chain: ChainName, schema: string): Promise<boolean> => {
  const { rows } = await client.query<{ schema: string }>(
    "select schema from indexer.deployments where chain = $1 order by started_at desc, schema limit 1",
    [chain],
  );
  return rows[0] !== undefined && rows[0].schema !== schema;
};

/** Tables and views of a schema. */
async function relations(client: pg.ClientBase, schema: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind in ('r', 'p', 'v') and not c.relispartition order by c.relname`,
    [schema],
  );
  return rows.map((row) => row.name);
}

interface Head {
  readonly ready: boolean;
  readonly chainId: string | undefined;
  readonly block: number;
}

/** Reads a deployment's head; undefined when the schema or its tables do not exist. */
async function head(client: pg.ClientBase, schema: string): Promise<Head | undefined> {
  try {
    const { rows } = await client.query<{ ready: string | null; id: string | null; latest: string | null }>(
      `select m.value->>'is_ready' as ready, c.chain_id as id, c.latest_checkpoint as latest
       from ${quote(schema)}.${META} m left join ${quote(schema)}.${CHECKPOINTS} c on true
       where m.key = 'app' order by c.latest_checkpoint limit 1`,
    );
    const row = rows[0];
    return (
      row && {
        ready: row.ready === "1",
        chainId: row.id ?? undefined,
        block: row.latest === null ? -1 : checkpointBlock(row.latest),
      }
    );
  } catch (error) {
    if (codeOf(error) === UNDEFINED_TABLE) return undefined;
    throw error;
  }
}

/** The first deployment is published while it still backfills; a later one once it has caught up with its predecessor. */
async function isPublishable(
  client: pg.ClientBase,
  schema: string,
  current: string | undefined,
): Promise<boolean> {
  const next = await head(client, schema);
  if (next === undefined) return false;
  if (current === undefined) return true;
  if (!next.ready) return false;
  const shown = await head(client, current);
  // after a change of the chain id, the two heads cannot be compared
  return shown?.chainId === undefined || shown.chainId !== next.chainId || next.block >= shown.block;
}

/**
 * Drops the schemas of deployments that were superseded more than `graceSeconds` ago, except the published one and those
 * that an indexer still uses.
 * @returns the dropped schemas.
 */
export async function dropSuperseded(
  client: pg.ClientBase,
  chain: ChainName,
  graceSeconds: number,
): Promise<string[]> {
  const { rows } = await client.query<{ schema: string }>(
    `select schema from indexer.deployments
     where chain = $1 and dropped_at is null and superseded_at < now() - make_interval(secs => $2) order by schema`,
    [chain, graceSeconds],
  );
  const dropped: string[] = [];
  for (const { schema } of rows) {
    await client.query("begin");
    try {
      await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
      await client.query("select pg_advisory_xact_lock($1, $2)", [PUBLISH_LOCK, CHAIN_LOCK[chain]]);
      if ((await publishedSchema(client, chain)) === schema || (await isInUse(client, schema))) {
        await client.query("rollback");
        continue;
      }
      await client.query(`drop schema if exists ${quote(schema)} cascade`);
      await client.query("update indexer.deployments set dropped_at = now() where schema = $1", [schema]);
      await client.query("commit");
      dropped.push(schema);
    } catch (error) {
      await client.query("rollback");
      if (codeOf(error) !== LOCK_NOT_AVAILABLE) throw error; // busy: try again next time
    }
  }
  return dropped;
}

async function isInUse(client: pg.ClientBase, schema: string): Promise<boolean> {
  const { rows: exists } = await client.query<{ meta: string | null }>("select to_regclass($1) as meta", [
    `${quote(schema)}.${META}`,
  ]);
  if (exists[0]?.meta == null) return false;
  const { rows } = await client.query<{ locked: string; beat: string }>(
    `select value->>'is_locked' as locked, value->>'heartbeat_at' as beat from ${quote(schema)}.${META} where key = 'app'`,
  );
  return rows.some((row) => row.locked === "1" && Number(row.beat) > Date.now() - INDEXER_ALIVE_MS);
}
