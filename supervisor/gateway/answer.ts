/** Interprets HTTP responses as answers to JSON-RPC requests. */
import { type Meaning, meaningOf } from "./errorMeaning.ts";
import { type Fields, isFields, type RpcError, type RpcRequest, textOf, toRpcError } from "./jsonRpc.ts";
import { faultInResult } from "./resultCheck.ts";
import { readRetryAfter } from "./retryAfter.ts";

export interface Response {
  readonly status: number;
  /** The `Retry-After` and `Location` headers. */
  readonly retryAfter: string | null;
  readonly location: string | null;
  readonly body: Buffer;
}

/** The outcome of one request to one endpoint. */
export type Answer =
  /** `value` is the result, `body` the whole JSON-RPC response with id 1. */
  | { readonly kind: "result"; readonly value: unknown; readonly body: Buffer }
  /** The endpoint refuses this request. */
  | { readonly kind: "error"; readonly error: RpcError; readonly meaning: Meaning }
  /** Too many requests; the same one may work later. */
  | { readonly kind: "limited"; readonly retryAfterMs: number | undefined }
  /** The endpoint answered, but with a transient fault of its own. */
  | { readonly kind: "fault"; readonly reason: string }
  /** Nothing usable came back: no connection, a time-out, an HTTP error. */
  | { readonly kind: "unreachable"; readonly reason: string };

const parse = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
};

const MAX_REASON_LENGTH = 300;

/** Statuses about access to the endpoint, never about the request. */
const NO_ACCESS = new Set([401, 402, 403, 404, 405, 407, 410, 451]);

/**
 * The answer that the HTTP status determines; undefined when the body does. A 5xx is the endpoint's fault whatever its body
 * says: proxies wrap errors of their own in JSON-RPC.
 */
function byStatus({ status, retryAfter, location }: Response, parsed: unknown): Answer | undefined {
  const error = isFields(parsed) ? toRpcError(parsed.error) : undefined;
  const said = error === undefined ? "" : `: ${textOf(error).slice(0, MAX_REASON_LENGTH)}`;
  if (status === 429) return { kind: "limited", retryAfterMs: readRetryAfter(retryAfter, Date.now()) };
  if (status >= 500 || status === 408) return { kind: "unreachable", reason: `HTTP ${status}${said}` };
  if (status >= 300 && status < 400)
    return {
      kind: "unreachable",
      reason: `HTTP ${status} redirects to ${location ?? "nowhere"}; redirects are not followed, give the final URL`,
    };
  if (NO_ACCESS.has(status) && error?.code !== -32601)
    return { kind: "unreachable", reason: `HTTP ${status}${said}` };
  return undefined;
}

function readMember(request: RpcRequest, id: number, member: Fields): Answer {
  const error = toRpcError(member.error);
  if (error !== undefined) {
    const meaning = meaningOf(error, request);
    if (meaning.kind === "rate") return { kind: "limited", retryAfterMs: meaning.retryAfterMs };
    if (meaning.kind === "fault") return { kind: "fault", reason: textOf(error).slice(0, MAX_REASON_LENGTH) };
    return { kind: "error", error, meaning };
  }
  if (!("result" in member))
    return { kind: "unreachable", reason: "the answer has neither result nor error" };
  // some providers return ids as strings
  if (String(member.id) !== String(id))
    return { kind: "fault", reason: `${request.method} returned another request's id` };
  const fault = faultInResult(request, member.result);
  if (fault !== undefined) return { kind: "fault", reason: `${request.method} returned ${fault}` };
  return { kind: "result", value: member.result, body: Buffer.alloc(0) };
}

/** Reads an HTTP response as the answer to `request`, which was sent with id 1. */
export function readAnswer(request: RpcRequest, response: Response): Answer {
  const { status, body } = response;
  const parsed = parse(body);
  const first = byStatus(response, parsed);
  if (first !== undefined) return first;
  if (!isFields(parsed)) {
    const text = body.toString("utf8", 0, MAX_REASON_LENGTH);
    const error = { code: -32000, message: text === "" && status === 413 ? "response too large" : text };
    const meaning = status >= 400 && parsed === undefined ? meaningOf(error, request) : undefined;
    // some gateways refuse in plain text
    if (meaning?.kind === "blocks" || meaning?.kind === "size" || meaning?.kind === "results")
      return { kind: "error", error, meaning };
    return {
      kind: "unreachable",
      reason: status === 200 ? "the answer is not JSON-RPC" : `HTTP ${status}`,
    };
  }
  const answer = readMember(request, 1, parsed);
  if (answer.kind !== "result") return answer;
  if (status !== 200) return { kind: "unreachable", reason: `HTTP ${status}` };
  return { ...answer, body };
}

/**
 * Reads an HTTP response as the answers to a batch, whose requests were sent with ids from 1 on.
 * @returns one answer per request, in their order; undefined when the endpoint does not take batches.
 */
export function readBatch(requests: readonly RpcRequest[], response: Response): Answer[] | undefined {
  const parsed = parse(response.body);
  const first = byStatus(response, parsed);
  if (first !== undefined) return requests.map(() => first);
  if (!Array.isArray(parsed)) {
    const error = isFields(parsed) ? toRpcError(parsed.error) : undefined;
    const [request] = requests;
    if (error === undefined || request === undefined) return undefined;
    const answer = readMember(request, 1, { error });
    return answer.kind === "limited" || answer.kind === "fault" ? requests.map(() => answer) : undefined;
  }
  const members = new Map(parsed.filter(isFields).map((member) => [String(member.id), member]));
  return requests.map((request, index) => {
    const member = members.get(String(index + 1));
    if (member === undefined) return { kind: "fault", reason: "a request of a batch has no answer" };
    const answer = readMember(request, index + 1, member);
    if (answer.kind !== "result") return answer;
    return { ...answer, body: toBody(answer.value) };
  });
}

/** Wraps a result as a whole JSON-RPC response. */
export const toBody = (result: unknown): Buffer =>
  Buffer.from(JSON.stringify({ jsonrpc: "2.0", id: 1, result }));
