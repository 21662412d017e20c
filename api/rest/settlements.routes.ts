/** `/v1/settlements` and `/v1/onchain-inferences`. */
import { z } from "@hono/zod-openapi";
import { ApiError } from "../errors.ts";
import type { KeyType } from "../queries/cursor.ts";
import { parseEventId } from "../queries/eventId.ts";
import { INFERENCE_KINDS, INFERENCE_MODES, listOnchainInferences } from "../queries/onchainInferences.ts";
import type { ApiService } from "../queries/service.ts";
import { findSettlement, listSettlements, SETTLEMENT_KINDS, VERDICTS } from "../queries/settlements.ts";
import { answerList, answerOne } from "./answer.ts";
import { count, eventFields, hex, unixSeconds } from "./fields.ts";
import {
  addressParameter,
  freshnessParameters,
  hashParameter,
  listParameters,
  oneOfParameter,
  rangeParameters,
  wordsParameter,
} from "./parameters.ts";
import { type ApiApp, defineRoute } from "./route.ts";

const EVENT_KEY: readonly KeyType[] = ["position", "log"];
const OG = { required: ["og"] } as const;

const settlementFields = {
  ...eventFields,
  kind: z.enum(SETTLEMENT_KINDS),
  relay: hex(),
  settledAt: unixSeconds().openapi({ description: "Block time." }),
  relayer: hex().openapi({ description: "Transaction sender." }),
  teeId: hex().nullable(),
  claimedPayer: hex().nullable().openapi({ description: "The relayer's claim: it is not signed." }),
  inputHash: hex().nullable(),
  outputHash: hex().nullable(),
  signedAt: unixSeconds().nullable(),
  signature: hex().nullable(),
  merkleRoot: hex().nullable(),
  batchSize: count().nullable().openapi({ description: "The relayer's claim." }),
  blobId: z.string().nullable(),
  blobIdHex: hex().nullable().openapi({ description: "The raw bytes, when they are no blob id." }),
  verdict: z.enum(VERDICTS),
  reason: z.string().nullable(),
  leafCount: count().nullable(),
  validLeaves: count().nullable(),
  invalidLeaves: count().nullable(),
  payload: z.strictObject({ state: z.string(), reason: z.string().nullable() }).nullable(),
};

export const settlementSchema = z.strictObject(settlementFields).openapi("Settlement");
export const settlementDetailSchema = z
  .strictObject({
    ...settlementFields,
    leaves: z
      .array(z.looseObject({}))
      .nullable()
      .openapi({ description: "Of a batch: its leaves with their verdicts; null while it is not checked." }),
  })
  .openapi("SettlementDetail");

export const onchainInferenceSchema = z
  .strictObject({
    ...eventFields,
    timestamp: unixSeconds(),
    kind: z.enum(INFERENCE_KINDS),
    mode: z.enum(INFERENCE_MODES).nullable(),
    modelCid: z.string().nullable(),
    modelCidHex: hex().nullable(),
    inferenceId: z.string().nullable(),
    inferenceIdHex: hex().nullable(),
    caller: hex(),
    hub: z
      .strictObject({ address: hex(), event: z.string().nullable(), logIndex: z.int().nullable() })
      .nullable(),
    content: z
      .strictObject({
        request: z.unknown(),
        response: z.unknown(),
        result: z.unknown(),
        shortened: z.boolean(),
      })
      .nullable()
      .openapi({
        description: "With `include=content`: shortened and sanitised; null parts cannot be read.",
      }),
  })
  .openapi("OnchainInference");

/** Contents are decoded one by one and can be large. */
const MOST_CONTENTS = 100;

export function settlementRoutes(app: ApiApp, service: ApiService): void {
  defineRoute(
    app,
    {
      path: "/v1/settlements",
      summary: "Settlements of every generation, newest first.",
      answers: "list",
      schema: settlementSchema,
      params: {},
      query: {
        ...listParameters,
        ...rangeParameters,
        kind: oneOfParameter(SETTLEMENT_KINDS).optional(),
        teeId: hashParameter().optional(),
        payer: addressParameter().optional(),
        relayer: addressParameter().optional(),
        verdict: oneOfParameter(VERDICTS).optional(),
        merkleRoot: hashParameter().optional(),
      },
    },
    (context, { query }) =>
      answerList(
        service,
        context,
        { sources: OG, query, keyTypes: EVENT_KEY, item: settlementSchema },
        (state, page) => listSettlements(state.transaction, state.moment("og"), query, page),
      ),
  );

  defineRoute(
    app,
    {
      path: "/v1/settlements/{id}",
      summary: "One settlement; a batch with its leaves.",
      answers: "one",
      schema: settlementDetailSchema,
      params: {
        id: z.string().refine((text) => parseEventId(text) !== null, { error: "chainId-txHash-logIndex" }),
      },
      query: freshnessParameters,
    },
    (context, { params, query }) =>
      answerOne(service, context, { sources: OG, query }, async (state) => {
        const moment = state.moment("og");
        const id = parseEventId(params.id);
        const settlement =
          id === null || id.chainId !== moment.chainId
            ? null
            : await findSettlement(state.transaction, moment, id);
        if (settlement === null)
          throw new ApiError("settlement-not-found", `id: no settlement is "${params.id}"`, {
            parameter: "id",
            value: params.id,
          });
        return { ...settlement, leaves: null };
      }),
  );

  defineRoute(
    app,
    {
      path: "/v1/onchain-inferences",
      summary: "On-chain (PIPE) inferences and scheduled workflows, newest first.",
      answers: "list",
      schema: onchainInferenceSchema,
      params: {},
      query: {
        ...listParameters,
        ...rangeParameters,
        mode: oneOfParameter(INFERENCE_MODES).optional(),
        kind: oneOfParameter(INFERENCE_KINDS).optional(),
        modelCid: z
          .string()
          .refine((text) => !text.includes("\0"), { error: "text without NUL" })
          .optional(),
        caller: addressParameter().optional(),
        include: wordsParameter(
          ["content"],
          `\`content\`: requests and responses, with at most ${MOST_CONTENTS} items a page.`,
        ).default([]),
      },
    },
    (context, { query }) => {
      const contents = query.include.includes("content") ? "with-content" : "without-content";
      if (contents === "with-content" && query.limit > MOST_CONTENTS)
        throw new ApiError(
          "invalid-parameter",
          `limit: "${query.limit}": a whole number from 1 to ${MOST_CONTENTS} with include=content`,
          {
            parameter: "limit",
            value: String(query.limit),
            rule: `a whole number from 1 to ${MOST_CONTENTS} with include=content`,
          },
        );
      return answerList(
        service,
        context,
        { sources: OG, query, keyTypes: EVENT_KEY, item: onchainInferenceSchema },
        (state, page) => listOnchainInferences(state.transaction, state.moment("og"), query, contents, page),
      );
    },
  );
}
