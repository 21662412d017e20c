/**
 * GraphiQL's page. It is nine megabytes of script, and what makes it several times that: a thread makes it when somebody
 * asks for it first, and only its compressed bytes stay.
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
  // Of the first tab: without it a reload opens an empty one.
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
    thread.once("exit", () => reject(new Error("the thread that makes GraphiQL's page ended without it")));
  });
  return { compressed, tag: weakTag(compressed) };
}

/** The page changes with the software only; who has it asks again after a while, for a 304. */
const KEPT = "public, max-age=300";

const takesGzip = (headers: Headers): boolean =>
  parseAccept(headers.get("Accept-Encoding") ?? "").some(
    ({ type, q }) => type.toLowerCase() === "gzip" && q > 0,
  );

/** Answers browsers that ask for GraphiQL. */
export function createGraphiqlPage(): (request: Request) => Promise<Response> {
  let made: Promise<Page> | undefined;
  return async ({ headers: asked }) => {
    made ??= makePage();
    const { compressed, tag } = await made.catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    const headers = new Headers({ ETag: tag, "Cache-Control": KEPT, Vary: "Accept, Accept-Encoding" });
    if (tagMatches(asked.get("If-None-Match") ?? undefined, tag))
      return new Response(null, { status: 304, headers });
    headers.set("Content-Type", "text/html; charset=utf-8");
    if (!takesGzip(asked)) {
      const plain = new Blob([compressed]).stream().pipeThrough(new DecompressionStream("gzip"));
      return new Response(plain, { headers });
    }
    headers.set("Content-Encoding", "gzip");
    headers.set("Content-Length", String(compressed.length));
    return new Response(compressed, { headers });
  };
}
