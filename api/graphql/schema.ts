/** The schema: every type is built when its module is loaded. */
import "./types/accounts.ts";
import "./types/channel.ts";
import "./types/batchLeaf.ts";
import "./types/inference.ts";
import "./types/model.ts";
import "./types/nodeHistory.ts";
import "./types/onchainInference.ts";
import "./types/operator.ts";
import "./types/payment.ts";
import "./types/registryRecords.ts";
import "./types/settlement.ts";
import "./types/teeNode.ts";
import "./query.ts";
import "./subscription.ts";
import { lexicographicSortSchema, printSchema } from "graphql";
import { builder } from "./builder.ts";

export const schema = builder.toSchema();

/** The schema in GraphQL's own language, as `schema.graphql` holds it. */
export const printedSchema = (): string => `${printSchema(lexicographicSortSchema(schema))}\n`;
