/** Runs the embedded Postgres server: binaries, data directory, settings, start and stop. */
import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { freePort } from "./freePort.ts";
import { CANNOT_CONNECT_NOW, codeOf } from "./sqlState.ts";
import { isAlive } from "./startLock.ts";
import { unprivileged } from "./unprivileged.ts";

export const USER = "opengradient";
const HOST = "127.0.0.1";
/** Crash recovery replays the write-ahead log, which can take minutes. */
const READY_WITHIN_MS = 300_000;
const FAST_STOP_WITHIN_MS = 20_000;
const LOG_KEPT_BYTES = 10_000_000;

/** Thrown when the embedded Postgres cannot be created, started or reached. */
export class EmbeddedPostgresError extends Error {
  readonly code = "embedded-postgres";
  override readonly name = "EmbeddedPostgresError";
}

export interface ServerFiles {
  readonly data: string;
  readonly password: string;
  readonly log: string;
}

export interface RunningServer {
  readonly pid: number;
  readonly port: number;
}

interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** Finds the platform's binaries, a dependency of `embedded-postgres`. Its own class is not used: it stops Postgres on signals. */
async function binaries(): Promise<Binaries> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${os.arch()}`;
  let found: Binaries;
  try {
    const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
    found = (await import(require.resolve(name))) as Binaries; // what each platform's package exports
  } catch (cause) {
    throw new EmbeddedPostgresError(
      `DATABASE_URL: there is no embedded Postgres for ${platform} on ${os.arch()} (${name}); set it to a Postgres of your own`,
      { cause },
    );
  }
  // npm preserves file modes, but other ways of copying node_modules may not
  for (const file of [found.initdb, found.postgres])
    if ((statSync(file).mode & 0o111) !== 0o111) chmodSync(file, 0o755);
  return found;
}

/**
 * Server settings for backfills on a laptop: large buffers, rare checkpoints, and asynchronous commits. A crash may lose the
 * last transactions, but never reorders or splits them, and the indexers resume from there.
 */
function settings(port: number): string[] {
  const megabytes = Math.floor(os.totalmem() / 2 ** 20);
  const values: Record<string, string | number> = {
    listen_addresses: HOST,
    port,
    unix_socket_directories: "",
    max_connections: 300,
    shared_buffers: `${Math.max(128, Math.min(1024, Math.floor(megabytes / 8)))}MB`,
    effective_cache_size: `${Math.floor(megabytes / 2)}MB`,
    maintenance_work_mem: `${Math.max(64, Math.min(512, Math.floor(megabytes / 32)))}MB`,
    work_mem: "16MB",
    synchronous_commit: "off",
    max_wal_size: "4GB",
    checkpoint_timeout: "15min",
    random_page_cost: 1.1,
    jit: "off",
    // every heartbeat rewrites its node's row, so within the default minute a small table fills with dead rows
    autovacuum_naptime: "5s",
    log_min_messages: "warning",
    log_checkpoints: "off",
  };
  return Object.entries(values).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

/** Creates the data directory under another name and renames it when complete, so that a killed `initdb` leaves no half of one. */
function initialise(files: ServerFiles, programs: Binaries): void {
  const unfinished = `${files.data}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  const runAs = unprivileged(programs.initdb, unfinished);
  rmSync(files.password, { force: true });
  writeFileSync(files.password, randomBytes(24).toString("base64url"), { mode: 0o600 });
  if (runAs.ids.uid !== undefined && runAs.ids.gid !== undefined)
    chownSync(files.password, runAs.ids.uid, runAs.ids.gid);
  const { program, args } = runAs.command(programs.initdb, [
    `--pgdata=${unfinished}`,
    `--username=${USER}`,
    `--pwfile=${files.password}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--locale-provider=builtin",
    "--no-instructions",
  ]);
  const result = spawnSync(program, args, { ...runAs.ids, cwd: "/", encoding: "utf8" });
  if (result.status !== 0)
    throw new EmbeddedPostgresError(
      `initdb could not make ${files.data}: ${(result.stderr || result.error?.message || "").trim()}`,
    );
  renameSync(unfinished, files.data);
}

const tail = (file: string) => readFileSync(file, "utf8").trimEnd().split("\n").slice(-5).join("\n");

/**
 * Starts the server in its own process group, so that Ctrl-C in a terminal does not stop it before its clients.
 * @throws {EmbeddedPostgresError} when it exits or does not answer in time; the message contains the end of its log.
 */
export async function startServer(files: ServerFiles, preferredPort?: number): Promise<RunningServer> {
  const programs = await binaries();
  if (!existsSync(path.join(files.data, "PG_VERSION"))) initialise(files, programs);
  const runAs = unprivileged(programs.postgres, files.data);

  const port = await freePort(preferredPort);
  const keepLog = existsSync(files.log) && statSync(files.log).size < LOG_KEPT_BYTES;
  const log = openSync(files.log, keepLog ? "a" : "w");
  const { program, args } = runAs.command(programs.postgres, ["-D", files.data, ...settings(port)]);
  const child = spawn(program, args, {
    ...runAs.ids,
    cwd: "/",
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  child.unref();
  let ended: string | undefined;
  child.once("error", (error) => {
    ended = error.message;
  });
  child.once("exit", (code, signal) => {
    ended ??= `it ended with ${signal ?? code}:\n${tail(files.log)}`;
  });

  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline) {
    if (ended !== undefined) throw new EmbeddedPostgresError(`the embedded Postgres did not start: ${ended}`);
    if (child.pid !== undefined && (await answers(files, port)) === "ready") return { pid: child.pid, port };
    await sleep(50);
  }
  throw new EmbeddedPostgresError(
    `Postgres (pid ${child.pid}) did not answer in ${READY_WITHIN_MS / 1000} s`,
  );
}

/** A connection string for one database of the server. */
export const serverUrl = (files: ServerFiles, port: number, database: string): string =>
  `postgres://${USER}:${readFileSync(files.password, "utf8")}@${HOST}:${port}/${database}`;

type Answer = "ready" | "other" | "busy" | "silent";

async function answers(files: ServerFiles, port: number): Promise<Answer> {
  const client = new pg.Client({
    connectionString: serverUrl(files, port, "postgres"),
    connectionTimeoutMillis: 5_000,
  });
  client.on("error", () => {}); // reported by the calls below
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>("show data_directory");
    return rows[0]?.data_directory === files.data ? "ready" : "other";
  } catch (error) {
    const code = codeOf(error);
    if (code === CANNOT_CONNECT_NOW) return "busy";
    return code === "ECONNREFUSED" ? "silent" : "other";
  } finally {
    await client.end().catch(() => {});
  }
}

const isPostgres = (pid: number) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("postgres");
  } catch {
    const { stdout } = spawnSync("ps", ["-p", String(pid), "-o", "command="], { encoding: "utf8" });
    return stdout?.includes("postgres") ?? true;
  }
};

/**
 * Finds the server that runs on this data directory, whoever started it; undefined when none does. A `postmaster.pid` with
 * another program's pid (after a reboot, or in a new container) is removed, because Postgres would refuse to start.
 */
export async function findServer(files: ServerFiles): Promise<RunningServer | undefined> {
  const pidFile = path.join(files.data, "postmaster.pid");
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline) {
    if (!existsSync(pidFile)) return undefined;
    const lines = readFileSync(pidFile, "utf8").split("\n");
    const [pid, port] = [Number(lines[0]), Number(lines[3])];
    if (!isAlive(pid)) return undefined; // Postgres replaces a dead server's file itself
    if (!isPostgres(pid)) {
      rmSync(pidFile, { force: true });
      return undefined;
    }
    if (port > 0) {
      const answer = await answers(files, port);
      if (answer === "ready") return { pid, port };
      if (answer === "other")
        throw new EmbeddedPostgresError(
          `the Postgres (pid ${pid}) on ${files.data} refuses the password in ${files.password}; stop it with "kill -INT ${pid}" and start again`,
        );
    }
    await sleep(100);
  }
  throw new EmbeddedPostgresError(
    `the Postgres on ${files.data} did not answer in ${READY_WITHIN_MS / 1000} s; look at ${files.log}`,
  );
}

/** Disconnects everyone and stops the server; falls back to an immediate shutdown without a checkpoint. */
export async function stopServer({ pid }: RunningServer): Promise<void> {
  for (const signal of ["SIGINT", "SIGQUIT"] as const) {
    if (!isAlive(pid)) return;
    process.kill(pid, signal);
    const deadline = Date.now() + FAST_STOP_WITHIN_MS;
    while (Date.now() < deadline) {
      if (!isAlive(pid)) return;
      await sleep(50);
    }
  }
  throw new EmbeddedPostgresError(`Postgres (pid ${pid}) does not stop; look at its log in DATA_DIR`);
}
