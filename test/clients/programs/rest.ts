/** A client of the REST API with the types that openapi-typescript makes of `/openapi.json`: none is written by hand. */
import createClient from "openapi-fetch";
import type { paths } from "./generated/openapi.ts";

const [baseUrl = ""] = process.argv.slice(2);
/** Lists come as CSV and NDJSON too: this client asks for JSON. */
const client = createClient<paths, "application/json" | "application/problem+json">({ baseUrl });

const selection = await client.GET("/v1/select", { params: { query: { count: 3, seed: "clients" } } });
if (selection.error) throw new Error(`${selection.error.code}: ${selection.error.detail}`);

const nodes: { teeId: string; uptime: number | null; probability: number | undefined }[] = [];
let after: string | undefined;
do {
  const query = { limit: 2, sort: "registeredAt" as const, ...(after && { after }) };
  const { data, error } = await client.GET("/v1/nodes", { params: { query } });
  if (error) throw new Error(error.detail);
  for (const { teeId, metrics } of data.items)
    nodes.push({
      teeId,
      uptime: metrics["24h"].uptime,
      probability: selection.data.nodes.find(({ node }) => node.teeId === teeId)?.probability,
    });
  after = (data.pageInfo.hasNextPage && data.pageInfo.endCursor) || undefined;
} while (after !== undefined);

const proven = await client.GET("/v1/inferences", {
  params: { query: { signatureValid: true, limit: 1 } },
});
const receipts = await Promise.all(
  (proven.data?.items ?? []).map(async ({ id }) => {
    const { data } = await client.GET("/v1/inferences/{id}/receipt", { params: { path: { id } } });
    return data && { id: data.inferenceId, kind: data.settlement.kind, path: data.merkle?.path.length ?? 0 };
  }),
);

const absent = await client.GET("/v1/nodes/{teeId}", {
  params: { path: { teeId: `0x${"0".repeat(64)}` } },
});

// The types know what is not there.
// @ts-expect-error no such parameter
const refused = await client.GET("/v1/nodes", { params: { query: { nosuch: 1 } } });
// @ts-expect-error no such field
const nothing = selection.data.nosuch;

console.log(
  JSON.stringify({
    nodes,
    receipts,
    absent: absent.error?.code,
    refused: refused.error?.errors?.map(({ parameter }) => parameter),
    nothing,
    block: Number(selection.response.headers.get("OG-Block")),
  }),
);
