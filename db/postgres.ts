/**
 * Provides the database: the Postgres at `DATABASE_URL`, or an embedded one in `DATA_DIR`. The first process starts the
 * embedded server and writes its port to a file, others attach, and only the starter stops it. The starter holds an advisory
 * lock in the server; when it is killed the lock is free, and the next process takes the server over.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Environment } from "../config/environment.ts";
import type { Log } from "../config/log.ts";
import {
  findServer,
  type RunningServer,
  type ServerFiles,
  serverUrl,
  startServer,
  stopServer,
} from "./postgresServer.ts";
import { withStartLock } from "./startLock.ts";

const DATABASE = "opengradient";
const MAX_WAIT_MS = 15_000;
/** Any constant that no other advisory lock of the database `postgres` uses. */
const STARTER_LOCK = 0x4f47_0001;

export interface Database {
  /** Read-write connection string. */
  readonly url: string;
  /** Whether `stop` ends the server: false when another process started it, or `DATABASE_URL` names one. */
  readonly starter: boolean;
  /** Stops the embedded Postgres if this process started it, disconnecting everyone. */
  readonly stop: () => Promise<void>;
}

interface Note {
  readonly port: number;
  readonly pid: number;
}

/**
 * Makes sure that a Postgres is running, and returns how to connect to it.
 * @throws {EmbeddedPostgresError} when the embedded one cannot be started.
 * @throws {UnprivilegedUserError} when this process is root and no other user can run it.
 */
export async function acquireDatabase(
  environment: Pick<Environment, "DATABASE_URL" | "DATA_DIR">,
  log: Log,
): Promise<Database> {
  if (environment.DATABASE_URL !== undefined)
    return { url: environment.DATABASE_URL, starter: false, stop: async () => {} };

  const directory = path.resolve(environment.DATA_DIR);
  mkdirSync(directory, { recursive: true });
  const files: ServerFiles = {
    data: path.join(directory, "postgres"),
    password: path.join(directory, "postgres.password"),
    log: path.join(directory, "postgres.log"),
  };
  const noteFile = path.join(directory, "postgres.json");
  const lockFile = path.join(directory, "postgres.starting");

  let stopping = false;

  const attachOrStart = (): Promise<{ server: RunningServer; keeper: pg.Client; starter: boolean }> =>
    withStartLock(lockFile, async () => {
      const running = await findServer(files);
      const server = running ?? (await startServer(files, readNote(noteFile)?.port));
      writeFileSync(noteFile, `${JSON.stringify({ port: server.port, pid: server.pid } satisfies Note)}\n`);
      const { keeper, starter } = await keep(files, server);
      log.info(
        running === undefined
          ? `Postgres started on port ${server.port}, data in ${files.data}`
          : `Postgres is already running on port ${server.port}, ${starter ? "left behind by a killed process; taking it over" : "attached"}`,
      );
      return { server, keeper, starter };
    });

  let current = await attachOrStart();
  const { port } = current.server;

  const watch = () =>
    current.keeper.once("end", () => {
      if (stopping || !current.starter) return;
      log.warn("Postgres has ended; restarting it");
      restarting = startAgain();
    });
  const startAgain = async (): Promise<void> => {
    for (let waitMs = 1_000; !stopping; waitMs = Math.min(2 * waitMs, MAX_WAIT_MS))
      try {
        const next = await attachOrStart();
        current = next;
        if (next.server.port !== port)
          log.error(
            `another program has taken port ${port}; Postgres now uses port ${next.server.port}, restart this process to connect to it`,
          );
        watch();
        return;
      } catch (error) {
        log.error(`${error instanceof Error ? error.message : error}; retrying in ${waitMs / 1000} s`);
        await sleep(waitMs);
      }
  };
  let restarting: Promise<void> | undefined;
  watch();

  return {
    url: serverUrl(files, port, DATABASE),
    starter: current.starter,
    stop: async () => {
      stopping = true;
      await restarting;
      await current.keeper.end().catch(() => {});
      if (!current.starter) return;
      await stopServer(current.server);
      log.info("Postgres stopped");
    },
  };
}

function readNote(file: string): Note | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Note; // only this module writes it
  } catch {
    return undefined; // first start, or a half-written file: any port will do
  }
}

/** Keeps a connection open for as long as this process uses the server, and takes the starter's lock if it is free. */
async function keep(
  files: ServerFiles,
  server: RunningServer,
): Promise<{ keeper: pg.Client; starter: boolean }> {
  const keeper = new pg.Client({
    connectionString: serverUrl(files, server.port, "postgres"),
    keepAlive: true,
  });
  keeper.on("error", () => {}); // "end" follows and is handled
  await keeper.connect();
  const { rows } = await keeper.query<{ starter: boolean; exists: boolean }>(
    "select pg_try_advisory_lock($1) as starter, exists (select from pg_database where datname = $2) as exists",
    [STARTER_LOCK, DATABASE],
  );
  if (rows[0]?.exists !== true) await keeper.query(`create database ${DATABASE}`);
  return { keeper, starter: rows[0]?.starter === true };
}
