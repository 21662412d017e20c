/** Everything the API can refuse or fail with. `code` is stable and has one cause; one place maps it to HTTP. */

export interface ErrorKind {
  readonly status: 400 | 404 | 405 | 406 | 408 | 409 | 410 | 414 | 429 | 431 | 500 | 503;
  readonly title: string;
  /** What it means and what to do about it, for `/docs/errors`. */
  readonly help: string;
}

/** The codes of all answers that are not the one asked for. */
export const ERROR_KINDS = {
  "invalid-parameter": {
    status: 400,
    title: "A parameter cannot be used",
    help: "`errors` names every parameter that was refused, its value and the rule it breaks. Unknown parameters are refused too.",
  },
  "invalid-cursor": {
    status: 400,
    title: "The cursor does not belong to this question",
    help: "`after` must be the `endCursor` of a page with the same path, filters and sort. Start again without it.",
  },
  "too-many-buckets": {
    status: 400,
    title: "The series is too long",
    help: "`from` to `to` holds more buckets than one answer may. `earliestFrom` names the earliest `from` that fits; `interval=day` reaches further back, and an earlier `to` shows another part.",
  },
  "at-in-future": {
    status: 400,
    title: "The moment is not indexed yet",
    help: "`at` lies after the newest indexed OpenGradient block. `newestBlockTime` names the latest moment that can be asked for.",
  },
  "node-not-found": {
    status: 404,
    title: "No such node",
    help: "No node with this id was registered in the registry at that moment. `registry=` names another registry.",
  },
  "settlement-not-found": {
    status: 404,
    title: "No such settlement",
    help: "No settlement event has this `chainId-txHash-logIndex`.",
  },
  "inference-not-found": {
    status: 404,
    title: "No such inference",
    help: "No settlement on chain holds an inference with this id. One in a batch that is not verified yet is not known yet.",
  },
  "inference-not-proven": {
    status: 409,
    title: "The inference is not proven",
    help: "A settlement holds it, but none with a valid signature of a node that was registered by then: there is nothing a receipt could show. `signatureValid` null means that no registry has shown the node's key.",
  },
  "relayer-not-found": {
    status: 404,
    title: "No such relayer",
    help: "No settlement and no heartbeat was sent by this address.",
  },
  "payer-not-found": {
    status: 404,
    title: "No such payer",
    help: "This address made no payment that is indexed, and funds no channel.",
  },
  "channel-not-found": { status: 404, title: "No such channel", help: "No channel has this id." },
  "operator-not-found": {
    status: 404,
    title: "No such operator",
    help: "No node of the registry has this owner. `registry=` names another registry.",
  },
  "route-not-found": { status: 404, title: "No such path", help: "`/openapi.json` has every path." },
  "method-not-allowed": {
    status: 405,
    title: "The method cannot be used here",
    help: "`Allow` names the methods of the path: the API only answers questions.",
  },
  "not-acceptable": {
    status: 406,
    title: "The answer has none of the media types that are accepted",
    help: "`Accept` names none of the types in the message. `*/*`, or no `Accept` at all, takes what there is.",
  },
  "request-timeout": {
    status: 408,
    title: "The request did not arrive in time",
    help: "Its headers must arrive within 10 seconds, all of it within 30.",
  },
  "cursor-expired": {
    status: 410,
    title: "The cursor's state can no longer be served",
    help: "The chain or the index was rolled back past the block the cursor is pinned to. Start again without it.",
  },
  "malformed-request": {
    status: 400,
    title: "This is no HTTP request",
    help: "The request line, a header or the host cannot be read.",
  },
  "uri-too-long": {
    status: 414,
    title: "The URL is too long",
    help: "A path and its query have at most 8,192 characters.",
  },
  "rate-limited": {
    status: 429,
    title: "Too many requests",
    help: "`RateLimit-Remaining` says what is left, `Retry-After` when to ask again. A request costs 1, a page more the longer it is, a walk over all pages most. Or as many streams are open for this address as may be: close one.",
  },
  "headers-too-large": {
    status: 431,
    title: "The headers are too large",
    help: "All headers together have at most 32 KiB.",
  },
  "invalid-query": {
    status: 400,
    title: "The GraphQL query cannot be run",
    help: "The message says where it breaks the grammar, the schema or a rule of the endpoint. `/graphql` in a browser shows the schema.",
  },
  "query-too-costly": {
    status: 400,
    title: "The GraphQL query asks for too much at once",
    help: "The message says how much it asks for, how much may be, and what to cut: fewer items of a page inside of a page, fewer fields, or another page later.",
  },
  "answer-too-large": {
    status: 400,
    title: "The GraphQL answer is too large",
    help: "`maxBytes` is the limit (`GRAPHQL_MAX_RESPONSE_BYTES`). Ask for fewer items, fewer long fields (certificates, keys), or for them once instead of under several aliases.",
  },
  internal: {
    status: 500,
    title: "Something went wrong here",
    help: "The log of the API has the details under `requestId`.",
  },
  indexing: {
    status: 503,
    title: "The index is not complete yet",
    help: "The chain is being indexed, or recovers from a crash: `chains` says how far it is. Or, after an upgrade, the verifier has yet to find out when each inference was settled: past moments cannot be asked about until then. Ask again after `Retry-After`.",
  },
  stale: {
    status: 503,
    title: "The newest block is older than asked for",
    help: "A chain of the answer lags by more than `maxLag` seconds. Ask again later, or accept a longer lag.",
  },
  "database-unavailable": {
    status: 503,
    title: "The database cannot be reached",
    help: "Ask again after `Retry-After`.",
  },
  busy: {
    status: 503,
    title: "Too much is being asked at once",
    help: "Every connection to the database is in use, or as many streams are open as may be. Ask again after `Retry-After`.",
  },
  "shutting-down": {
    status: 503,
    title: "This process is being stopped",
    help: "Ask again: another process answers, or this one when it has started again.",
  },
  timeout: {
    status: 503,
    title: "The answer took too long",
    help: "Narrow the question (a shorter time range, a lower limit) or ask again later.",
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_KINDS;

/** The base of every error with a meaning for the caller. `detail` and `facts` are shown to the caller. */
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

/** The code of a refusal; undefined for what nobody foresaw, and for who is gone. */
export const codeOf = (error: unknown): ErrorCode | undefined =>
  error instanceof ApiError ? error.code : undefined;

/** Whoever asked is gone: there is nobody to answer, and nothing went wrong. */
export class Abandoned extends Error {
  constructor() {
    super("nobody waits for the answer any more");
    this.name = "Abandoned";
  }
}

/** What the server throws, as it is, when a connection ends in the middle of a request or of its answer. */
const HANG_UPS: ReadonlySet<unknown> = new Set(["Error: aborted", "Client connection prematurely closed."]);

/** Whether it is only that the client has gone. */
export const isAbandoned = (error: unknown): boolean => error instanceof Abandoned || HANG_UPS.has(error);
