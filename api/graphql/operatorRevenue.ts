/** The revenue of an operator and its payers. */
import DataLoader from "dataloader";
import { type OperatorDemand, type Revenue, readDemands } from "../queries/operators/operatorRevenue.ts";
import { MAX_JOINT_PAYERS } from "../queries/payments/revenueTotals.ts";
import { FROM } from "../queries/state/list.ts";
import { builder } from "./builder/builder.ts";
import { oncePer } from "./execution/oncePer.ts";
import { readsRows } from "./execution/plan/reads.ts";
import type { View } from "./execution/state.ts";
import { byScope, cacheKeyFn, type OperatorKey } from "./operatorKeys.ts";
import { OperatorRef } from "./operators.ts";
import { tokenInfo } from "./tokens.ts";

const OperatorRevenue = builder.objectRef<Revenue>("OperatorRevenue").implement({
  description: "What an operator's payment addresses took in, in one token.",
  fields: (t) => ({
    token: t.expose("token", { type: "Address" }),
    tokenInfo: t.field(tokenInfo),
    raw: t.expose("raw", { type: "BigInt" }),
    organic: t.expose("organic", { type: "BigInt", nullable: true }),
    payments: t.expose("payments", { type: "Long" }),
    payers: t.expose("payers", {
      type: "Long",
      nullable: true,
      description: `Distinct payers; a count, null when more than ${MAX_JOINT_PAYERS} paid several of its addresses.`,
    }),
    effectivePayers: t.exposeFloat("effectivePayers", { nullable: true }),
  }),
});

/** As many keys as a page has items. */
const MAX_KEYS = 100;

const demandLoader = oncePer(
  (view: View) =>
    new DataLoader(
      (keys: readonly OperatorKey[]) =>
        byScope<OperatorDemand>(view, keys, async (scope, addresses) => {
          const [og, base] = [await view.og(), await view.optionalBase()];
          const demands = await readDemands(view.state.transaction, og, base, scope, addresses);
          return demands.map((demand, index) => [addresses[index] ?? "", demand]);
        }),
      { cacheKeyFn, maxBatchSize: MAX_KEYS },
    ),
);

builder.objectFields(OperatorRef, (t) => ({
  revenue: t.field({
    type: [OperatorRevenue],
    nullable: true,
    extensions: readsRows(FROM.ogAndMaybeBase, 10),
    resolve: async (operator) => (await demandLoader(operator.view).load(operator))?.revenue ?? null,
  }),
  payers: t.field({
    type: "Long",
    nullable: true,
    extensions: readsRows(FROM.ogAndMaybeBase, 10),
    resolve: async (operator) => (await demandLoader(operator.view).load(operator))?.payers ?? null,
  }),
}));
