/** `/v1/pcrs` and `/v1/tee-types`. */
import { z } from "@hono/zod-openapi";
import { listPcrs, listTeeTypes } from "../queries/registry/pcrs.ts";
import { type ApiService, resolveRegistries } from "../queries/state/service.ts";
import { answerList } from "./answer.ts";
import { address, byteLength, count, hash32, hashOfCut, hex, unixSeconds } from "./fields.ts";
import {
  booleanParameter,
  hashParameter,
  integerParameter,
  listParameters,
  registryParameter,
  timeParameter,
} from "./parameters.ts";
import { type ApiApp, defineRoute } from "./route.ts";

const OG = { required: ["og"] } as const;

export const pcrSchema = z
  .strictObject({
    hash: hash32(),
    registry: address(),
    chainId: z.int(),
    teeType: z
      .strictObject({ id: z.int(), name: z.string().nullable() })
      .nullable()
      .openapi({ description: "Null for legacy records without a type: they apply to every one." }),
    version: z.string().nullable(),
    versionHex: hex()
      .nullable()
      .openapi({ description: "The raw bytes, when `version` is not exactly what they say; at most 4,096." }),
    versionBytes: byteLength(),
    versionSha256: hashOfCut(),
    approved: z.boolean(),
    firstApprovedAt: unixSeconds().nullable(),
    approvedAt: unixSeconds().nullable(),
    revokedAt: unixSeconds().nullable(),
    approvals: count(),
    revocations: count(),
  })
  .openapi("Pcr");

export const teeTypeSchema = z
  .strictObject({
    id: z.int(),
    name: z.string(),
    nameHex: hex()
      .nullable()
      .openapi({ description: "The raw bytes, when `name` is not exactly what they say; at most 4,096." }),
    nameBytes: byteLength(),
    nameSha256: hashOfCut(),
    registry: address(),
    chainId: z.int(),
    addedAt: unixSeconds(),
    deactivatedAt: unixSeconds().nullable(),
  })
  .openapi("TeeType");

const at = timeParameter("State after the last block whose timestamp is not later.").optional();

export function registryRoutes(app: ApiApp, service: ApiService): void {
  const { settings } = service;

  defineRoute(
    app,
    {
      path: "/v1/pcrs",
      operationId: "listPcrs",
      tag: "Registry",
      summary: "PCR records, the newest first.",
      answers: "list",
      schema: pcrSchema,
      params: {},
      query: {
        ...listParameters,
        registry: registryParameter().optional(),
        teeType: integerParameter(0, 255, "TEE type").optional(),
        pcrHash: hashParameter().optional(),
        approved: booleanParameter("Only those approved, or not, at the moment.").optional(),
        at,
      },
    },
    (context, { query }) =>
      answerList(
        service,
        context,
        { sources: OG, query, keyTypes: ["position", "log"], item: pcrSchema },
        async (state, page) =>
          listPcrs(
            state.transaction,
            await state.momentAt(query.at),
            { ...query, registries: resolveRegistries(settings, query.registry) },
            page,
          ),
      ),
  );

  defineRoute(
    app,
    {
      path: "/v1/tee-types",
      operationId: "listTeeTypes",
      tag: "Registry",
      summary: "TEE types, the newest first.",
      answers: "list",
      schema: teeTypeSchema,
      params: {},
      query: { ...listParameters, registry: registryParameter().optional(), at },
    },
    (context, { query }) =>
      answerList(
        service,
        context,
        { sources: OG, query, keyTypes: ["position", "text", "log"], item: teeTypeSchema },
        async (state, page) =>
          listTeeTypes(
            state.transaction,
            await state.momentAt(query.at),
            resolveRegistries(settings, query.registry),
            page,
          ),
      ),
  );
}
