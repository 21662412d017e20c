/** `/v1/payments`, `/v1/channels` and `/v1/channels/:id`. */
import { z } from "@hono/zod-openapi";
import { ApiError } from "../errors.ts";
import { CHANNEL_STATES, findChannel, listChannels } from "../queries/payments/channels.ts";
import { listPayments, PAYMENT_METHODS, SCHEMES } from "../queries/payments/payments.ts";
import type { KeyType } from "../queries/state/cursor.ts";
import type { ApiService } from "../queries/state/service.ts";
import { answerList, answerOne } from "./answer.ts";
import { address, amount, eventFields, hash32, tokenFields, unixSeconds } from "./fields.ts";
import {
  addressParameter,
  freshnessParameters,
  hashParameter,
  listParameters,
  oneOfParameter,
  rangeParameters,
} from "./parameters.ts";
import { type ApiApp, defineRoute } from "./route.ts";
import { tokenIncludeParameter } from "./tokenInfo.ts";

const EVENT_KEY: readonly KeyType[] = ["position", "log"];

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
    permittedAmount: amount().nullable().openapi({
      description: "The cap the payer signed; null when the proxy was called by another contract.",
    }),
    facilitator: address().openapi({ description: "Transaction sender." }),
    organic: z.boolean().nullable().openapi({
      description: "False when the payer is an insider; null while OpenGradient is not indexed.",
    }),
  })
  .openapi("Payment");

export const channelSchema = z
  .strictObject({
    channelId: hash32(),
    chainId: z.int(),
    payer: address(),
    payerAuthorizer: address(),
    receiver: address(),
    receiverAuthorizer: address(),
    ...tokenFields,
    withdrawDelaySeconds: z.int(),
    salt: hash32(),
    balance: amount(),
    claimed: amount().openapi({ description: "Claiming does not lower `balance`." }),
    refunded: amount(),
    withdrawn: amount(),
    pendingWithdrawal: z
      .strictObject({ amount: amount(), finalizableAt: unixSeconds().nullable() })
      .nullable(),
    state: z.enum(CHANNEL_STATES),
    createdAt: unixSeconds(),
    updatedAt: unixSeconds(),
  })
  .openapi("Channel");

const filters = {
  ...listParameters,
  ...rangeParameters,
  payer: addressParameter().optional(),
  payee: addressParameter().optional(),
  token: addressParameter().optional(),
  scheme: oneOfParameter(SCHEMES).optional(),
  include: tokenIncludeParameter(),
};

export function paymentRoutes(app: ApiApp, service: ApiService): void {
  defineRoute(
    app,
    {
      path: "/v1/payments",
      operationId: "listPayments",
      tag: "Payments",
      summary: "x402 payments, newest first.",
      answers: "list",
      schema: paymentSchema,
      params: {},
      query: { ...filters, facilitator: addressParameter().optional() },
    },
    (context, { query }) =>
      answerList(
        service,
        context,
        {
          sources: { required: ["base"], optional: ["og"] },
          query,
          keyTypes: EVENT_KEY,
          item: paymentSchema,
        },
        (state, page) =>
          listPayments(state.transaction, state.moment("base"), state.optionalMoment("og"), query, page),
      ),
  );

  const BASE = { required: ["base"] } as const;

  defineRoute(
    app,
    {
      path: "/v1/channels",
      operationId: "listChannels",
      tag: "Payments",
      summary: "Pre-funded accounts, the newest created first.",
      answers: "list",
      schema: channelSchema,
      params: {},
      query: { ...filters, state: oneOfParameter(CHANNEL_STATES).optional() },
    },
    (context, { query }) =>
      answerList(
        service,
        context,
        { sources: BASE, query, keyTypes: EVENT_KEY, item: channelSchema },
        (state, page) => listChannels(state.transaction, state.moment("base"), query, page),
      ),
  );

  defineRoute(
    app,
    {
      path: "/v1/channels/{id}",
      operationId: "getChannel",
      tag: "Payments",
      problems: ["channel-not-found"],
      summary: "One pre-funded account.",
      answers: "one",
      schema: channelSchema,
      params: { id: hashParameter() },
      query: { ...freshnessParameters, include: tokenIncludeParameter() },
    },
    (context, { params, query }) =>
      answerOne(service, context, { sources: BASE, query }, async (state) => {
        const channel = await findChannel(state.transaction, state.moment("base"), params.id);
        if (channel === null)
          throw new ApiError("channel-not-found", `id: no channel is "${params.id}"`, {
            parameter: "id",
            value: params.id,
          });
        return channel;
      }),
  );
}
