/** What a request costs of a client's rate limit, roughly in proportion to its load on the database. */

/** Probes must never be refused, and answering them reads nothing. */
const FREE = new Set(["/health", "/ready"]);
const PROBE_METHODS = new Set(["GET", "HEAD"]);
/** A flat price for GraphQL, which has limits of its own; the cost of a query is unknown before it is parsed. */
const GRAPHQL_COST = 5;
/** Items of `limit` that cost one unit more. */
const ITEMS_PER_TOKEN = 100;
/** A flat price for a walk over all pages. */
const WALK_COST = 100;

/** The pricing rules, for the documentation. */
export const COST_RULES = `Each request costs 1 unit, plus 1 per ${ITEMS_PER_TOKEN} items of \`limit\`. \`all=true\` costs ${WALK_COST}, a GraphQL request ${GRAPHQL_COST}. A stream's events that are made for one client alone cost what they read.`;

/** @returns a whole number from 0. Parameters are not validated yet: an invalid `limit` costs no more than the refusal. */
export function requestCost(method: string, path: string, query: URLSearchParams): number {
  if (FREE.has(path) && PROBE_METHODS.has(method)) return 0;
  if (method === "OPTIONS") return 1;
  if (path === "/graphql") return GRAPHQL_COST;
  if (query.get("all") === "true") return WALK_COST;
  const limit = Number(query.get("limit") ?? 0);
  return 1 + (limit > 0 && limit <= 1_000 ? Math.floor(limit / ITEMS_PER_TOKEN) : 0);
}
