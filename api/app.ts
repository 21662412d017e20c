/** The HTTP application, without a port: `app.request()` is enough to use it. */
import { documentRoutes } from "./documents/documents.routes.ts";
import { ApiError, codeOf } from "./errors.ts";
import { graphqlRoutes } from "./graphql/graphql.routes.ts";
import { type MiddlewareOptions, useMiddleware } from "./http/middleware.ts";
import { setFreshness } from "./queries/state/asOf.ts";
import { freshnessOfNothing } from "./queries/state/freshness.ts";
import type { ApiService } from "./queries/state/service.ts";
import { problemResponse } from "./rest/problem.ts";
import type { RequestContext } from "./rest/request.ts";
import { ApiApp } from "./rest/route.ts";
import { restRoutes } from "./rest/routes.ts";
import type { Snapshots } from "./snapshot/snapshots.ts";
import type { EventStream } from "./stream/eventStream.ts";

export interface AppOptions extends ApiService, MiddlewareOptions {
  readonly snapshots: Snapshots;
  readonly stream: EventStream;
  /** Creates an unpredictable seed. */
  readonly newSeed: () => string;
}

export function createApp(options: AppOptions): ApiApp {
  const app = new ApiApp();
  useMiddleware(app, options);
  restRoutes(app, options);
  graphqlRoutes(app, options);
  documentRoutes(app, options.settings.version);
  answerErrors(app, options);
  return app;
}

/** Answers unknown paths and whatever a route throws with problem documents. */
function answerErrors(app: ApiApp, options: AppOptions): void {
  const { log, clock } = options;
  const refuse = (error: unknown, context: RequestContext): Response => {
    const { path } = context.req;
    context.set("refusal", codeOf(error));
    const response = problemResponse(error, { path, requestId: context.get("requestId") }, log);
    const freshness = context.get("freshness") ?? freshnessOfNothing(options);
    setFreshness(response.headers, freshness, clock());
    return response;
  };
  app.notFound((context) => {
    const { path } = context.req;
    const error = new ApiError(
      "route-not-found",
      `${path} is not a path of this API; /docs and /openapi.json show all of them`,
    );
    return refuse(error, context);
  });
  app.onError(refuse);
}
