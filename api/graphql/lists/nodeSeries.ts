/** Series of a node. */
import type { Node } from "../../queries/nodes/nodes.ts";
import {
  isPaid,
  listNodePaymentSeries,
  listNodeSeries,
  type SeriesItem,
} from "../../queries/series/series.ts";
import type { Seen } from "../execution/view.ts";
import { type NodeSeriesMetric, type SeriesArguments, seriesQuery } from "./series.ts";

export async function nodeSeries(
  node: Seen<Node>,
  { metric, ...range }: SeriesArguments<typeof NodeSeriesMetric.$inferType>,
): Promise<readonly SeriesItem[]> {
  const { view } = node;
  const { transaction, settings, currentRegistry } = view.state;
  const [og, query] = [await view.og(), seriesQuery(range)];
  return isPaid(metric)
    ? listNodePaymentSeries(
        transaction,
        og,
        await view.base(),
        node,
        metric,
        query,
        settings.dailyOrganicCaps,
      )
    : listNodeSeries(transaction, view.state.proofs, og, node, metric, query, currentRegistry);
}
