/** `/v1/pcrs` and `/v1/tee-types`. */
import { z } from "@hono/zod-openapi";
import { PCRS, TEE_TYPES } from "../queries/registry/pcrs.ts";
import { type ApiService, resolveRegistries } from "../queries/state/service.ts";
import { address, byteLength, count, hash32, hashOfCut, hex, unixSeconds } from "./fieldSchemas.ts";
import { defineList } from "./listRoute.ts";
import { atParameter, registryParameter } from "./parameters.ts";
import type { ApiApp } from "./route.ts";

export const pcrSchema = z
  .strictObject({
    hash: hash32(),
    registry: address(),
    chainId: z.int(),
    teeType: z.strictObject({ id: z.int(), name: z.string().nullable() }).nullable(),
    version: z.string().nullable(),
    versionHex: hex().nullable(),
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
    nameHex: hex().nullable(),
    nameBytes: byteLength(),
    nameSha256: hashOfCut(),
    registry: address(),
    chainId: z.int(),
    addedAt: unixSeconds(),
    deactivatedAt: unixSeconds().nullable(),
  })
  .openapi("TeeType");

export function registryRoutes(app: ApiApp, service: ApiService): void {
  const query = { registry: registryParameter().optional(), at: atParameter() };
  const inRegistries = ({
    query: { registry },
  }: {
    readonly query: { readonly registry?: string | undefined };
  }) => ({
    registries: resolveRegistries(service.settings, registry),
  });

  defineList(app, service, {
    path: "/v1/pcrs",
    operationId: "listPcrs",
    tag: "Registry",
    summary: "PCR records, the newest first.",
    schema: pcrSchema,
    list: PCRS,
    query,
    scope: inRegistries,
  });

  defineList(app, service, {
    path: "/v1/tee-types",
    operationId: "listTeeTypes",
    tag: "Registry",
    summary: "TEE types, the newest first.",
    schema: teeTypeSchema,
    list: TEE_TYPES,
    query,
    scope: inRegistries,
  });
}
