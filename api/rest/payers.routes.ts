/** `/v1/payers/:address`. */
import { z } from "@hono/zod-openapi";
import { ApiError } from "../errors.ts";
import { findPayer, MAX_CHANNELS, MAX_PAYEE_DAYS, MAX_RECIPIENTS } from "../queries/payments/payers.ts";
import type { ApiService } from "../queries/state/service.ts";
import { answerOne } from "./answer.ts";
import { address, amount, count, tokenFields, unixSeconds } from "./fieldSchemas.ts";
import { addressParameter, freshnessParameters } from "./parameters.ts";
import { type ApiApp, defineRoute } from "./route.ts";
import { tokenIncludeParameter } from "./tokenInfo.ts";

const spendingFields = { ...tokenFields, raw: amount(), payments: count() };
const organic = amount().nullable().openapi({
  description:
    "Counts for at most 1 OPG or 1 USDC per operator and UTC day; null for other tokens, and while OpenGradient is not indexed.",
});
const bounded = `null when the payer has more than ${MAX_PAYEE_DAYS} days of payees.`;

export const payerSchema = z
  .strictObject({
    address: address(),
    firstPaidAt: unixSeconds()
      .nullable()
      .openapi({ description: "Unix seconds; null for one who only funds channels." }),
    lastPaidAt: unixSeconds().nullable(),
    insider: z.boolean().nullable().openapi({
      description:
        "Whether it is a payment address, a relayer or an admin: then nothing it pays is organic. Null while OpenGradient is not indexed.",
    }),
    payments: count()
      .nullable()
      .openapi({ description: `Like the sums below, ${bounded}` }),
    spending: z
      .array(z.strictObject({ ...spendingFields, organic }))
      .nullable()
      .openapi({ description: "Per token." }),
    operators: z
      .array(z.strictObject({ operator: address().nullable(), ...spendingFields, organic }))
      .nullable()
      .openapi({
        description: `Per operator and token, the ${MAX_RECIPIENTS} paid most often; \`operator\` null stands for all payees that are no operator's own. Null while OpenGradient is not indexed.`,
      }),
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
      .nullable()
      .openapi({ description: `Per address and token, the ${MAX_RECIPIENTS} paid most often.` }),
    payeeCount: count().nullable().openapi({ description: "Distinct addresses that it paid." }),
    channels: z
      .strictObject({ open: count(), withdrawing: count(), closed: count() })
      .nullable()
      .openapi({
        description: `Channels that it funds, by state; null when there are more than ${MAX_CHANNELS}.`,
      }),
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
