/** `/docs`: Swagger UI, served by ourselves so that it works without the internet, with nothing inline. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type KeptAnswer, toKept } from "../rest/keptAnswer.ts";

/** Its files change with the software only; who has them asks again after a while, for a 304. */
const KEPT = "public, max-age=300";

/** Of pages: nothing comes from elsewhere, nothing is framed. Swagger UI's icons are data. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

export const page = (title: string, body: string): KeptAnswer =>
  toKept(
    `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${title}</title>
    <link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E%3Ccircle cx='4' cy='4' r='3' fill='%2314213d'/%3E%3C/svg%3E">
    <link rel="stylesheet" href="/docs/swagger-ui.css">
    <link rel="stylesheet" href="/docs/reader.css">
  </head>
  <body>
    <nav>
      <b>OpenGradient index</b>
      <a href="/docs">API</a>
      <a href="/docs/api.md">Guide</a>
      <a href="/openapi.json">openapi.json</a>
      <a href="/docs/errors">Errors</a>
      <a href="/graphql">GraphQL</a>
    </nav>
${body}
  </body>
</html>
`,
    "text/html; charset=utf-8",
    KEPT,
  );

export const readerPage = (): KeptAnswer =>
  page(
    "OpenGradient index: the API",
    `    <noscript>The reader needs JavaScript; <a href="/openapi.json">the document itself</a> does not.</noscript>
    <main id="reader"></main>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/reader.js"></script>`,
  );

const START = `SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reader",
  deepLinking: true,
  validatorUrl: null,
  filter: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  docExpansion: "list",
});
`;

const STYLE = `:root { color-scheme: light; }
body { margin: 0; background: #fff; font-family: system-ui, sans-serif; }
nav { display: flex; flex-wrap: wrap; gap: 0.5rem 1.5rem; align-items: baseline; padding: 0.8rem 1.25rem; background: #14213d; color: #fff; }
nav a { color: #cfe0ff; }
noscript { display: block; padding: 1.25rem; }
article { max-width: 46rem; margin: 0 auto; padding: 0 1.25rem 3rem; line-height: 1.5; }
article h2 { margin: 2rem 0 0.25rem; font: 600 1.1rem ui-monospace, monospace; }
article h2 small { color: #666; font-weight: 400; }
article p { margin: 0.25rem 0; }
article code { background: #f1f3f7; padding: 0 0.2em; border-radius: 3px; }
.swagger-ui, .swagger-ui .info :is(.title, li, p), .swagger-ui .opblock-tag,
.swagger-ui :is(.opblock-summary-description, .parameter__name, .opblock-tag small) { font-family: system-ui, sans-serif; }
.swagger-ui .info { margin: 1.5rem 0; }
.swagger-ui .scheme-container { display: none; }
`;

const require = createRequire(import.meta.url);
const file = (name: string) => readFileSync(require.resolve(`swagger-ui-dist/${name}`), "utf8");

const script = (body: string) => toKept(body, "text/javascript; charset=utf-8", KEPT);
const style = (body: string) => toKept(body, "text/css; charset=utf-8", KEPT);

/** The reader's files by name. */
export const readerFiles = (): Readonly<Record<string, KeptAnswer>> => ({
  "reader.js": script(START),
  "reader.css": style(STYLE),
  "swagger-ui.css": style(file("swagger-ui.css")),
  "swagger-ui-bundle.js": script(file("swagger-ui-bundle.js")),
});
