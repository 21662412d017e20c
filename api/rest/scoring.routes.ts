/** `/v1/scoring`: every number in a score, with its reason. */

import { createHash } from "node:crypto";
import { z } from "@hono/zod-openapi";
import { tagMatches } from "../queries/asOf.ts";
import { CONSTANTS, SCORE_VERSION, SCORING } from "../scoring/index.ts";
import { freshnessParameters } from "./parameters.ts";
import { type ApiApp, defineRoute } from "./route.ts";

const constantSchema = z.strictObject({ value: z.number(), unit: z.string(), reason: z.string() });

export const scoringSchema = z
  .strictObject({
    version: z.string().openapi({ description: "Changes with any of the constants." }),
    weights: z.strictObject({ uptime: z.number(), reachability: z.number(), latency: z.number() }),
    constants: z.record(z.string(), constantSchema),
  })
  .openapi("Scoring");

/** The same for everyone until the software changes. */
const CACHED_SECONDS = 60;

export function scoringRoutes(app: ApiApp): void {
  const { uptimeWeight, reachabilityWeight, latencyWeight } = SCORING;
  const body = JSON.stringify({
    version: SCORE_VERSION,
    weights: { uptime: uptimeWeight, reachability: reachabilityWeight, latency: latencyWeight },
    constants: CONSTANTS,
  });
  const tag = `W/"${createHash("sha256").update(body).digest("base64url").slice(0, 27)}"`;
  const headers = {
    "Cache-Control": `public, max-age=${CACHED_SECONDS}`,
    ETag: tag,
    Vary: "Accept-Encoding",
  };
  defineRoute(
    app,
    {
      path: "/v1/scoring",
      summary: "The score's version, weights and constants, each with its reason.",
      answers: "one",
      schema: scoringSchema,
      params: {},
      query: freshnessParameters,
    },
    async (context) =>
      tagMatches(context.req.header("If-None-Match"), tag)
        ? new Response(null, { status: 304, headers })
        : new Response(body, { headers: { ...headers, "Content-Type": "application/json" } }),
  );
}
