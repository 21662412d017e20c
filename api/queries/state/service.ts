/** What every answer needs, by REST or GraphQL: where to read, how fresh it is, what is configured. Passed in, so that tests choose it. */
import { createHash } from "node:crypto";
import type { Log } from "../../../config/log.ts";
import type { DailyOrganicCap } from "../../../src/decode/organicCaps.ts";
import { ApiError } from "../../errors.ts";
import type { Reader } from "../reading/database.ts";
import type { ChainIds, PositionWatcher } from "./position.ts";

export interface ApiSettings {
  readonly chainIds: ChainIds;
  /** The current registry first. */
  readonly registries: readonly string[];
  /** Payment addresses that many operators may name. */
  readonly commonPayees: readonly string[];
  /** What one payer may count for per operator and day. */
  readonly dailyOrganicCaps: readonly DailyOrganicCap[];
  /** Nodes at addresses and names of private networks may be selected. */
  readonly allowPrivateEndpoints: boolean;
  /** Bound for `/ready`. */
  readonly maxLagSeconds: number;
  readonly graphqlMaxResponseBytes: number;
  /** Of this software, for people. */
  readonly version: string;
  /** Changes with the software: other software, other bytes. */
  readonly build: string;
}

/** The end of the process, in two steps. */
export interface Lifetime {
  /** Nobody new is let in: what would go on for ever ends now. */
  readonly stopping: AbortSignal;
  /** Time is up: what was begun ends now, finished or not, and says so where it can. */
  readonly timeUp: AbortSignal;
}

export interface ApiService {
  readonly reader: Reader;
  readonly watcher: PositionWatcher;
  readonly settings: ApiSettings;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly log: Log;
  /** Absent where nothing ends before its time. */
  readonly lifetime?: Lifetime;
}

/** Digest of what, at equal positions, still makes answers differ: the software and what is configured. */
export function originOf(settings: ApiSettings): string {
  const { build, chainIds, registries, commonPayees, dailyOrganicCaps, allowPrivateEndpoints } = settings;
  const caps = dailyOrganicCaps.map(({ token, amount }) => [token, amount.toString()]);
  return createHash("sha256")
    .update(
      JSON.stringify([
        build,
        chainIds.og,
        chainIds.base,
        registries,
        commonPayees,
        caps,
        allowPrivateEndpoints,
      ]),
    )
    .digest("base64url")
    .slice(0, 16);
}

/**
 * The registries that a `registry` parameter means: the first configured one when absent; null is every one.
 * @throws {ApiError} `invalid-parameter` for one that is not indexed: nothing is known of its nodes, and an answer without
 * any would say that there are none.
 */
export function resolveRegistries(
  { registries }: ApiSettings,
  given: string | undefined,
): readonly string[] | null {
  if (given === "all") return null;
  const one = oneOf(registries, given, ", or all");
  return one === undefined ? null : [one];
}

/** What is an operator's in these registries; null means every one. */
export const operatorScope = (
  { commonPayees, dailyOrganicCaps }: ApiSettings,
  registries: readonly string[] | null,
) => ({ registries, commonPayees, dailyOrganicCaps });

/**
 * The registry that a `registry` parameter means where there can be but one: the first configured one when absent, none
 * when none is configured.
 * @throws {ApiError} `invalid-parameter` for one that is not indexed.
 */
export const resolveRegistry = (
  { registries }: ApiSettings,
  given: string | null | undefined,
): string | undefined => oneOf(registries, given ?? undefined, "");

function oneOf(registries: readonly string[], given: string | undefined, others: string): string | undefined {
  if (given === undefined) return registries[0];
  if (registries.includes(given)) return given;
  const rule = `one of the indexed registries, ${registries.join(", ")}${others}`;
  throw new ApiError("invalid-parameter", `registry: "${given}": ${rule}`, {
    parameter: "registry",
    value: given,
    rule,
  });
}
