/** `/v1/models`. */
import { z } from "@hono/zod-openapi";
import { MODEL_SORTS, MODELS } from "../queries/inferences/models.ts";
import type { ApiService } from "../queries/state/service.ts";
import { count, unixSeconds } from "./fieldSchemas.ts";
import { defineList } from "./listRoute.ts";
import { oneOfParameter } from "./parameters.ts";
import type { ApiApp } from "./route.ts";

export const modelSchema = z
  .strictObject({
    model: z.string(),
    inferences: count(),
    promptTokens: count().nullable(),
    completionTokens: count().nullable(),
    nodes: count(),
    firstSeenAt: unixSeconds().nullable(),
    lastSeenAt: unixSeconds().nullable(),
  })
  .openapi("Model");

export function modelRoutes(app: ApiApp, service: ApiService): void {
  defineList(app, service, {
    path: "/v1/models",
    operationId: "listModels",
    tag: "Inferences",
    summary:
      "Models that inferences were run with, as payloads of individual settlements tell; `from` and `to` bound the second of signing.",
    schema: modelSchema,
    list: MODELS,
    query: {
      sort: oneOfParameter(
        MODEL_SORTS,
        "Seen last or most often first. Pages take the counts as they are when asked for.",
      ).default("lastSeenAt"),
    },
    scope: ({ query: { sort } }) => ({ sort }),
  });
}
