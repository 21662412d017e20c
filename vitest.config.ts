import { defineConfig } from "vitest/config";

const POSTGRES = ["**/*.postgres.test.ts"];
const CHAIN = ["**/*.chain.test.ts"];
const IGNORED = ["**/node_modules/**", "**/.data/**"];
const environment = "node";

/** The two projects with a database share one embedded Postgres; each file makes a database of its own in it. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          environment,
          include: ["**/*.test.ts"],
          exclude: [...IGNORED, ...POSTGRES, ...CHAIN],
        },
      },
      {
        test: {
          name: "postgres",
          environment,
          include: POSTGRES,
          exclude: IGNORED,
          globalSetup: "test/startPostgres.ts",
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "chain",
          environment,
          include: CHAIN,
          exclude: IGNORED,
          globalSetup: "test/startPostgres.ts",
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
