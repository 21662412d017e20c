/** `/v1/settlements` and the leaves of batches. */
import { z } from "@hono/zod-openapi";
import { ApiError } from "../errors.ts";
import type { Page } from "../queries/reading/page.ts";
import { LEAF_VERDICTS, LEAVES, type Leaf, listLeaves } from "../queries/settlements/leaves.ts";
import { SETTLEMENT_KINDS, VERDICTS } from "../queries/settlements/settlementFilters.ts";
import {
  findSettlement,
  PAYLOAD_STATES,
  SETTLEMENTS,
  type Settlement,
} from "../queries/settlements/settlements.ts";
import type { AnswerState } from "../queries/state/answerState.ts";
import { encodeCursor, questionDigest } from "../queries/state/cursor.ts";
import { parseEventId } from "../queries/state/eventId.ts";
import { pinOf } from "../queries/state/pin.ts";
import type { ApiService } from "../queries/state/service.ts";
import { answerOne } from "./answer.ts";
import {
  address,
  byteLength,
  count,
  eventFields,
  hash32,
  hashOfCut,
  hex,
  unixSeconds,
} from "./fieldSchemas.ts";
import { defineList } from "./listRoute.ts";
import { freshnessParameters } from "./parameters.ts";
import { type ApiApp, defineRoute, pageInfoSchema } from "./route.ts";

/** A batch shows its first leaves; `/v1/settlements/{id}/leaves` lists all. */
const LEAVES_SHOWN = 100;

const settlementFields = {
  ...eventFields,
  kind: z.enum(SETTLEMENT_KINDS),
  relay: address(),
  settledAt: unixSeconds(),
  relayer: address(),
  teeId: hash32().nullable(),
  inferenceId: hash32().nullable(),
  claimedPayer: address().nullable(),
  inputHash: hash32().nullable(),
  outputHash: hash32().nullable(),
  signedAt: unixSeconds().nullable(),
  signature: hex().nullable(),
  signatureBytes: byteLength(),
  signatureSha256: hashOfCut(),
  merkleRoot: hash32().nullable(),
  batchSize: count().nullable(),
  blobId: z.string().nullable(),
  blobIdHex: hex().nullable(),
  blobIdBytes: byteLength(),
  blobIdSha256: hashOfCut(),
  verdict: z.enum(VERDICTS),
  reason: z.string().nullable(),
  detail: z.string().nullable(),
  leafCount: count().nullable(),
  validLeaves: count().nullable(),
  invalidLeaves: count().nullable(),
  payload: z.strictObject({ state: z.enum(PAYLOAD_STATES), reason: z.string().nullable() }).nullable(),
};

export const leafSchema = z
  .strictObject({
    leafIndex: count(),
    inferenceId: hash32(),
    teeId: hash32(),
    inputHash: hash32(),
    outputHash: hash32(),
    timestamp: z.string(),
    signature: hex(),
    signatureBytes: count(),
    signatureSha256: hashOfCut(),
    verdict: z.enum(LEAF_VERDICTS),
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
  defineList(app, service, {
    path: "/v1/settlements",
    operationId: "listSettlements",
    tag: "Settlements",
    summary: "Settlements of every generation, newest first.",
    schema: settlementSchema,
    list: SETTLEMENTS,
  });

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
      answerOne(service, context, { sources: SETTLEMENTS.sources, query }, async (answer) => {
        const settlement = await requireSettlement(answer, params.id);
        if (settlement.leafCount === null) return { ...settlement, leaves: null };
        const page = { limit: LEAVES_SHOWN, after: null };
        const leaves = await listLeaves(
          answer.transaction,
          answer.proofs,
          answer.moment("og"),
          settlement,
          {},
          page,
        );
        return { ...settlement, leaves: shownLeaves(answer, settlement, leaves) };
      }),
  );

  defineList(app, service, {
    path: "/v1/settlements/{id}/leaves",
    operationId: "listSettlementLeaves",
    tag: "Settlements",
    problems: ["settlement-not-found"],
    summary: "The leaves of a batch with their verdicts, in the blob's order; none while it is not proven.",
    schema: leafSchema,
    list: LEAVES,
    params,
    scope: async ({ answer, params }) => ({ settlement: await requireSettlement(answer, params.id) }),
  });
}
