/** `/v1/onchain-inferences`. */
import { z } from "@hono/zod-openapi";
import {
  INFERENCE_KINDS,
  INFERENCE_MODES,
  ONCHAIN_INFERENCES,
} from "../queries/inferences/onchainInferences.ts";
import type { ApiService } from "../queries/state/service.ts";
import { address, byteLength, eventFields, hashOfCut, hex, unixSeconds } from "./fieldSchemas.ts";
import { defineList } from "./listRoute.ts";
import { refuseLargePage, wordsParameter } from "./parameters.ts";
import type { ApiApp } from "./route.ts";

export const onchainInferenceSchema = z
  .strictObject({
    ...eventFields,
    timestamp: unixSeconds(),
    kind: z.enum(INFERENCE_KINDS),
    mode: z.enum(INFERENCE_MODES).nullable(),
    modelCid: z.string().nullable(),
    modelCidHex: hex().nullable(),
    modelCidBytes: byteLength(),
    modelCidSha256: hashOfCut(),
    inferenceId: z.string().nullable(),
    inferenceIdHex: hex().nullable(),
    inferenceIdBytes: byteLength(),
    inferenceIdSha256: hashOfCut(),
    caller: address(),
    hub: z
      .strictObject({ address: address(), event: z.string().nullable(), logIndex: z.int().nullable() })
      .nullable(),
    content: z
      .strictObject({
        request: z.unknown(),
        response: z.unknown(),
        result: z.unknown(),
        shortened: z.boolean(),
      })
      .nullable(),
  })
  .openapi("OnchainInference");

/** Contents are decoded one by one and can be large. */
const MAX_CONTENTS = 100;

export function onchainInferenceRoutes(app: ApiApp, service: ApiService): void {
  defineList(app, service, {
    path: "/v1/onchain-inferences",
    operationId: "listOnchainInferences",
    tag: "Inferences",
    summary: "On-chain (PIPE) inferences and scheduled workflows, newest first.",
    schema: onchainInferenceSchema,
    list: ONCHAIN_INFERENCES,
    query: {
      include: wordsParameter(
        ["content"],
        `\`content\`: requests and responses, with at most ${MAX_CONTENTS} items a page.`,
      ).default([]),
    },
    check: (query) => refuseLargePage(query, "content", MAX_CONTENTS),
    scope: ({ query }) => ({
      contents: query.include.includes("content") ? "with-content" : "without-content",
    }),
  });
}
