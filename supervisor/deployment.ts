/**
 * Names the Postgres schema of a deployment: one build of one chain's indexer. The same code and settings give the same name,
 * so a restart resumes; any change gives a new name, which is indexed beside the old one until it has caught up.
 */
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import type { ChainName, Environment } from "../config/environment.ts";

const HASHED_FILES = [
  "src/**/*.ts",
  "abis/**/*.ts",
  "config/**/*.ts",
  "ponder.schema.ts",
  "ponder.config.ts",
];
const DIGEST_LENGTH = 10;

/** The settings that change what one chain's indexer writes. A test keeps every variable in one of these lists. */
export const INDEXED_SETTINGS = {
  og: [
    "OG_CHAIN_ID",
    "OG_START_BLOCK",
    "TEE_REGISTRY_ADDRESSES",
    "SETTLEMENT_RELAY_ADDRESSES",
    "TEE_BATCH_VERIFIER_ADDRESSES",
    "INFERENCE_PRECOMPILE_ADDRESS",
    "INFERENCE_HUB_ADDRESSES",
  ],
  base: [
    "BASE_CHAIN_ID",
    "BASE_START_BLOCK",
    "OPG_ADDRESS",
    "USDC_ADDRESS",
    "X402_EXACT_PROXY_ADDRESS",
    "X402_UPTO_PROXY_ADDRESS",
    "X402_BATCH_SETTLEMENT_ADDRESS",
    "EXTRA_PAYEE_ADDRESSES",
  ],
} as const satisfies Record<ChainName, readonly (keyof Environment)[]>;

/** The settings that do not. */
export const OPERATING_SETTINGS = [
  "DATABASE_URL",
  "DATA_DIR",
  "DATABASE_REPLICA_URLS",
  "OG_RPC_URL",
  "OG_WS_URL",
  "BASE_RPC_URL",
  "BASE_WS_URL",
  "WALRUS_AGGREGATOR_URLS",
  "WALRUS_ALLOW_PRIVATE",
  "VERIFIER_THREADS",
  "VERIFIER_MAX_BLOB_BYTES",
  "VERIFIER_MAX_LEAVES",
  "VERIFIER_FETCH_SECONDS",
  "VERIFIER_RETRY_SECONDS",
  "VERIFIER_UNAVAILABLE_RETRY_SECONDS",
  "VERIFIER_RECHECK_SECONDS",
  "VERIFIER_LEASE_SECONDS",
  "OBSERVER_INTERVAL_SECONDS",
  "PROBE_ALLOW_PRIVATE",
  "MAX_LAG_SECONDS",
  "API_HOST",
  "API_PORT",
  "METRICS_PORT",
  "RATE_LIMIT_PER_MINUTE",
  "RATE_LIMIT_BURST",
  "RATE_LIMIT_LOOPBACK",
  "TRUSTED_PROXY_ADDRESSES",
  "GRAPHQL_MAX_RESPONSE_BYTES",
  "MAX_STREAMS",
  "SHUTDOWN_GRACE_SECONDS",
  "PONDER_PORT",
  "LOG_LEVEL",
  "LOG_FORMAT",
] as const satisfies readonly (keyof Environment)[];

/** @param project - the directory with `src`, `abis`, the Ponder files and `node_modules`. */
export function deploymentSchema(project: string, environment: Environment, chain: ChainName): string {
  const hash = createHash("sha256");
  const add = (name: string, content: string) => hash.update(`${name}\0${content.length}\0${content}\0`);
  const files = globSync(HASHED_FILES, { cwd: project })
    .filter((file) => !file.endsWith(".test.ts"))
    .map((file) => file.split(path.sep).join("/"))
    .sort();
  for (const file of files) add(file, readFileSync(path.join(project, file), "utf8"));
  const { version } = JSON.parse(
    readFileSync(path.join(project, "node_modules", "ponder", "package.json"), "utf8"),
  ) as { version: string }; // npm requires it
  add("ponder", version);
  for (const setting of INDEXED_SETTINGS[chain]) add(setting, JSON.stringify(environment[setting]));
  return `${chain}_${hash.digest("hex").slice(0, DIGEST_LENGTH)}`;
}
