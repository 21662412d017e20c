/** `/v1/payments`. */
import { z } from "@hono/zod-openapi";
import { PAYMENT_METHODS, PAYMENTS, SCHEMES } from "../queries/payments/payments.ts";
import type { ApiService } from "../queries/state/service.ts";
import { address, amount, eventFields, tokenFields, unixSeconds } from "./fieldSchemas.ts";
import { defineList } from "./listRoute.ts";
import type { ApiApp } from "./route.ts";
import { tokenIncludeParameter } from "./tokenInfo.ts";

export const paymentSchema = z
  .strictObject({
    ...eventFields,
    paidAt: unixSeconds(),
    scheme: z.enum(SCHEMES),
    method: z.enum(PAYMENT_METHODS),
    ...tokenFields,
    payer: address(),
    payee: address(),
    amount: amount(),
    permittedAmount: amount().nullable(),
    facilitator: address(),
    organic: z.boolean().nullable(),
  })
  .openapi("Payment");

export function paymentRoutes(app: ApiApp, service: ApiService): void {
  defineList(app, service, {
    path: "/v1/payments",
    operationId: "listPayments",
    tag: "Payments",
    summary: "x402 payments, newest first.",
    schema: paymentSchema,
    list: PAYMENTS,
    query: { include: tokenIncludeParameter() },
  });
}
