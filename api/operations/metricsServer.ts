/** Serves `/metrics` on a separate port of the loopback interface, because operational data is not public. */
import { createServer } from "node:http";
import type { Log } from "../../config/log.ts";
import { LOOPBACK, listen } from "../http/listen.ts";
import type { Metrics } from "./metrics.ts";

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
    log.info(`metrics on http://${LOOPBACK}:${port}, path /metrics`);
    return () => server.close().closeAllConnections();
  } catch (error) {
    log.warn(
      `METRICS_PORT: ${port} cannot be used, so there are no metrics; set another port, or 0 to turn metrics off`,
      { error },
    );
    return () => {};
  }
}
