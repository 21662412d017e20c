/** Series of the network. */
import {
  isPaid,
  listNetworkPaymentSeries,
  listNetworkSeries,
  type SeriesItem,
} from "../../queries/series/series.ts";
import { operatorScope, resolveRegistries } from "../../queries/state/service.ts";
import type { View } from "../execution/view.ts";
import { type NetworkSeriesMetric, type SeriesArguments, seriesQuery } from "./series.ts";

export async function networkSeries(
  view: View,
  registry: string | null | undefined,
  { metric, ...range }: SeriesArguments<typeof NetworkSeriesMetric.$inferType>,
): Promise<readonly SeriesItem[]> {
  const { transaction, settings } = view.state;
  const registries = resolveRegistries(settings, registry ?? undefined);
  const query = seriesQuery(range);
  if (!isPaid(metric))
    return listNetworkSeries(transaction, view.state.proofs, await view.og(), registries, metric, query);
  const scope = operatorScope(settings, registries);
  const [og, base] = [await view.optionalOg(), await view.base()];
  return listNetworkPaymentSeries(transaction, og, base, metric, query, scope);
}
