/** urql, with documents that gql.tada types by the schema's introspection: none is written by hand. */
import { Client, fetchExchange } from "@urql/core";
import { initGraphQLTada } from "gql.tada";
import type { introspection } from "./generated/introspection.d.ts";

const [baseUrl = ""] = process.argv.slice(2);
const graphql = initGraphQLTada<{ introspection: introspection }>();
const client = new Client({ url: `${baseUrl}/graphql`, exchanges: [fetchExchange], preferGetMethod: true });

const Nodes = graphql(`
  query Nodes($first: Int!, $after: String) {
    nodes(first: $first, after: $after, sort: REGISTERED_AT) {
      nodes {
        teeId
        status
        metrics(window: LAST_24H) { uptime }
        operator { address }
      }
      pageInfo { hasNextPage endCursor }
    }
    asOf { og { blockNumber } }
  }
`);

const nodes: object[] = [];
let block: number | undefined;
let after: string | null = null;
do {
  const { data, error } = await client.query(Nodes, { first: 2, after }).toPromise();
  if (!data?.nodes) throw error ?? new Error("no nodes");
  for (const node of data.nodes.nodes)
    nodes.push({ teeId: node.teeId, uptime: node.metrics?.uptime, active: node.status === "ACTIVE" });
  block = Number(data.asOf.og?.blockNumber);
  after = data.nodes.pageInfo.hasNextPage ? data.nodes.pageInfo.endCursor : null;
} while (after !== null);

const Receipt = graphql(`
  query Receipt {
    inferences(first: 1, filter: { signatureValid: true }) {
      nodes { inferenceId receipt }
    }
  }
`);
const proven = await client.query(Receipt, {}).toPromise();

const Refused = graphql(`
  query Refused {
    nodes(first: 100000) { nodes { teeId } }
  }
`);
const refused = await client.query(Refused, {}).toPromise();

// The types know what is not there.
// @ts-expect-error a number
client.query(Nodes, { first: "2" });
// @ts-expect-error no such field
const nothing = proven.data?.inferences?.nosuch;

console.log(
  JSON.stringify({
    nodes,
    receipts: proven.data?.inferences?.nodes.map(({ inferenceId, receipt }) => ({ inferenceId, receipt })),
    refused: refused.error?.graphQLErrors.map(({ extensions }) => extensions.code),
    nothing,
    block,
  }),
);
