/** `/v1/scoring`: every number in a score, with its reason. */

import { z } from "@hono/zod-openapi";
import { setFreshness } from "../queries/state/asOf.ts";
import { freshnessOfNothing } from "../queries/state/freshness.ts";
import type { ApiService } from "../queries/state/service.ts";
import { CONSTANTS, FACTOR_NAMES, FACTOR_WEIGHTS, SCORE_VERSION } from "../scoring/index.ts";
import { answerKept, toKept } from "./keptAnswer.ts";
import { freshnessParameters } from "./parameters.ts";
import { type ApiApp, defineRoute } from "./route.ts";

const constantSchema = z.strictObject({ value: z.number(), unit: z.string(), reason: z.string() });

export const scoringSchema = z
  .strictObject({
    version: z.string(),
    weights: z.strictObject(Object.fromEntries(FACTOR_NAMES.map((name) => [name, z.number()]))),
    constants: z.record(z.string(), constantSchema),
  })
  .openapi("Scoring");

/** The same for everyone until the software changes. */
const CACHED_SECONDS = 60;

export function scoringRoutes(app: ApiApp, service: ApiService): void {
  const body = JSON.stringify({
    version: SCORE_VERSION,
    weights: FACTOR_WEIGHTS,
    constants: CONSTANTS,
  });
  const kept = toKept(body, "application/json", `public, max-age=${CACHED_SECONDS}`);
  defineRoute(
    app,
    {
      path: "/v1/scoring",
      operationId: "getScoring",
      tag: "Selection",
      summary: "The score's version, weights and constants, each with its reason.",
      answers: "one",
      schema: scoringSchema,
      params: {},
      query: freshnessParameters,
    },
    (context) => {
      const headers = new Headers();
      setFreshness(headers, freshnessOfNothing(service), service.clock());
      return answerKept(context, kept, headers);
    },
  );
}
