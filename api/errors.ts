/** Every error of the API. A code is stable; one place maps it to HTTP. */

export interface ErrorKind {
  readonly status: 400 | 404 | 405 | 406 | 408 | 409 | 410 | 414 | 429 | 431 | 500 | 503;
  readonly title: string;
  /** What it means and what to do about it; shown in `/docs/errors`. */
  readonly help: string;
}

/** The errors, by code. */
export const ERROR_KINDS = {
  "invalid-parameter": {
    status: 400,
    title: "Invalid parameter",
    help: "`errors` lists every refused parameter with its value and the rule that it breaks. Unknown parameters are refused too.",
  },
  "invalid-cursor": {
    status: 400,
    title: "The cursor belongs to another request",
    help: "`after` must be the `endCursor` of a page with the same path, filters and sort. Start again without `after`.",
  },
  "too-many-buckets": {
    status: 400,
    title: "The series is too long",
    help: "`from` to `to` spans more buckets than one answer may have. `earliestFrom` is the earliest `from` that fits; `interval=day` reaches further back, and an earlier `to` shows an earlier part.",
  },
  "at-in-future": {
    status: 400,
    title: "The requested time is not indexed yet",
    help: "`at` is later than the newest indexed OpenGradient block. `newestBlockTime` is the latest valid value.",
  },
  "node-not-found": {
    status: 404,
    title: "No such node",
    help: "No node with this id was registered in the registry at that time. `registry=` selects another registry.",
  },
  "settlement-not-found": {
    status: 404,
    title: "No such settlement",
    help: "No settlement event has this `chainId-txHash-logIndex`.",
  },
  "inference-not-found": {
    status: 404,
    title: "No such inference",
    help: "No settlement on chain contains an inference with this id. Inferences of a batch are unknown until the batch is verified.",
  },
  "inference-not-proven": {
    status: 409,
    title: "The inference is not proven",
    help: "A settlement contains it, but none with a valid signature of a node that was registered by then, so a receipt could prove nothing. `signatureValid` null means that the node's key is in no registry.",
  },
  "relayer-not-found": {
    status: 404,
    title: "No such relayer",
    help: "This address has sent no settlement and no heartbeat.",
  },
  "payer-not-found": {
    status: 404,
    title: "No such payer",
    help: "This address has made no indexed payment and funds no channel.",
  },
  "channel-not-found": { status: 404, title: "No such channel", help: "No channel has this id." },
  "operator-not-found": {
    status: 404,
    title: "No such operator",
    help: "No node of the registry has this owner. `registry=` selects another registry.",
  },
  "route-not-found": { status: 404, title: "No such path", help: "`/openapi.json` lists every path." },
  "method-not-allowed": {
    status: 405,
    title: "The method is not allowed for this path",
    help: "`Allow` lists the methods of the path. The API is read-only.",
  },
  "not-acceptable": {
    status: 406,
    title: "None of the accepted media types is available",
    help: "`Accept` includes none of the types that the message lists. Send `*/*`, or no `Accept` at all, to accept any.",
  },
  "request-timeout": {
    status: 408,
    title: "The request did not arrive in time",
    help: "The headers must arrive within 10 seconds, the whole request within 30.",
  },
  "cursor-expired": {
    status: 410,
    title: "The cursor has expired",
    help: "The chain or the index was rolled back past the block that the cursor is pinned to. Start again without `after`.",
  },
  "malformed-request": {
    status: 400,
    title: "Malformed HTTP request",
    help: "The request line, a header or the host cannot be parsed.",
  },
  "uri-too-long": {
    status: 414,
    title: "The URL is too long",
    help: "A path with its query can have at most 8,192 characters.",
  },
  "rate-limited": {
    status: 429,
    title: "Too many requests",
    help: "The rate limit is used up: `RateLimit-Remaining` is what is left, `Retry-After` when to try again. Each request costs 1 unit, long pages more, and walks over all pages most. Or this address has its maximum of open streams: close one.",
  },
  "headers-too-large": {
    status: 431,
    title: "The headers are too large",
    help: "All headers together can have at most 32 KiB.",
  },
  "invalid-query": {
    status: 400,
    title: "Invalid GraphQL request",
    help: "The message says where the request violates the grammar, the schema or a rule of the endpoint. `/graphql` in a browser shows the schema.",
  },
  "query-too-costly": {
    status: 400,
    title: "The GraphQL request is too costly",
    help: "The message has the cost, the limit and what to reduce: items of nested pages, fields, or pages per request.",
  },
  "answer-too-large": {
    status: 400,
    title: "The GraphQL answer is too large",
    help: "`maxBytes` is the limit (`GRAPHQL_MAX_RESPONSE_BYTES`). Select fewer items or fewer long fields (certificates, keys), or select them once instead of under several aliases.",
  },
  internal: {
    status: 500,
    title: "Internal error",
    help: "The API's log has the details under `requestId`.",
  },
  indexing: {
    status: 503,
    title: "The index is not complete yet",
    help: "The chain is being indexed or recovers from a crash; `chains` has the progress. Or, after an upgrade, the verifier has yet to derive when each inference was settled; until then, only the present can be requested. Try again after `Retry-After`.",
  },
  stale: {
    status: 503,
    title: "The newest block is older than requested",
    help: "A chain that the answer needs lags by more than `maxLag` seconds. Try again later, or accept a longer lag.",
  },
  "database-unavailable": {
    status: 503,
    title: "The database cannot be reached",
    help: "Try again after `Retry-After`.",
  },
  busy: {
    status: 503,
    title: "Too many concurrent requests",
    help: "Every database connection is in use, or the process has its maximum of open streams. Try again after `Retry-After`.",
  },
  "shutting-down": {
    status: 503,
    title: "This process is shutting down",
    help: "Try again: another process answers, or this one once it has restarted.",
  },
  timeout: {
    status: 503,
    title: "The answer took too long",
    help: "Narrow the request (a shorter time range, a lower limit) or try again later.",
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_KINDS;

/** An error that callers can act on. `detail` and `facts` are shown to the caller. */
export class ApiError extends Error {
  constructor(
    readonly code: ErrorCode,
    detail: string,
    /** Further members of the problem document. */
    readonly facts: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions & { readonly retryAfterSeconds?: number },
  ) {
    super(detail, options);
    this.name = "ApiError";
    this.retryAfterSeconds = options?.retryAfterSeconds;
  }

  readonly retryAfterSeconds: number | undefined;
}

/** The code of a refusal; undefined for unexpected errors and for clients that have gone. */
export const codeOf = (error: unknown): ErrorCode | undefined =>
  error instanceof ApiError ? error.code : undefined;

/** The client has gone. Nobody waits for the answer, and nothing has failed. */
export class Abandoned extends Error {
  constructor() {
    super("the client has gone");
    this.name = "Abandoned";
  }
}

/** What node-server throws, not as `Error`s, when a connection closes in the middle of a request or a response. */
const HANG_UPS: ReadonlySet<unknown> = new Set(["Error: aborted", "Client connection prematurely closed."]);

/** Whether the error means only that the client has gone. */
export const isAbandoned = (error: unknown): boolean => error instanceof Abandoned || HANG_UPS.has(error);
