/** The API's settings, from the environment. */
import type { Environment } from "../../config/environment.ts";
import { dailyOrganicCaps } from "../../src/decode/organicCaps.ts";
import { RateLimiter } from "../http/rateLimiter.ts";
import type { RateLimits } from "../http/rateLimitMiddleware.ts";
import type { ApiSettings } from "../queries/state/service.ts";
import { buildOf, versionOf } from "./build.ts";

/** @param project - the project's folder, which the version and the build are read from. */
export const settingsFrom = (environment: Environment, project: string): ApiSettings => ({
  chainIds: { og: environment.OG_CHAIN_ID, base: environment.BASE_CHAIN_ID },
  registries: environment.TEE_REGISTRY_ADDRESSES,
  commonPayees: environment.EXTRA_PAYEE_ADDRESSES,
  dailyOrganicCaps: dailyOrganicCaps(environment),
  allowPrivateEndpoints: environment.PROBE_ALLOW_PRIVATE,
  maxLagSeconds: environment.MAX_LAG_SECONDS,
  graphqlMaxResponseBytes: environment.GRAPHQL_MAX_RESPONSE_BYTES,
  version: versionOf(project),
  build: buildOf(project),
});

/** @returns undefined when rate limits are off. */
export function rateLimitsFrom(environment: Environment): RateLimits | undefined {
  const { RATE_LIMIT_PER_MINUTE: perMinute, RATE_LIMIT_BURST: burst, RATE_LIMIT_LOOPBACK } = environment;
  if (perMinute === 0) return undefined;
  const limit = { perMinute, burst };
  return { limit, limiter: new RateLimiter(limit), loopback: RATE_LIMIT_LOOPBACK ? "limited" : "unlimited" };
}
