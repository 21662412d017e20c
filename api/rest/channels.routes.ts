/** `/v1/channels`. */
import { z } from "@hono/zod-openapi";
import { ApiError } from "../errors.ts";
import { CHANNEL_STATES, CHANNELS, findChannel } from "../queries/payments/channels.ts";
import type { ApiService } from "../queries/state/service.ts";
import { answerOne } from "./answer.ts";
import { address, amount, hash32, tokenFields, unixSeconds } from "./fieldSchemas.ts";
import { defineList } from "./listRoute.ts";
import { freshnessParameters, hashParameter } from "./parameters.ts";
import { type ApiApp, defineRoute } from "./route.ts";
import { tokenIncludeParameter } from "./tokenInfo.ts";

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
    claimed: amount(),
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

export function channelRoutes(app: ApiApp, service: ApiService): void {
  defineList(app, service, {
    path: "/v1/channels",
    operationId: "listChannels",
    tag: "Payments",
    summary: "Pre-funded accounts, the newest created first.",
    schema: channelSchema,
    list: CHANNELS,
    query: { include: tokenIncludeParameter() },
  });

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
      answerOne(service, context, { sources: CHANNELS.sources, query }, async (state) => {
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
