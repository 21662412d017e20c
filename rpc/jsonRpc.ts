/** The little of JSON-RPC that the gateway has to understand. */

export interface RpcRequest {
  readonly method: string;
  readonly params: readonly unknown[];
}

export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** What became of one request to one endpoint. */
export type Answer =
  /** `body` is the whole JSON-RPC response as received, id 1. */
  | { readonly kind: "result"; readonly body: Buffer }
  /** The endpoint's last word on this request. */
  | { readonly kind: "error"; readonly error: RpcError }
  /** Too many requests; the same one may work later. */
  | { readonly kind: "limited"; readonly retryAfterMs: number | undefined }
  /** The endpoint answered, but with a passing fault of its own. */
  | { readonly kind: "fault"; readonly reason: string }
  /** Nothing usable came back: no connection, a time-out, an HTTP error. */
  | { readonly kind: "unreachable"; readonly reason: string };

const RATE_PHRASE =
  /rate.?limit|too many requests|request limit|limit exceeded|exceeded .*(?:capacity|per second|throughput)|throttl|compute units/i;
const FAULT_PHRASE =
  /internal error|internal server error|time(?:d)?.?out|temporar|unavailable|overloaded|try again|server busy|upstream|connection|no response|bad gateway/i;

const INTERNAL_ERROR = -32603;
const LIMIT_EXCEEDED = -32005;

/** Bodies longer than this that begin with a result are passed on unparsed. */
const PARSED_BYTES = 4096;
const BEGINS_WITH_RESULT =
  /^\s*\{\s*(?:"(?:jsonrpc|id)"\s*:\s*(?:"[^"]{0,64}"|\d{1,20}|null)\s*,\s*){0,2}"result"\s*:/;

const toRpcError = (value: unknown): RpcError | undefined => {
  if (typeof value === "string") return { code: -32000, message: value };
  if (typeof value !== "object" || value === null) return undefined;
  const { code, message, data } = value as { code?: unknown; message?: unknown; data?: unknown };
  return {
    code: typeof code === "number" ? code : -32000,
    message: typeof message === "string" ? message : JSON.stringify(value),
    ...(data === undefined ? {} : { data }),
  };
};

/** Which kind of error it is, whatever number its provider gives it. */
export function classifyError(error: RpcError, request: RpcRequest): Answer {
  const text = error.message;
  // limits of eth_getLogs on range or size often come as "limit exceeded": its own rules look at them first
  if (request.method === "eth_getLogs" && logLimit(text) !== undefined) return { kind: "error", error };
  if (/revert/i.test(text)) return { kind: "error", error };
  if (error.code === 429 || (RATE_PHRASE.test(text) && error.code !== -32602))
    return { kind: "limited", retryAfterMs: undefined };
  if (error.code === LIMIT_EXCEEDED) return { kind: "limited", retryAfterMs: undefined };
  if (isPrunedState(text)) return { kind: "error", error };
  if (error.code === INTERNAL_ERROR || FAULT_PHRASE.test(text)) return { kind: "fault", reason: text };
  return { kind: "error", error };
}

/** Reads an HTTP response as the answer to `request`. */
export function readAnswer(
  request: RpcRequest,
  status: number,
  retryAfter: string | null,
  body: Buffer,
): Answer {
  if (status === 429)
    return {
      kind: "limited",
      retryAfterMs: retryAfter === null ? undefined : Number(retryAfter) * 1000 || undefined,
    };
  if (
    status === 200 &&
    body.length > PARSED_BYTES &&
    BEGINS_WITH_RESULT.test(body.toString("latin1", 0, 200))
  )
    return { kind: "result", body };
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString());
  } catch {
    return {
      kind: "unreachable",
      reason: status === 200 ? "it answers with something else than JSON" : `HTTP ${status}`,
    };
  }
  if (typeof parsed === "object" && parsed !== null) {
    const error = "error" in parsed && parsed.error !== null ? toRpcError(parsed.error) : undefined;
    if (error !== undefined && (status < 500 || error.code !== -32000)) return classifyError(error, request);
    if (status === 200 && "result" in parsed) return { kind: "result", body };
  }
  return { kind: "unreachable", reason: status === 200 ? "it answers without a result" : `HTTP ${status}` };
}

// ---------------------------------------------------------------- eth_getLogs limits

export type LogLimit =
  /** Too many blocks; `maxBlocks` when the provider says how many it takes. */
  | { readonly kind: "range"; readonly maxBlocks: number | undefined }
  /** Too many or too large results, whatever the range. */
  | { readonly kind: "size" };

const SIZE_PHRASE =
  /more than [\d,.]+k? (?:results|logs)|too many (?:results|logs)|(?:response|result|log)s?\b.{0,40}(?:too (?:big|large)|size|exceed|limit)|query timeout|execution timeout|deadline exceeded|query timed out/i;
const RANGE_PHRASE =
  /(?:block ?range|blocks? (?:distance|span)|range|too many blocks|blocks).{0,80}(?:exceed|too|limit|max|greater|smaller|larger|over\b|at most|allow|up to|should work)|(?:exceed|too|limit|max|greater|smaller|over\b|at most|allow|up to).{0,80}(?:block ?range|range|blocks)/i;
const RANGE_NUMBERS = [
  /\(\s*[\d,]+\s*>\s*([\d,.]+k?)\s*\)/i, // "exceeds the range allowed for your plan (2000 > 1000)"
  /maximum (?:is )?set to ([\d,.]+k?)/i, // "requested too many blocks from 0 to 999, maximum is set to 500"
  /(?:max(?:imum)?|limit(?:ed)?|at most|up to|greater than|smaller than|over|allowed|exceeds?)[^\d[]{0,60}([\d,.]+k?)\b(?!x)/i,
];

const toCount = (text: string): number | undefined => {
  const thousands = /k$/i.test(text);
  const count = Number(text.replace(/k$/i, "").replace(/[,.]/g, "")) * (thousands ? 1000 : 1);
  return Number.isSafeInteger(count) && count > 0 ? count : undefined;
};

/** Whether an error of eth_getLogs says that it asked for too much; providers agree on no code for it. */
export function logLimit(text: string): LogLimit | undefined {
  const message = text.replaceAll(/eth_\w+/g, ""); // "getLogs" is not about logs
  if (RANGE_PHRASE.test(message) && !SIZE_PHRASE.test(message)) {
    for (const pattern of RANGE_NUMBERS) {
      const found = pattern.exec(message)?.[1];
      if (found !== undefined) return { kind: "range", maxBlocks: toCount(found) };
    }
    return { kind: "range", maxBlocks: undefined };
  }
  return SIZE_PHRASE.test(message) ? { kind: "size" } : undefined;
}

// ---------------------------------------------------------------- pruned state

const PRUNED_PHRASE =
  /missing trie node|state .{0,90}not (?:available|found)|historical state|required historical|state (?:is |has been |already )*(?:been )?(?:pruned|discarded)|prun(?:ed|ing)|out of (?:the )?(?:proof )?window|maximum proof window|failed to load state at height|version (?:does not exist|mismatch)|lowest height|no state (?:available|found)|state histories/i;
/** Also said of blocks that are too new, so the block's age decides. */
const AMBIGUOUS_PHRASE = /header not found|block not found|unknown block|could not find block/i;

/** Whether an error says that the state of a block is gone. */
export const isPrunedState = (message: string): boolean => PRUNED_PHRASE.test(message);
/** Whether an error says so if the block is an old one. */
export const isPrunedStateIfOld = (message: string): boolean => AMBIGUOUS_PHRASE.test(message);
