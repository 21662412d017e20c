/** `/v1/inferences`, their receipts, and `/v1/nodes/:teeId/inferences`. */
import { z } from "@hono/zod-openapi";
import { receiptSchema } from "../../proofs/receipt.ts";
import { ApiError } from "../errors.ts";
import {
  findInference,
  INFERENCES,
  MAX_PLACES,
  UNCOUNTED_REASONS,
  type UncountedReason,
} from "../queries/inferences/inferences.ts";
import { readReceipt } from "../queries/inferences/receipts.ts";
import { NODE_STATUSES } from "../queries/nodes/nodeState.ts";
import { registriesOf } from "../queries/nodes/nodes.ts";
import { PRECISIONS } from "../queries/nodes/precision.ts";
import type { AnswerState } from "../queries/state/answerState.ts";
import type { ApiService } from "../queries/state/service.ts";
import { answerOne } from "./answer.ts";
import { address, byteLength, count, hash32, hashOfCut, hex, unixSeconds } from "./fieldSchemas.ts";
import { defineList } from "./listRoute.ts";
import { freshnessParameters, hashParameter } from "./parameters.ts";
import { type ApiApp, defineRoute } from "./route.ts";

export const inferenceSchema = z
  .strictObject({
    id: hash32(),
    teeId: hash32(),
    inputHash: hash32(),
    outputHash: hash32(),
    signedAt: unixSeconds().nullable(),
    signature: hex().nullable(),
    signatureBytes: byteLength(),
    signatureSha256: hashOfCut(),
    signatureValid: z.boolean().nullable(),
    counted: z.boolean(),
    uncountedReason: z.enum(UNCOUNTED_REASONS).nullable(),
    settlements: z.array(z.strictObject({ id: z.string(), leafIndex: z.int().nullable() })).openapi({
      description: `Where it was settled, the earliest ${MAX_PLACES}; \`/v1/settlements?inferenceId=\` lists all. \`leafIndex\` is null for an individual settlement.`,
    }),
    claimedPayers: z.array(address()),
    model: z.string().nullable(),
    promptTokens: count().nullable(),
    completionTokens: count().nullable(),
    nodeAtSigning: z
      .strictObject({
        registry: address(),
        status: z.enum(NODE_STATUSES),
        statusPrecision: z.enum(PRECISIONS),
        pcrHash: hash32().nullable(),
        pcrVersion: z.string().nullable(),
        pcrApproved: z.boolean(),
      })
      .nullable(),
  })
  .openapi("Inference");

/** Made anew with a name for the documents: the proofs know nothing of these. */
const receipt = z.object(receiptSchema.shape).openapi("Receipt");

export function inferenceRoutes(app: ApiApp, service: ApiService): void {
  const { registries } = service.settings;
  const { sources } = INFERENCES;

  defineList(app, service, {
    path: "/v1/inferences",
    operationId: "listInferences",
    tag: "Inferences",
    summary: "Inferences that settlements on chain hold, each once, newest signed first.",
    schema: inferenceSchema,
    list: INFERENCES,
  });

  const params = { id: hashParameter() };

  defineRoute(
    app,
    {
      path: "/v1/inferences/{id}",
      operationId: "getInference",
      tag: "Inferences",
      problems: ["inference-not-found"],
      summary: "One inference.",
      answers: "one",
      schema: inferenceSchema,
      params,
      query: freshnessParameters,
    },
    (context, { params, query }) =>
      answerOne(service, context, { sources, query }, (state) =>
        requireInference(state, params.id, registries),
      ),
  );

  defineRoute(
    app,
    {
      path: "/v1/inferences/{id}/receipt",
      operationId: "getReceipt",
      tag: "Inferences",
      problems: ["inference-not-found", "inference-not-proven"],
      summary:
        "The receipt of an inference, by the earliest settlement that proves it: one document that can be checked without us.",
      answers: "one",
      schema: receipt,
      params,
      query: freshnessParameters,
    },
    (context, { params, query }) =>
      answerOne(service, context, { sources, query }, async (state) => {
        const receipt = await readReceipt(state.transaction, state.proofs, state.moment("og"), params.id);
        if (receipt !== null) return receipt;
        const { signatureValid, uncountedReason, settlements } = await requireInference(
          state,
          params.id,
          registries,
        );
        throw new ApiError(
          "inference-not-proven",
          `id: "${params.id}" is settled but ${WHY_NOT[uncountedReason ?? "pending"]}`,
          {
            parameter: "id",
            value: params.id,
            signatureValid,
            uncountedReason,
            settlements,
          },
        );
      }),
  );

  defineList(app, service, {
    path: "/v1/nodes/{teeId}/inferences",
    operationId: "listNodeInferences",
    tag: "Nodes",
    problems: ["node-not-found"],
    summary: "A node's inferences, newest signed first.",
    schema: inferenceSchema,
    list: INFERENCES,
    params: { teeId: hashParameter() },
    scope: async ({ answer, params }) => {
      await requireRegistered(answer, params.teeId);
      return {};
    },
  });
}

async function requireRegistered(state: AnswerState, teeId: string): Promise<void> {
  const registries = await registriesOf(state.transaction, state.moment("og"), teeId);
  if (registries.length > 0) return;
  throw new ApiError("node-not-found", `teeId: "${teeId}" was not registered in any registry`, {
    parameter: "teeId",
    value: teeId,
    registries,
  });
}

const WHY_NOT: Readonly<Record<UncountedReason, string>> = {
  "unknown-node": "its node was not registered by then",
  "invalid-signature": "its signature is invalid",
  "unknown-key": "no registry has shown the node's key",
  pending: "its signature is not checked yet",
};

async function requireInference(state: AnswerState, id: string, registries: readonly string[]) {
  const { transaction, proofs } = state;
  const inference = await findInference(transaction, proofs, state.moment("og"), id, registries);
  if (inference !== null) return inference;
  throw new ApiError("inference-not-found", `id: no settlement on chain holds the inference "${id}"`, {
    parameter: "id",
    value: id,
  });
}
