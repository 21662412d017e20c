/**
 * Serves GraphiQL's page, nine megabytes of script. Rendering it takes several times that, so a worker thread renders it at
 * the first request, and only the compressed bytes are kept.
 */
import { Worker } from "node:worker_threads";
import { parseAccept } from "hono/utils/accept";
import { tagMatches, weakTag } from "../../queries/state/asOf.ts";
import { EXAMPLES, LIVE_EXAMPLE } from "./examples.ts";

const TABS = [...EXAMPLES, LIVE_EXAMPLE].map(({ query, variables }) => ({
  query,
  variables: JSON.stringify(variables, null, 2),
}));

const OPTIONS = {
  title: "OpenGradient index",
  endpoint: "/graphql",
  // The first tab's: without them, a reload opens an empty tab.
  ...TABS[0],
  defaultTabs: TABS,
  defaultEditorToolsVisibility: "variables",
};

interface Page {
  readonly compressed: Uint8Array<ArrayBuffer>;
  readonly tag: string;
}

async function makePage(): Promise<Page> {
  const compressed = await new Promise<Uint8Array<ArrayBuffer>>((resolve, reject) => {
    const thread = new Worker(new URL("./renderThread.mjs", import.meta.url), {
      workerData: OPTIONS,
      execArgv: [],
    });
    thread.once("message", resolve).once("error", reject);
    thread.once("exit", () => reject(new Error("the thread that renders GraphiQL exited without a page")));
  });
  return { compressed, tag: weakTag(compressed) };
}

/** The page changes only with the software; browsers revalidate it and get a 304. */
const CACHE_CONTROL = "public, max-age=300";

const acceptsGzip = (headers: Headers): boolean =>
  parseAccept(headers.get("Accept-Encoding") ?? "").some(
    ({ type, q }) => type.toLowerCase() === "gzip" && q > 0,
  );

/** Answers requests of browsers for GraphiQL. */
export function createGraphiqlPage(): (request: Request) => Promise<Response> {
  let made: Promise<Page> | undefined;
  return async ({ headers: request }) => {
    made ??= makePage();
    const { compressed, tag } = await made.catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    const headers = new Headers({
      ETag: tag,
      "Cache-Control": CACHE_CONTROL,
      Vary: "Accept, Accept-Encoding",
    });
    if (tagMatches(request.get("If-None-Match") ?? undefined, tag))
      return new Response(null, { status: 304, headers });
    headers.set("Content-Type", "text/html; charset=utf-8");
    if (!acceptsGzip(request)) {
      const plain = new Blob([compressed]).stream().pipeThrough(new DecompressionStream("gzip"));
      return new Response(plain, { headers });
    }
    headers.set("Content-Encoding", "gzip");
    headers.set("Content-Length", String(compressed.length));
    return new Response(compressed, { headers });
  };
}
