/** `/v1/settlements` and `/v1/onchain-inferences`. */
import { z } from "@hono/zod-openapi";
import { ApiError } from "../errors.ts";
import {
  INFERENCE_KINDS,
  INFERENCE_MODES,
  listOnchainInferences,
} from "../queries/inferences/onchainInferences.ts";
import { MAX_LIST_BYTES, type Page } from "../queries/reading/page.ts";
import { LEAF_VERDICTS, type Leaf, listLeaves } from "../queries/settlements/leaves.ts";
import { SETTLEMENT_KINDS, VERDICTS } from "../queries/settlements/settlementFilters.ts";
import {
  findSettlement,
  listSettlements,
  PAYLOAD_STATES,
  type Settlement,
} from "../queries/settlements/settlements.ts";
import type { AnswerState } from "../queries/state/answerState.ts";
import { encodeCursor, type KeyType, questionDigest } from "../queries/state/cursor.ts";
import { parseEventId } from "../queries/state/eventId.ts";
import { pinOf } from "../queries/state/pin.ts";
import type { ApiService } from "../queries/state/service.ts";
import { answerList, answerOne } from "./answer.ts";
import {
  address,
  byteLength,
  count,
  eventFields,
  firstOf,
  hash32,
  hashOfCut,
  hex,
  unixSeconds,
} from "./fields.ts";
import {
  addressParameter,
  blobIdParameter,
  freshnessParameters,
  hashParameter,
  listParameters,
  oneOfParameter,
  rangeParameters,
  textParameter,
  wordsParameter,
} from "./parameters.ts";
import { type ApiApp, defineRoute, pageInfoSchema } from "./route.ts";

const EVENT_KEY: readonly KeyType[] = ["position", "log"];
const OG = { required: ["og"] } as const;
const OG_AND_PROOFS = { ...OG, proofs: "read" } as const;

/** A batch shows so many of its leaves; the rest are below it. */
const LEAVES_SHOWN = 100;

const settlementFields = {
  ...eventFields,
  kind: z.enum(SETTLEMENT_KINDS),
  relay: address(),
  settledAt: unixSeconds(),
  relayer: address().openapi({ description: "Transaction sender." }),
  teeId: hash32().nullable(),
  inferenceId: hash32().nullable().openapi({
    description:
      "Of an individual settlement: keccak256(abi.encode(teeId, inputHash, outputHash, timestamp)).",
  }),
  claimedPayer: address().nullable().openapi({ description: "The relayer's claim: it is not signed." }),
  inputHash: hash32().nullable(),
  outputHash: hash32().nullable(),
  signedAt: unixSeconds().nullable(),
  signature: hex()
    .nullable()
    .openapi({ description: `RSA-PSS; ${firstOf(MAX_LIST_BYTES)}` }),
  signatureBytes: byteLength(),
  signatureSha256: hashOfCut(),
  merkleRoot: hash32().nullable(),
  batchSize: count().nullable().openapi({ description: "The relayer's claim." }),
  blobId: z.string().nullable(),
  blobIdHex: hex()
    .nullable()
    .openapi({ description: `The raw bytes, when they are no blob id; ${firstOf(MAX_LIST_BYTES)}` }),
  blobIdBytes: byteLength(),
  blobIdSha256: hashOfCut(),
  verdict: z.enum(VERDICTS).openapi({
    description:
      "`verified`: every signature is valid. `partial`: the root is right, but some leaves do not count or their number differs from `batchSize`. `invalid`: the blob's values do not give the root, or the signature is invalid. `unavailable`: the blob cannot be had. `unverifiable`: a legacy event without a signature.",
  }),
  reason: z.string().nullable().openapi({ description: "A stable code: why the verdict is not `verified`." }),
  detail: z.string().nullable().openapi({
    description: "The reason as a sentence, with the value and the rule.",
  }),
  leafCount: count().nullable().openapi({ description: "Of a batch whose values give its root." }),
  validLeaves: count().nullable().openapi({
    description: "Signature valid, and the node registered at or before the settlement.",
  }),
  invalidLeaves: count().nullable().openapi({ description: "Signature invalid: the relayer's doing." }),
  payload: z
    .strictObject({ state: z.enum(PAYLOAD_STATES), reason: z.string().nullable() })
    .nullable()
    .openapi({
      description:
        "Of an individual settlement: what became of the blob it names. `matched`: its contents hash to what was signed. It has no part in the verdict.",
    }),
};

export const leafSchema = z
  .strictObject({
    leafIndex: count().openapi({ description: "Its place among the blob's values, from 0." }),
    inferenceId: hash32(),
    teeId: hash32(),
    inputHash: hash32(),
    outputHash: hash32(),
    timestamp: z.string().openapi({
      description: "When the enclave signed, unix seconds: a uint256 in decimal, exactly as signed.",
    }),
    signature: hex().openapi({
      description: "At most its first 4,096 bytes; none that is one has more than 256.",
    }),
    signatureBytes: count().openapi({ description: "How many bytes it has, shown or not." }),
    signatureSha256: hashOfCut(),
    verdict: z.enum(LEAF_VERDICTS).openapi({
      description:
        "`unknown-node`: no registry has shown the node's key, or it was registered after the settlement.",
    }),
  })
  .openapi("Leaf");

export const settlementSchema = z.strictObject(settlementFields).openapi("Settlement");
export const settlementDetailSchema = z
  .strictObject({
    ...settlementFields,
    leaves: z
      .strictObject({ items: z.array(leafSchema), pageInfo: pageInfoSchema })
      .nullable()
      .openapi({
        description: `Of a batch whose values give its root: its first ${LEAVES_SHOWN} leaves in the blob's order. \`/v1/settlements/{id}/leaves\` has all; \`endCursor\` goes on there.`,
      }),
  })
  .openapi("SettlementDetail");

export const onchainInferenceSchema = z
  .strictObject({
    ...eventFields,
    timestamp: unixSeconds(),
    kind: z.enum(INFERENCE_KINDS),
    mode: z.enum(INFERENCE_MODES).nullable(),
    modelCid: z.string().nullable(),
    modelCidHex: hex().nullable().openapi({
      description: "The raw bytes, when `modelCid` is not exactly what they say; at most 4,096.",
    }),
    modelCidBytes: byteLength(),
    modelCidSha256: hashOfCut(),
    inferenceId: z.string().nullable(),
    inferenceIdHex: hex().nullable().openapi({
      description: "The raw bytes, when `inferenceId` is not exactly what they say; at most 4,096.",
    }),
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
      .nullable()
      .openapi({
        description: "With `include=content`: shortened and sanitised; null parts cannot be read.",
      }),
  })
  .openapi("OnchainInference");

/** Contents are decoded one by one and can be large. */
const MAX_CONTENTS = 100;

async function requireSettlement(state: AnswerState, text: string): Promise<Settlement> {
  const moment = state.moment("og");
  const id = parseEventId(text);
  const settlement =
    id === null || id.chainId !== moment.chainId
      ? null
      : await findSettlement(state.transaction, state.proofs, moment, id);
  if (settlement !== null) return settlement;
  throw new ApiError("settlement-not-found", `id: no settlement is "${text}"`, {
    parameter: "id",
    value: text,
  });
}

/** A first page whose cursor belongs to the list of all leaves. */
function shownLeaves({ asOf }: AnswerState, { id }: Settlement, { items, endKey, hasNextPage }: Page<Leaf>) {
  const question = questionDigest(`/v1/settlements/${id}/leaves`, {});
  const endCursor = endKey === null ? null : encodeCursor({ pin: pinOf(asOf), key: endKey }, question);
  return { items, pageInfo: { endCursor, hasNextPage } };
}

export function settlementRoutes(app: ApiApp, service: ApiService): void {
  defineRoute(
    app,
    {
      path: "/v1/settlements",
      operationId: "listSettlements",
      tag: "Settlements",
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
        txHash: hashParameter().optional(),
        blobId: blobIdParameter().optional(),
        inferenceId: hashParameter()
          .optional()
          .openapi({ description: "Individual settlements of it, and batches with a leaf of it." }),
      },
    },
    (context, { query }) =>
      answerList(
        service,
        context,
        { sources: OG_AND_PROOFS, query, keyTypes: EVENT_KEY, item: settlementSchema },
        (state, page) => listSettlements(state.transaction, state.proofs, state.moment("og"), query, page),
      ),
  );

  const params = {
    id: z
      .string()
      .refine((text) => parseEventId(text) !== null, { error: "chainId-txHash-logIndex" })
      .transform((text) => text.toLowerCase()),
  };

  defineRoute(
    app,
    {
      path: "/v1/settlements/{id}",
      operationId: "getSettlement",
      tag: "Settlements",
      problems: ["settlement-not-found"],
      summary: "One settlement; a batch with its first leaves and their verdicts.",
      answers: "one",
      schema: settlementDetailSchema,
      params,
      query: freshnessParameters,
    },
    (context, { params, query }) =>
      answerOne(service, context, { sources: OG_AND_PROOFS, query }, async (state) => {
        const settlement = await requireSettlement(state, params.id);
        if (settlement.leafCount === null) return { ...settlement, leaves: null };
        const page = { limit: LEAVES_SHOWN, after: null };
        const leaves = await listLeaves(
          state.transaction,
          state.proofs,
          state.moment("og"),
          settlement,
          {},
          page,
        );
        return { ...settlement, leaves: shownLeaves(state, settlement, leaves) };
      }),
  );

  defineRoute(
    app,
    {
      path: "/v1/settlements/{id}/leaves",
      operationId: "listSettlementLeaves",
      tag: "Settlements",
      problems: ["settlement-not-found"],
      summary: "The leaves of a batch with their verdicts, in the blob's order; none while it is not proven.",
      answers: "list",
      schema: leafSchema,
      params,
      query: { ...listParameters, verdict: oneOfParameter(LEAF_VERDICTS).optional() },
    },
    (context, { params, query }) =>
      answerList(
        service,
        context,
        { sources: OG_AND_PROOFS, query, keyTypes: ["log"], item: leafSchema },
        async (state, page) =>
          listLeaves(
            state.transaction,
            state.proofs,
            state.moment("og"),
            await requireSettlement(state, params.id),
            query,
            page,
          ),
      ),
  );

  defineRoute(
    app,
    {
      path: "/v1/onchain-inferences",
      operationId: "listOnchainInferences",
      tag: "Inferences",
      summary: "On-chain (PIPE) inferences and scheduled workflows, newest first.",
      answers: "list",
      schema: onchainInferenceSchema,
      params: {},
      query: {
        ...listParameters,
        ...rangeParameters,
        mode: oneOfParameter(INFERENCE_MODES).optional(),
        kind: oneOfParameter(INFERENCE_KINDS).optional(),
        modelCid: textParameter().optional(),
        caller: addressParameter().optional(),
        include: wordsParameter(
          ["content"],
          `\`content\`: requests and responses, with at most ${MAX_CONTENTS} items a page.`,
        ).default([]),
      },
    },
    (context, { query }) => {
      const contents = query.include.includes("content") ? "with-content" : "without-content";
      if (contents === "with-content" && query.limit > MAX_CONTENTS)
        throw new ApiError(
          "invalid-parameter",
          `limit: "${query.limit}": a whole number from 1 to ${MAX_CONTENTS} with include=content`,
          {
            parameter: "limit",
            value: String(query.limit),
            rule: `a whole number from 1 to ${MAX_CONTENTS} with include=content`,
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
