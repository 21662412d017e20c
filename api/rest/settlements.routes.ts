/** `/v1/settlements` and the leaves of batches. */
import { z } from "@hono/zod-openapi";
import { ApiError } from "../errors.ts";
import { MAX_LIST_BYTES, type Page } from "../queries/reading/page.ts";
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
  firstOf,
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
