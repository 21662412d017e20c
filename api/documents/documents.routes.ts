/** `/`, `/openapi.json`, and `/docs` with what is below it. */

import { answerKept, type KeptAnswer, toKept } from "../rest/keptAnswer.ts";
import type { RequestContext } from "../rest/request.ts";
import type { ApiApp } from "../rest/route.ts";
import { openApiDocument } from "./document.ts";
import { errorsPage } from "./errorsPage.ts";
import { answerFront } from "./front.ts";
import { GUIDES } from "./guides.ts";
import { CONTENT_SECURITY_POLICY, readerFiles, readerPage } from "./reader.ts";

const CACHED_SECONDS = 60;

/** Of everything that is registered by now. */
export function documentRoutes(app: ApiApp, version: string): void {
  const whenAsked = lazy(() =>
    toKept(
      JSON.stringify(openApiDocument(app.descriptions, version)),
      "application/json",
      `public, max-age=${CACHED_SECONDS}`,
    ),
  );
  app.get("/", answerFront(version));
  app.get("/openapi.json", (context) => answerKept(context, whenAsked()));

  const policy = new Headers({ "Content-Security-Policy": CONTENT_SECURITY_POLICY });
  const serve = (path: string, kept: KeptAnswer) =>
    app.get(path, (context: RequestContext) => answerKept(context, kept, policy));
  serve("/docs", readerPage());
  serve("/docs/errors", errorsPage());
  for (const [name, guide] of Object.entries(GUIDES)) serve(`/docs/${name}`, guide());
  for (const [name, file] of Object.entries(readerFiles())) serve(`/docs/${name}`, file);
}

function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
