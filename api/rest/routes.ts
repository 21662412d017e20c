/** Every route of REST. */
import { channelRoutes } from "./channels.routes.ts";
import { inferenceRoutes } from "./inferences.routes.ts";
import { modelRoutes } from "./models.routes.ts";
import { networkRoutes } from "./network.routes.ts";
import { nodeHistoryRoutes } from "./nodeHistory.routes.ts";
import { nodeRoutes } from "./nodes.routes.ts";
import { onchainInferenceRoutes } from "./onchainInferences.routes.ts";
import { operatorRoutes } from "./operators.routes.ts";
import { payerRoutes } from "./payers.routes.ts";
import { paymentRoutes } from "./payments.routes.ts";
import { registryRoutes } from "./registry.routes.ts";
import { relayerRoutes } from "./relayers.routes.ts";
import type { ApiApp } from "./route.ts";
import { scoringRoutes } from "./scoring.routes.ts";
import { type SelectOptions, selectRoutes } from "./select.routes.ts";
import { seriesRoutes } from "./series.routes.ts";
import { settlementRoutes } from "./settlements.routes.ts";
import { statusRoutes } from "./status.routes.ts";
import { type StreamOptions, streamRoutes } from "./stream.routes.ts";

export type RestOptions = SelectOptions & StreamOptions;

export function restRoutes(app: ApiApp, options: RestOptions): void {
  statusRoutes(app, options);
  selectRoutes(app, options);
  scoringRoutes(app, options);
  nodeRoutes(app, options);
  nodeHistoryRoutes(app, options);
  seriesRoutes(app, options);
  settlementRoutes(app, options);
  onchainInferenceRoutes(app, options);
  inferenceRoutes(app, options);
  relayerRoutes(app, options);
  modelRoutes(app, options);
  paymentRoutes(app, options);
  channelRoutes(app, options);
  payerRoutes(app, options);
  operatorRoutes(app, options);
  networkRoutes(app, options);
  registryRoutes(app, options);
  streamRoutes(app, options);
}
