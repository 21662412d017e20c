/** What `/` answers: where everything is, or the way to the reader for a browser. */

import { answerKept, type KeptAnswer, toKept } from "../rest/keptAnswer.ts";
import type { RequestContext } from "../rest/request.ts";

const READER = "/docs";
const KEPT = "public, max-age=60";

const PLACES = {
  documents: READER,
  guide: "/docs/api.md",
  openapi: "/openapi.json",
  errors: "/docs/errors",
  graphql: "/graphql",
  rest: "/v1",
  stream: "/v1/stream",
  status: "/v1/status",
} as const;

/** @param version - of the software. */
export const placesOf = (version: string) => ({ name: "OpenGradient index", version, ...PLACES });

export function answerFront(version: string): (context: RequestContext) => Response {
  const index: KeptAnswer = toKept(JSON.stringify(placesOf(version)), "application/json", KEPT);
  return (context) => {
    const page = (context.req.header("Accept") ?? "").includes("text/html");
    const response = page
      ? new Response(null, { status: 302, headers: { Location: READER, "Cache-Control": KEPT } })
      : answerKept(context, index);
    response.headers.set("Vary", "Accept, Accept-Encoding");
    return response;
  };
}
