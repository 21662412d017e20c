/** Checks whether one of our servers answers, over a separate connection. */
import http from "node:http";

/** The address under which a server bound to `host` can be reached from this machine. */
const reachable = (host: string): string =>
  host === "0.0.0.0" ? "127.0.0.1" : host === "::" || host === "[::]" ? "::1" : host.replace(/^\[|\]$/g, "");

/**
 * Resolves on any answer, even an error: the process that gave it works. A connection that the server resets counts too,
 * because a server may be configured to accept no more of them.
 * @throws when nothing listens, or there is no answer before `signal` aborts.
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
