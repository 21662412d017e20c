/** `/v1/payers/:address`. */
import { z } from "@hono/zod-openapi";
import { ApiError } from "../errors.ts";
import { findPayer } from "../queries/payments/payers.ts";
import type { ApiService } from "../queries/state/service.ts";
import { answerOne } from "./answer.ts";
import { address, amount, count, tokenFields, unixSeconds } from "./fieldSchemas.ts";
import { addressParameter, freshnessParameters } from "./parameters.ts";
import { type ApiApp, defineRoute } from "./route.ts";
import { tokenIncludeParameter } from "./tokenInfo.ts";

const spendingFields = { ...tokenFields, raw: amount(), payments: count() };
const organic = amount().nullable();

export const payerSchema = z
  .strictObject({
    address: address(),
    firstPaidAt: unixSeconds().nullable(),
    lastPaidAt: unixSeconds().nullable(),
    insider: z.boolean().nullable(),
    payments: count().nullable(),
    spending: z.array(z.strictObject({ ...spendingFields, organic })).nullable(),
    operators: z
      .array(z.strictObject({ operator: address().nullable(), ...spendingFields, organic }))
      .nullable(),
    payees: z
      .array(
        z.strictObject({
          payee: address(),
          operator: address().nullable(),
          ...spendingFields,
          firstDayAt: unixSeconds(),
          lastDayAt: unixSeconds(),
        }),
      )
      .nullable(),
    payeeCount: count().nullable(),
    channels: z.strictObject({ open: count(), withdrawing: count(), closed: count() }).nullable(),
  })
  .openapi("Payer");

export function payerRoutes(app: ApiApp, service: ApiService): void {
  defineRoute(
    app,
    {
      path: "/v1/payers/{address}",
      operationId: "getPayer",
      tag: "Accounts",
      problems: ["payer-not-found"],
      summary: "What one address paid, in which tokens and to whom.",
      answers: "one",
      schema: payerSchema,
      params: { address: addressParameter() },
      query: { ...freshnessParameters, include: tokenIncludeParameter() },
    },
    (context, { params: { address }, query }) =>
      answerOne(
        service,
        context,
        { sources: { required: ["base"], optional: ["og"] }, query },
        async (state) => {
          const [base, og] = [state.moment("base"), state.optionalMoment("og")];
          const payer = await findPayer(state.transaction, base, og, address, service.settings);
          if (payer !== null) return payer;
          throw new ApiError("payer-not-found", `address: "${address}" never paid and funds no channel`, {
            parameter: "address",
            value: address,
          });
        },
      ),
  );
}
