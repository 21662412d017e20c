/** `/v1/models`. */
import { z } from "@hono/zod-openapi";
import { listModels, MODEL_SORTS } from "../queries/inferences/models.ts";
import type { ApiService } from "../queries/state/service.ts";
import { answerList } from "./answer.ts";
import { count, unixSeconds } from "./fields.ts";
import { listParameters, oneOfParameter, rangeParameters } from "./parameters.ts";
import { type ApiApp, defineRoute } from "./route.ts";

export const modelSchema = z
  .strictObject({
    model: z.string().openapi({ description: "As payloads name it, sanitised." }),
    inferences: count().openapi({
      description: "Distinct ones, with a valid signature of a node that was registered by then.",
    }),
    promptTokens: count().nullable().openapi({ description: "As payloads claim; null when none does." }),
    completionTokens: count().nullable(),
    nodes: count().openapi({ description: "Distinct ones that ran it." }),
    firstSeenAt: unixSeconds().nullable().openapi({ description: "By the second of signing; unix seconds." }),
    lastSeenAt: unixSeconds().nullable(),
  })
  .openapi("Model");

export function modelRoutes(app: ApiApp, service: ApiService): void {
  defineRoute(
    app,
    {
      path: "/v1/models",
      operationId: "listModels",
      tag: "Inferences",
      summary:
        "Models that inferences were run with, as payloads of individual settlements tell; `from` and `to` bound the second of signing.",
      answers: "list",
      schema: modelSchema,
      params: {},
      query: {
        ...listParameters,
        ...rangeParameters,
        sort: oneOfParameter(
          MODEL_SORTS,
          "Seen last or most often first. Pages take the counts as they are when asked for.",
        ).default("lastSeenAt"),
      },
    },
    (context, { query }) =>
      answerList(
        service,
        context,
        {
          sources: { required: ["og"], proofs: "read" },
          query,
          keyTypes: ["position", "text"],
          item: modelSchema,
        },
        (state, page) =>
          listModels(state.transaction, state.proofs, state.moment("og"), query, query.sort, page),
      ),
  );
}
