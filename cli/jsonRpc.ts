/** JSON-RPC over HTTP for one command: one request at a time, no retries. */
import type { Rpc } from "../proofs/receiptOnChain.ts";

const TIMEOUT_MS = 20_000;

/** @param url - http or https; messages contain only its host, because it may have a key. */
export function jsonRpc(url: URL): Rpc {
  const fail = (method: string, problem: string) => new Error(`${method} at ${url.host}: ${problem}`);
  return async (method, params) => {
    let status: number;
    let text: string;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      status = response.status;
      text = await response.text();
    } catch (error) {
      throw fail(method, `no answer (${causeOf(error)})`);
    }
    const answer = parsed(text);
    if (answer?.error !== undefined && answer.error !== null)
      throw fail(method, `the RPC refuses: ${JSON.stringify(answer.error).slice(0, 300)}`);
    if (answer === null || !("result" in answer))
      throw fail(method, `HTTP ${status} without a JSON-RPC answer`);
    return answer.result;
  };
}

function parsed(text: string): { readonly result?: unknown; readonly error?: unknown } | null {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === "object" ? answer : null;
  } catch {
    return null;
  }
}

/** fetch only says "fetch failed"; the reason is in the cause. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error) return "code" in cause ? String(cause.code) : cause.message;
  return error.message;
}
