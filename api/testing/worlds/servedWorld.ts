/** Serves the world of `networkWorld.ts` over HTTP on a real port, as the process does. For tests only. */
import { createLog } from "../../../config/log.ts";
import { createHttpServer } from "../../http/httpServer.ts";
import { StoppableLifetime } from "../../http/lifetime.ts";
import { listen } from "../../http/listen.ts";
import type { ApiSettings } from "../../queries/state/service.ts";
import { createTestApi, type TestApi } from "../testApi.ts";
import { ChainTables } from "./chainTables.ts";
import { createNetworkWorld, HEAD } from "./networkWorld.ts";

export interface ServedWorld {
  /** Without a slash at its end. */
  readonly url: string;
  readonly api: TestApi;
  readonly tables: ChainTables;
  readonly close: () => Promise<void>;
}

/** Short, so that tests notice a closed connection quickly. */
const KEEP_ALIVE_MS = 300;

/**
 * @param databaseUrl - of an empty database.
 * @param change - changes the world before anything is read.
 * @param settings - overrides of the API's settings.
 */
export async function serveWorld(
  databaseUrl: string,
  change: (tables: ChainTables) => Promise<void> = async () => {},
  settings: Partial<ApiSettings> = {},
): Promise<ServedWorld> {
  const tables = await ChainTables.create(databaseUrl);
  await createNetworkWorld(tables);
  await change(tables);
  const lifetime = new StoppableLifetime();
  const api = createTestApi(databaseUrl, undefined, settings, {
    lifetime,
    timing: { keepAliveMs: KEEP_ALIVE_MS },
  });
  api.now = HEAD + 7;
  await api.refresh();
  await api.publish();
  const http = createHttpServer({
    fetch: api.handler,
    lifetime,
    newRequestId: () => "request",
    graceMs: 5_000,
    log: createLog({ LOG_LEVEL: "warn", LOG_FORMAT: "json" }, "api", () => {}),
  });
  const port = await listen(http.server, 0);
  return {
    url: `http://127.0.0.1:${port}`,
    api,
    tables,
    async close() {
      http.server.closeAllConnections();
      await http.stop();
      await api.close();
      await tables.close();
    },
  };
}
