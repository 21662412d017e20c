/** What a request costs of a client's rate limit: about what it costs the database. */

/** Liveness probes must never be refused; answering them reads nothing. */
const FREE = new Set(["/health", "/ready"]);
const PROBE_METHODS = new Set(["GET", "HEAD"]);
/** A query of GraphQL within its own limits; how much it asks for is not known before it is parsed. */
const GRAPHQL_COST = 5;
/** Items of a page for one more. */
const ITEMS_PER_TOKEN = 100;
/** A walk over all pages, however many they turn out to be. */
const WALK_COST = 100;

/** Rules of prices, for the documents. */
export const COST_RULES = `1, 1 more per ${ITEMS_PER_TOKEN} items of \`limit\`, ${WALK_COST} with \`all=true\`, ${GRAPHQL_COST} for GraphQL; events of a stream that are made for one client alone, what they read`;

/** @returns a whole number from 0. Parameters are as they came: what cannot be used costs as little as what is refused. */
export function requestCost(method: string, path: string, query: URLSearchParams): number {
  if (FREE.has(path) && PROBE_METHODS.has(method)) return 0;
  if (method === "OPTIONS") return 1;
  if (path === "/graphql") return GRAPHQL_COST;
  if (query.get("all") === "true") return WALK_COST;
  const limit = Number(query.get("limit") ?? 0);
  return 1 + (limit > 0 && limit <= 1_000 ? Math.floor(limit / ITEMS_PER_TOKEN) : 0);
}
