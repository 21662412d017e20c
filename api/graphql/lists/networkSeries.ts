/** Series of the network. */
import {
  isPaid,
  listNetworkPaymentSeries,
  listNetworkSeries,
  type SeriesItem,
} from "../../queries/series.ts";
import { operatorScope, registriesMeant } from "../../queries/service.ts";
import type { View } from "../view.ts";
import { type NetworkSeriesMetric, type SeriesArguments, seriesQuery } from "./series.ts";

export async function networkSeries(
  view: View,
  registry: string | null | undefined,
  { metric, ...range }: SeriesArguments<typeof NetworkSeriesMetric.$inferType>,
): Promise<readonly SeriesItem[]> {
  const { transaction, settings } = view.state;
  const registries = registriesMeant(settings, registry ?? undefined);
  const query = seriesQuery(range);
  if (!isPaid(metric))
    return listNetworkSeries(transaction, view.state.proofs, await view.og(), registries, metric, query);
  const scope = operatorScope(settings, registries);
  const [og, base] = [await view.optionalOg(), await view.base()];
  return listNetworkPaymentSeries(transaction, og, base, metric, query, scope);
}
