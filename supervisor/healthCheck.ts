/** Asks a server of ours whether it answers at all, over a connection of its own. */
import http from "node:http";

/** An address that a server bound to `host` can be reached at from this machine. */
const reachable = (host: string): string =>
  host === "0.0.0.0" ? "127.0.0.1" : host === "::" || host === "[::]" ? "::1" : host.replace(/^\[|\]$/g, "");

/**
 * Resolves on any answer, also a refusal: the process that gave it works. A connection that the server closes is such
 * an answer, because a server may be configured to take no more of them.
 * @throws when there is none by the time `signal` aborts, or nobody listens.
 */
export function askHealth(host: string, port: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = http.get(
      { host: reachable(host), port, path: "/health", agent: false, signal },
      (response) => {
        response.resume();
        resolve();
      },
    );
    request.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "ECONNRESET" ? resolve() : reject(error),
    );
  });
}
