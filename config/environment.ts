/**
 * Every setting of every process, read from the environment once and checked with zod.
 * The variables are documented in `.env.example`; a test keeps the two in step.
 */
import { z } from "zod";
import { parseAddressRange } from "./addressRange.ts";
import { INDEXING_SETTINGS } from "./indexing.ts";
import { redactUrl } from "./redact.ts";
import { fail, integer, parts, readVariables, type Variables } from "./variables.ts";

/** Comma-separated addresses and ranges. */
const addressRanges = () =>
  z
    .string()
    .default("")
    .transform((text, ctx) =>
      parts(text).map(
        (part) =>
          parseAddressRange(part) ??
          fail(
            ctx,
            `"${part}" is neither an IP address nor a range like 10.0.0.0/8; separate them by commas`,
          ),
      ),
    );

const toUrl = (value: string, ctx: z.RefinementCtx, protocols: readonly string[]): string => {
  let protocol: string | undefined;
  try {
    protocol = new URL(value).protocol;
  } catch {}
  if (protocol === undefined || !protocols.includes(protocol))
    return fail(ctx, `"${redactUrl(value)}" is not a ${protocols.join(" or ")} URL; give a full URL`);
  return value;
};

const url = (protocols: readonly string[]) =>
  z.string().transform((value, ctx) => toUrl(value.trim(), ctx, protocols));

const urls = (preset: readonly string[], protocols: readonly string[]) =>
  z
    .string()
    .default(preset.join(","))
    .transform((text, ctx) => parts(text).map((part) => toUrl(part, ctx, protocols)));

/** Comma-separated; at least one. */
const integers = (preset: readonly number[], min: number, max: number) =>
  z
    .string()
    .default(preset.join(","))
    .transform((text, ctx) => {
      const values = parts(text).map(Number);
      if (
        values.length === 0 ||
        values.some((value) => !Number.isInteger(value) || value < min || value > max)
      )
        return fail(
          ctx,
          `"${text}" is not a list of whole numbers from ${min} to ${max}; separate them by commas`,
        );
      return values;
    });

const oneOf = <const T extends readonly [string, ...string[]]>(values: T, preset: T[number]) =>
  z
    .string()
    .default(preset)
    .transform((text, ctx): T[number] => {
      if (!values.includes(text)) return fail(ctx, `"${text}" is not one of ${values.join(", ")}`);
      return text;
    });

const flag = (preset: boolean) =>
  oneOf(["true", "false"], preset ? "true" : "false").transform((text) => text === "true");

const HTTP = ["http:", "https:"] as const;
const WS = ["ws:", "wss:"] as const;
const POSTGRES = ["postgres:", "postgresql:"] as const;

/** The settings that change no row of an indexer. */
const operatingSettings = {
  DATABASE_URL: url(POSTGRES).optional(),
  DATA_DIR: z.string().default(".data"),
  DATABASE_REPLICA_URLS: urls([], POSTGRES),

  OG_RPC_URL: urls(["https://ogevmdevnet.opengradient.ai"], HTTP),
  OG_WS_URL: url(WS).optional(),
  BASE_RPC_URL: urls(["https://mainnet.base.org"], HTTP),
  BASE_WS_URL: url(WS).optional(),

  WALRUS_AGGREGATOR_URLS: urls(["https://aggregator.suicore.com"], HTTP),
  WALRUS_ALLOW_PRIVATE: flag(false),
  VERIFIER_THREADS: integer(0, 0, 1024),
  VERIFIER_MAX_BLOB_BYTES: integer(16 * 1024 * 1024, 1, 2 ** 28),
  VERIFIER_MAX_LEAVES: integer(100_000, 1, 10_000_000),
  VERIFIER_FETCH_SECONDS: integer(30, 1, 3_600),
  VERIFIER_RETRY_SECONDS: integers(
    [10, 30, 60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400, 86_400],
    1,
    31_536_000,
  ),
  VERIFIER_UNAVAILABLE_RETRY_SECONDS: integer(259_200, 1, 31_536_000),
  VERIFIER_RECHECK_SECONDS: integer(600, 1, 31_536_000),
  VERIFIER_LEASE_SECONDS: integer(60, 1, 86_400),

  OBSERVER_INTERVAL_SECONDS: integer(600, 1, 86_400),

  PROBE_ALLOW_PRIVATE: flag(false),

  MAX_LAG_SECONDS: integer(120, 1, 86_400 * 365),
  API_HOST: z.string().default("127.0.0.1"),
  API_PORT: integer(4000, 0, 65_535),
  METRICS_PORT: integer(9464, 0, 65_535),
  RATE_LIMIT_PER_MINUTE: integer(600, 0, 10_000_000),
  RATE_LIMIT_BURST: integer(200, 1, 10_000_000),
  RATE_LIMIT_LOOPBACK: flag(false),
  TRUSTED_PROXY_ADDRESSES: addressRanges(),
  GRAPHQL_MAX_RESPONSE_BYTES: integer(4 * 1024 * 1024, 1_024, 2 ** 28),
  MAX_STREAMS: integer(2_000, 1, 1_000_000),
  SHUTDOWN_GRACE_SECONDS: integer(7, 1, 3_600),
  PONDER_PORT: integer(42_069, 1, 65_534),
  LOG_LEVEL: oneOf(["trace", "debug", "info", "warn", "error"], "info"),
  LOG_FORMAT: oneOf(["pretty", "json"], "pretty"),
};

const environmentSchema = z.object({
  ...INDEXING_SETTINGS.og,
  ...INDEXING_SETTINGS.base,
  ...operatingSettings,
});

/** The names of the settings that change no row of an indexer. */
export const OPERATING_SETTINGS = Object.keys(
  operatingSettings,
) as readonly (keyof typeof operatingSettings)[]; // its own keys

/** The names of all variables, for the documentation test. */
export const ENVIRONMENT_VARIABLES = Object.keys(environmentSchema.shape) as readonly (keyof Environment)[];

export type Environment = z.output<typeof environmentSchema>;

/**
 * Reads the settings of every process. Empty variables count as unset.
 * @throws {ConfigurationError} naming every unusable variable, its value and the rule it breaks.
 */
export const readEnvironment = (variables: Variables): Environment =>
  readVariables(environmentSchema, variables);

/** One of the two chains. Names the stable schema its views are published in. */
export type ChainName = "og" | "base";
export const CHAIN_NAMES = ["og", "base"] as const satisfies readonly ChainName[];

export interface ChainSettings {
  readonly name: ChainName;
  readonly chainId: number;
  /** In order of preference; more than one for failover. */
  readonly rpcUrls: readonly string[];
  readonly wsUrl: string | undefined;
  readonly startBlock: number;
}

/** The settings of one chain, gathered from its variables. */
export function chainSettings(environment: Environment, name: ChainName): ChainSettings {
  return name === "og"
    ? {
        name,
        chainId: environment.OG_CHAIN_ID,
        rpcUrls: environment.OG_RPC_URL,
        wsUrl: environment.OG_WS_URL,
        startBlock: environment.OG_START_BLOCK,
      }
    : {
        name,
        chainId: environment.BASE_CHAIN_ID,
        rpcUrls: environment.BASE_RPC_URL,
        wsUrl: environment.BASE_WS_URL,
        startBlock: environment.BASE_START_BLOCK,
      };
}
