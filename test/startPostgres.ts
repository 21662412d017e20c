/** Vitest's global setup: one embedded Postgres for all test files, in its own directory. */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { createLog } from "../config/log.ts";
import { acquireDatabase } from "../db/postgres.ts";

declare module "vitest" {
  export interface ProvidedContext {
    postgresUrl: string;
  }
}

export default async function startPostgres(project: TestProject): Promise<() => Promise<void>> {
  const directory = mkdtempSync(path.join(os.tmpdir(), "opengradient-test-"));
  const log = createLog({ LOG_LEVEL: "warn", LOG_FORMAT: "pretty" }, "test");
  const database = await acquireDatabase({ DATABASE_URL: undefined, DATA_DIR: directory }, log);
  project.provide("postgresUrl", database.url);
  return async () => {
    await database.stop();
    rmSync(directory, { recursive: true, force: true });
  };
}
