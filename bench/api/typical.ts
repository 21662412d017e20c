/** The most frequent requests of SDKs, dashboards and explorers, about the largest objects. */
import type { Examples } from "./examples.ts";
import { DAY, headTime } from "./history/size.ts";

export interface TypicalQuestion {
  readonly name: string;
  readonly path: string;
}

const graphql = (query: string): string =>
  `/graphql?query=${encodeURIComponent(query.replaceAll(/\s+/g, " "))}`;

export function typicalQuestions(examples: Examples): readonly TypicalQuestion[] {
  const { nodes, payers, operators, models, inferences, size } = examples;
  const [node, payer, operator, model, inference] = [nodes, payers, operators, models, inferences].map(
    ([largest]) => largest,
  );
  const week = headTime(size) - 7 * DAY;
  return [
    { name: "which nodes next", path: "/v1/select?count=3&pcr=latest" },
    { name: "the best active nodes", path: "/v1/nodes?status=active&teeType=0&sort=score&limit=50" },
    { name: "a node in every window", path: `/v1/nodes/${node}` },
    { name: "a node's settlements", path: `/v1/settlements?teeId=${node}` },
    {
      name: "a node's inferences by model",
      path: `/v1/inferences?teeId=${node}&model=${encodeURIComponent(model ?? "")}`,
    },
    { name: "a receipt", path: `/v1/inferences/${inference}/receipt` },
    { name: "a payer's payments", path: `/v1/payments?payer=${payer}` },
    { name: "an operator", path: `/v1/operators/${operator}` },
    {
      name: "the network, 7 days by hour",
      path: `/v1/network/series?metric=inferences&interval=hour&from=${week}`,
    },
    {
      name: "operator, nodes, series (GraphQL)",
      path: graphql(`{
        operator(address: "${operator}") {
          address
          nodeCounts { total active }
          nodes(first: 4) { nodes {
            teeId
            status
            score { value }
            uptime: series(metric: UPTIME, interval: DAY) { startAt value }
            settlements(first: 5) { nodes { eventId settledAt verdict } }
          } }
        }
      }`),
    },
  ];
}
