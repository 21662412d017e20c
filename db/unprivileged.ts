/**
 * Runs Postgres without root's rights, because it refuses to run as root. A root process runs it as the user `postgres` or,
 * where that user may not enter the directories (a clone below /root), in a user namespace that maps root to `nobody`.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { chownSync, lstatSync, mkdirSync, readdirSync } from "node:fs";
import path from "node:path";

const POSTGRES_USER = "postgres";

/** Thrown when a root process has no way to run Postgres without root's rights. */
export class UnprivilegedUserError extends Error {
  readonly code = "unprivileged-user";
  override readonly name = "UnprivilegedUserError";
}

/** How to start a program without root's rights. */
export interface Unprivileged {
  /** Wraps a command, if that is needed. */
  readonly command: (program: string, args: readonly string[]) => { program: string; args: string[] };
  /** For `spawn`; empty when the process keeps its own ids. */
  readonly ids: { readonly uid?: number; readonly gid?: number };
}

const asIs: Unprivileged["command"] = (program, args) => ({ program, args: [...args] });

const idOf = (kind: "-u" | "-g", user: string): number | undefined => {
  const { status, stdout } = spawnSync("id", [kind, user], { encoding: "utf8" });
  return status === 0 ? Number(stdout) : undefined;
};

function postgresUser(): { uid: number; gid: number } | undefined {
  if (idOf("-u", POSTGRES_USER) === undefined) {
    try {
      execFileSync("groupadd", ["--force", "--system", POSTGRES_USER], { stdio: "ignore" });
      execFileSync("useradd", ["--system", "-g", POSTGRES_USER, "-M", "-s", "/bin/sh", POSTGRES_USER], {
        stdio: "ignore",
      });
    } catch {
      return undefined; // no such tools, or a read-only system: a namespace may still work
    }
  }
  const uid = idOf("-u", POSTGRES_USER);
  const gid = idOf("-g", POSTGRES_USER);
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

const canReach = (ids: { uid: number; gid: number }, program: string, directory: string) =>
  spawnSync("/bin/sh", ["-c", 'test -x "$1" && cd "$2"', "sh", program, directory], {
    ...ids,
    cwd: "/",
    stdio: "ignore",
  }).status === 0;

/** Makes one user the owner of `directory` and everything in it. */
function giveTo(directory: string, uid: number, gid: number): void {
  const { uid: owner } = lstatSync(directory);
  if (owner === uid) return;
  for (const entry of readdirSync(directory, { recursive: true, encoding: "utf8" }))
    chownSync(path.join(directory, entry), uid, gid);
  chownSync(directory, uid, gid);
}

/**
 * Finds a way to run `program` on `directory` without root's rights; creates the directory and sets its owner.
 * @throws {UnprivilegedUserError} when there is none.
 */
export function unprivileged(program: string, directory: string): Unprivileged {
  mkdirSync(directory, { recursive: true });
  if (process.getuid?.() !== 0) return { command: asIs, ids: {} };

  const user = postgresUser();
  if (user !== undefined && canReach(user, program, path.dirname(directory))) {
    giveTo(directory, user.uid, user.gid);
    return { command: asIs, ids: user };
  }

  const nobody = idOf("-u", "nobody");
  const namespace = ["--user", `--map-user=${nobody}`, "--"];
  if (
    nobody !== undefined &&
    spawnSync("unshare", [...namespace, "true"], { stdio: "ignore" }).status === 0
  ) {
    giveTo(directory, 0, 0);
    return {
      command: (inner, args) => ({ program: "unshare", args: [...namespace, inner, ...args] }),
      ids: {},
    };
  }
  throw new UnprivilegedUserError(
    user === undefined
      ? `Postgres does not run as root, and the user "${POSTGRES_USER}" neither exists nor could be made; run as an ordinary user, or set DATABASE_URL`
      : `Postgres does not run as root, and the user "${POSTGRES_USER}" may not enter ${path.dirname(directory)} or run ${program}; move the project to a directory that others may enter (such as /opt), run as an ordinary user, or set DATABASE_URL`,
  );
}
