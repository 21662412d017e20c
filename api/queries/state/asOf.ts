/** What an answer belongs to, and what follows from it: headers, entity tag, refusal of stale ones. */
import { createHash } from "node:crypto";
import { CHAIN_NAMES, type ChainName } from "../../../config/environment.ts";
import { ApiError } from "../../errors.ts";
import type { Moment } from "./moment.ts";
import type { Evidence, Position } from "./position.ts";

/** One chain's part: the block an answer was made at. */
export interface ChainAsOf {
  readonly chainId: number;
  readonly blockNumber: number;
  /** Unix seconds. */
  readonly blockTime: number;
  readonly evidence: Evidence | null;
}

/** Everything an answer follows from besides the question; null for a source that it has nothing from. */
export type AsOf = Readonly<Record<ChainName, ChainAsOf | null>> & {
  /** How often the verifier's findings had changed. */
  readonly proofs: number | null;
  /** Digest of the software and the configuration (`originOf`). */
  readonly origin: string;
};

export const chainAsOf = ({ chainId, blockNumber, blockTime, evidence }: Position): ChainAsOf => ({
  chainId,
  blockNumber,
  blockTime,
  evidence,
});

export const momentOf = ({ chainId, blockNumber, blockTime }: ChainAsOf): Moment => ({
  chainId,
  blockNumber,
  time: blockTime,
});

/** What the headers of an answer say. */
export type Freshness = Pick<AsOf, ChainName | "proofs">;

const HEADER_PREFIX: Readonly<Record<ChainName, string>> = { og: "OG", base: "Base" };

/** How old a chain's newest block is. */
export const lagSeconds = ({ blockTime }: Pick<ChainAsOf, "blockTime">, nowMs: number): number =>
  Math.max(0, Math.floor(nowMs / 1_000) - blockTime);

const PROOFS_HEADER = "Proofs-Revision";

/** Every header that says how fresh an answer is. */
export const FRESHNESS_HEADERS = [
  ...CHAIN_NAMES.flatMap((chain) =>
    ["Block", "Block-Time", "Lag-Seconds"].map((name) => `${HEADER_PREFIX[chain]}-${name}`),
  ),
  PROOFS_HEADER,
];

/** Sets the freshness headers, and `Date`, which the lag is measured by. */
export function setFreshness(headers: Headers, freshness: Freshness, nowMs: number): void {
  headers.set("Date", new Date(nowMs).toUTCString());
  for (const chain of CHAIN_NAMES) {
    const part = freshness[chain];
    if (part === null) continue;
    headers.set(`${HEADER_PREFIX[chain]}-Block`, String(part.blockNumber));
    headers.set(`${HEADER_PREFIX[chain]}-Block-Time`, String(part.blockTime));
    headers.set(`${HEADER_PREFIX[chain]}-Lag-Seconds`, String(lagSeconds(part, nowMs)));
  }
  if (freshness.proofs !== null) headers.set(PROOFS_HEADER, String(freshness.proofs));
}

/** @throws {ApiError} `stale` when a chain of the answer lags by more than `maxLag` seconds. */
export function refuseStale(
  asOf: Readonly<Record<ChainName, ChainAsOf | null>>,
  maxLag: number | undefined,
  nowMs: number,
): void {
  if (maxLag === undefined) return;
  for (const chain of CHAIN_NAMES) {
    const part = asOf[chain];
    if (part === null) continue;
    const lag = lagSeconds(part, nowMs);
    if (lag > maxLag)
      throw new ApiError(
        "stale",
        `The newest block of ${chain} is ${lag} s old; maxLag allows ${maxLag} s.`,
        { chain, lagSeconds: lag, maxLag, blockNumber: part.blockNumber, blockTime: part.blockTime },
        { retryAfterSeconds: 5 },
      );
  }
}

interface TagParts {
  readonly path: string;
  readonly query: Readonly<Record<string, unknown>>;
  readonly asOf: AsOf;
  /** Of whatever else an answer depends on: observations off chain. */
  readonly revision: string;
}

/** A weak entity tag: known before the query runs. `maxLag` refuses answers but changes none. */
export function entityTag({ path, query, asOf, revision }: TagParts): string {
  const parameters = Object.entries(query)
    .filter(([name, value]) => name !== "maxLag" && value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return weakTag(JSON.stringify([path, parameters, asOf, revision]));
}

/** The entity tag of what is told apart by these bytes. */
export const weakTag = (bytes: string | Uint8Array): string =>
  `W/"${createHash("sha256").update(bytes).digest("base64url").slice(0, 27)}"`;

/**
 * Whether `If-None-Match` holds the tag, by weak comparison. `*` holds none: it asks whether the thing exists at all, which
 * is not known before the query runs.
 */
export function tagMatches(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const opaque = (text: string) => text.trim().replace(/^W\//, "");
  return ifNoneMatch.split(",").some((given) => opaque(given) === opaque(tag));
}
