/** The HTTP application, without a port: `app.request()` is enough to use it. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { cors } from "hono/cors";
import { ApiError } from "./errors.ts";
import { GRAPHQL_PATH, graphqlRoutes } from "./graphql/graphql.routes.ts";
import { FRESHNESS_HEADERS, setFreshness } from "./queries/asOf.ts";
import type { ApiService } from "./queries/service.ts";
import type { RequestVariables } from "./rest/answer.ts";
import { inferenceRoutes } from "./rest/inferences.routes.ts";
import { modelRoutes } from "./rest/models.routes.ts";
import { nodeRoutes } from "./rest/nodes.routes.ts";
import { operatorRoutes } from "./rest/operators.routes.ts";
import { paymentRoutes } from "./rest/payments.routes.ts";
import { errorsPage, problemResponse } from "./rest/problem.ts";
import { registryRoutes } from "./rest/registry.routes.ts";
import { relayerRoutes } from "./rest/relayers.routes.ts";
import type { ApiApp } from "./rest/route.ts";
import { settlementRoutes } from "./rest/settlements.routes.ts";
import { statusRoutes } from "./rest/status.routes.ts";

export interface AppOptions extends ApiService {
  /** Makes the id that a request is logged under. */
  readonly newRequestId: () => string;
}

export function createApp(options: AppOptions): ApiApp {
  const { log, clock, newRequestId } = options;
  const app: ApiApp = new OpenAPIHono<RequestVariables>();

  app.use(
    cors({
      origin: "*",
      allowMethods: ["GET", "HEAD", "POST", "OPTIONS"],
      exposeHeaders: [...FRESHNESS_HEADERS, "ETag", "Date", "Link", "Retry-After", "X-Request-Id"],
      maxAge: 86_400,
    }),
  );
  app.use(async (context, next) => {
    const begun = clock();
    const requestId = newRequestId();
    context.set("requestId", requestId);
    const { method, path } = context.req;
    const methods = path === GRAPHQL_PATH ? ["GET", "HEAD", "POST"] : ["GET", "HEAD"];
    if (!methods.includes(method))
      throw new ApiError("method-not-allowed", `${method} cannot be used here; use ${methods.join(" or ")}`);
    await next();
    context.res.headers.set("X-Request-Id", requestId);
    log.debug("request", { requestId, method, path, status: context.res.status, ms: clock() - begun });
  });

  app.notFound((context) => {
    const { path } = context.req;
    const error = new ApiError("route-not-found", `${path} is not a path of this API`);
    return problemResponse(error, { path, requestId: context.get("requestId") }, log);
  });
  app.onError((error, context) => {
    const { path } = context.req;
    const response = problemResponse(error, { path, requestId: context.get("requestId") }, log);
    const asOf = context.get("asOf");
    if (asOf !== undefined) setFreshness(response.headers, asOf, clock());
    return response;
  });

  statusRoutes(app, options);
  nodeRoutes(app, options);
  settlementRoutes(app, options);
  inferenceRoutes(app, options);
  relayerRoutes(app, options);
  modelRoutes(app, options);
  paymentRoutes(app, options);
  operatorRoutes(app, options);
  registryRoutes(app, options);
  graphqlRoutes(app, options);
  app.get("/docs/errors", (context) => context.html(errorsPage()));
  return app;
}
