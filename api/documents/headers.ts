/** What answers say in their headers, for OpenAPI. */
import { COST_RULES } from "../http/requestCost.ts";

const OG_BLOCK =
  "Number of the newest OpenGradient block that the answer is made from; of the newest one there is when nothing in it is OpenGradient's. Absent while OpenGradient cannot be answered from.";
const BASE_BLOCK =
  "Number of the newest Base block that the answer is made from; absent when nothing in it is Base's.";
const BLOCK_TIME = "That block's time, unix seconds.";
const LAG = "How old it was at `Date`, seconds.";

interface Header {
  readonly description: string;
  readonly type: "string" | "integer";
  readonly example: string | number;
}

const integer = (description: string, example: number): Header => ({ description, type: "integer", example });
const string = (description: string, example: string): Header => ({ description, type: "string", example });

const HEADERS: Readonly<Record<string, Header>> = {
  "OG-Block": integer(OG_BLOCK, 4_810_226),
  "OG-Block-Time": integer(BLOCK_TIME, 1_790_000_040),
  "OG-Lag-Seconds": integer(LAG, 2),
  "Base-Block": integer(BASE_BLOCK, 51_200_300),
  "Base-Block-Time": integer(BLOCK_TIME, 1_790_000_041),
  "Base-Lag-Seconds": integer(LAG, 1),
  "Proofs-Revision": integer(
    "How often the verifier's findings had changed; absent without any of them.",
    7_311,
  ),
  ETag: string(
    "Weak: equal requests on the same state have the same tag.",
    'W/"kQm3jcVQXnb6oCzLQpW4sZ2hTgs"',
  ),
  "Cache-Control": string(
    "How long the answer may be cached: until the next block is due.",
    "public, max-age=2",
  ),
  Link: string('`rel="next"`: the next page.', '</v1/nodes?after=eyJhc09mIjp7fX0>; rel="next"'),
  "X-Request-Id": string(
    "The id of the request in the log: the one sent, or a new one.",
    "6f9619ff-8b86-4d01-b42d-00c04fc964ff",
  ),
  "RateLimit-Limit": integer(
    "The units that a client can spend at once; absent when requests are not limited.",
    200,
  ),
  "RateLimit-Remaining": integer(`The units that are left. ${COST_RULES}`, 187),
  "RateLimit-Reset": integer("Seconds until all units are available again.", 2),
  "RateLimit-Policy": string("The limit, and the seconds in which it refills.", "200;w=20"),
  "Retry-After": integer("Seconds after which to try again.", 5),
  Allow: string("The methods that the path allows.", "GET, HEAD, OPTIONS"),
};

export const REQUEST_ID = "X-Request-Id";
export const RETRY_AFTER_STATUSES: readonly number[] = [429, 503];

const RATE_LIMITS = Object.keys(HEADERS).filter((name) => name.startsWith("RateLimit-"));
const FRESHNESS = Object.keys(HEADERS).filter((name) => /^(OG|Base|Proofs)-/.test(name));
const OF_EVERY = [REQUEST_ID, ...RATE_LIMITS];

/** Headers of an answer, and of the 304 that stands for it; `kept` is one that follows from the software alone. */
export const headersOf = (answers: "one" | "list" | "events" | "kept"): readonly string[] => {
  if (answers === "kept") return ["ETag", "Cache-Control", ...OF_EVERY];
  if (answers === "events") return [...FRESHNESS, "Cache-Control", ...OF_EVERY];
  return [...FRESHNESS, "ETag", "Cache-Control", ...(answers === "list" ? ["Link"] : []), ...OF_EVERY];
};

export const headerComponents = () =>
  Object.fromEntries(
    Object.entries(HEADERS).map(([name, { description, type, example }]) => [
      name,
      { description, schema: { type }, example },
    ]),
  );

export const reference = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
