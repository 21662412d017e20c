/** SeriesPoint: one bucket of a series. */
import type { SeriesItem } from "../../queries/series/series.ts";
import { builder } from "../builder.ts";
import { TokenRevenue } from "./tokenRevenue.ts";

export const SeriesPoint = builder.objectRef<SeriesItem>("SeriesPoint").implement({
  description: "One bucket of a series.",
  fields: (t) => ({
    startAt: t.expose("startAt", {
      type: "Timestamp",
      description: "A full hour, or a midnight in UTC, unix seconds.",
    }),
    complete: t.exposeBoolean("complete", {
      description: "False while the bucket still runs: it holds what is indexed so far.",
    }),
    value: t.exposeFloat("value", {
      nullable: true,
      description:
        "The metric in its own unit (a count, seconds, or a share of 0 to 1); null where unknown, and in series of amounts. Zero is known to be zero.",
    }),
    tokens: t.expose("tokens", {
      type: [TokenRevenue],
      nullable: true,
      description: "Of series of amounts: per token; null where unknown, and in other series.",
    }),
  }),
});
