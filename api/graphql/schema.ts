/** The schema. Each domain registers its types and fields when its file is loaded. */
import "./channels.ts";
import "./groupMetrics.ts";
import "./inferenceLists.ts";
import "./inferences.ts";
import "./leaves.ts";
import "./models.ts";
import "./network.ts";
import "./networkSeries.ts";
import "./nodeHistory.ts";
import "./nodeLists.ts";
import "./nodeMetrics.ts";
import "./nodeRecord.ts";
import "./nodeSeries.ts";
import "./nodes.ts";
import "./onchainInferences.ts";
import "./operatorRevenue.ts";
import "./operators.ts";
import "./payers.ts";
import "./payments.ts";
import "./registry.ts";
import "./relayers.ts";
import "./scores.ts";
import "./selection.ts";
import "./settlementLists.ts";
import "./settlements.ts";
import "./status.ts";
import "./stream.ts";
import { lexicographicSortSchema, printSchema } from "graphql";
import { builder } from "./builder/builder.ts";

export const schema = builder.toSchema();

/** The schema in GraphQL's own language, as `schema.graphql` holds it. */
export const printedSchema = (): string => `${printSchema(lexicographicSortSchema(schema))}\n`;
