import { createRequire } from "node:module";
import { defineConfig } from "vitest/config";

const POSTGRES = ["**/*.postgres.test.ts"];
const CHAIN = ["**/*.chain.test.ts"];
const BROWSER = ["**/*.browser.test.ts"];
const SIMULATION = ["**/*.simulation.test.ts"];
const IGNORED = ["**/node_modules/**", "**/.data/**"];
const environment = "node";
/** Node gives the libraries graphql's CommonJS build; Vite would give us the other one, whose types are strangers to it. */
const resolve = {
  alias: [{ find: /^graphql$/, replacement: createRequire(import.meta.url).resolve("graphql") }],
};

/** The projects with a database share one embedded Postgres; each file makes a database of its own in it. */
export default defineConfig({
  test: {
    // Much of the time tests wait for processes of their own, also on a machine of two cores.
    maxWorkers: 3,
    projects: [
      {
        resolve,
        test: {
          name: "unit",
          environment,
          include: ["**/*.test.ts"],
          exclude: [...IGNORED, ...POSTGRES, ...CHAIN, ...BROWSER, ...SIMULATION],
          testTimeout: 30_000,
        },
      },
      {
        resolve,
        test: {
          name: "simulation",
          environment,
          include: SIMULATION,
          exclude: IGNORED,
          testTimeout: 300_000,
        },
      },
      {
        resolve,
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
        resolve,
        test: {
          name: "browser",
          environment,
          include: BROWSER,
          exclude: IGNORED,
          globalSetup: "test/startPostgres.ts",
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        resolve,
        test: {
          name: "chain",
          environment,
          include: CHAIN,
          exclude: IGNORED,
          globalSetup: "test/startPostgres.ts",
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
