/** Serves `/metrics` on a separate port of the loopback interface, because operational data is not public. */
import { createServer, type Server } from "node:http";
import type { Log } from "../../config/log.ts";
import type { Metrics } from "./metrics.ts";

const LOOPBACK = "127.0.0.1";

/**
 * Starts the server, unless `port` is 0. If the port is taken, the API runs without metrics.
 * @returns a function that stops it.
 */
export async function serveMetrics(
  { contentType, text }: Metrics,
  port: number,
  log: Log,
): Promise<() => void> {
  if (port === 0) return () => {};
  const server = createServer(async (request, response) => {
    if (request.url !== "/metrics") return response.writeHead(404).end();
    try {
      const body = await text();
      response.writeHead(200, { "Content-Type": contentType }).end(body);
    } catch (error) {
      log.error("metrics could not be collected", { error });
      response.writeHead(500).end();
    }
  });
  try {
    await listen(server, port);
    log.info(`metrics on http://${LOOPBACK}:${port}/metrics`);
    return () => server.close().closeAllConnections();
  } catch (error) {
    log.warn(
      `METRICS_PORT: ${port} cannot be used, so there are no metrics; set another port, or 0 to turn metrics off`,
      { error },
    );
    return () => {};
  }
}

/** @returns the bound port, which the system chooses when `port` is 0. */
export async function listen(server: Server, port: number, host = LOOPBACK): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new Error("the server is not bound to a TCP port");
  return address.port;
}
