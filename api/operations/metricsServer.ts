/** `/metrics` on a port of its own, for this machine only: what it tells is not everybody's business. */
import { createServer, type Server } from "node:http";
import type { Log } from "../../config/log.ts";
import type { Metrics } from "./metrics.ts";

const LOOPBACK = "127.0.0.1";

/** @returns how to stop it. A port that is taken costs the metrics, not the API. */
export async function serveMetrics(
  { contentType, text }: Metrics,
  port: number,
  log: Log,
): Promise<{ readonly port: number; readonly stop: () => void }> {
  const server = createServer(async (request, response) => {
    if (request.url !== "/metrics") return response.writeHead(404).end();
    try {
      const body = await text();
      response.writeHead(200, { "Content-Type": contentType }).end(body);
    } catch (error) {
      log.error("metrics failed", { error });
      response.writeHead(500).end();
    }
  });
  try {
    const bound = await listen(server, port);
    log.info(`metrics on http://${LOOPBACK}:${bound}/metrics`);
    return { port: bound, stop: () => server.close().closeAllConnections() };
  } catch (error) {
    log.warn(`no metrics: port ${port} cannot be used; METRICS_PORT names another, 0 none`, { error });
    return { port: 0, stop: () => {} };
  }
}

/** @returns the port, which the system chooses for 0. */
export async function listen(server: Server, port: number, host = LOOPBACK): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it listens on no TCP port");
  return address.port;
}
