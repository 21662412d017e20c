/** A node, as a list shows it and alone. */
import { z } from "@hono/zod-openapi";
import { NODE_WINDOW_NAMES, type NodeWindow } from "../queries/metrics/nodeMetrics.ts";
import { NODE_STATUSES } from "../queries/nodes/nodeState.ts";
import { PRECISIONS } from "../queries/nodes/precision.ts";
import { address, byteLength, count, hash32, hashOfCut, hex, unixSeconds } from "./fieldSchemas.ts";
import { metricsSchema } from "./nodeMetrics.schema.ts";
import { scoreSchema } from "./scoreFields.ts";

/** The fields of a node with the metrics of some windows. */
const nodeFields = (windows: readonly NodeWindow[]) => ({
  teeId: hash32(),
  registry: address(),
  chainId: z.int(),
  teeType: z.strictObject({ id: z.int(), name: z.string().nullable() }),
  owner: address(),
  paymentAddress: address().nullable(),
  endpoint: z.string().nullable(),
  endpointHex: hex().nullable(),
  endpointBytes: byteLength(),
  endpointSha256: hashOfCut(),
  pcr: z
    .strictObject({
      hash: hash32(),
      version: z.string().nullable(),
      approved: z.boolean(),
      approvedAt: unixSeconds().nullable(),
      revokedAt: unixSeconds().nullable(),
    })
    .nullable(),
  ohttpConfig: z
    .strictObject({
      keyId: z.int(),
      kemId: z.int(),
      kdfId: z.int(),
      aeadId: z.int(),
      publicKey: hex(),
      publicKeyBytes: count(),
      publicKeySha256: hashOfCut(),
      keyConfig: hex(),
      keyConfigBytes: count(),
      keyConfigSha256: hashOfCut(),
      registeredAt: unixSeconds(),
    })
    .nullable(),
  status: z.enum(NODE_STATUSES),
  statusPrecision: z.enum(PRECISIONS),
  enabled: z.boolean(),
  registeredAt: unixSeconds(),
  lastHeartbeatAt: unixSeconds(),
  lastSignedAt: unixSeconds(),
  recordSource: z.enum(["call", "calldata", "observation"]).nullable(),
  score: scoreSchema.nullable(),
  metrics: z.strictObject(
    Object.fromEntries(windows.map((window): [string, z.ZodType] => [window, metricsSchema])),
  ),
});

const keyFields = {
  publicKey: hex().nullable(),
  publicKeyBytes: byteLength(),
  publicKeySha256: hashOfCut(),
  tlsCertificate: hex().nullable(),
  tlsCertificateBytes: byteLength(),
  tlsCertificateSha256: hashOfCut(),
};

/** What a list shows of the metrics unless all are asked for. */
export const LIST_WINDOWS = ["24h"] as const satisfies readonly NodeWindow[];
/** What can be asked for beside a node of a list. */
export const NODE_INCLUDES = ["keys", "metrics", "token"] as const;
type Include = (typeof NODE_INCLUDES)[number];

export const KEY_FIELDS = {
  publicKey: true,
  publicKeyBytes: true,
  publicKeySha256: true,
  tlsCertificate: true,
  tlsCertificateBytes: true,
  tlsCertificateSha256: true,
} as const;

/** A list's item: keys and further windows only when asked for. */
export const nodeItemSchema = (include: readonly Include[]) =>
  z.strictObject({
    ...nodeFields(include.includes("metrics") ? NODE_WINDOW_NAMES : LIST_WINDOWS),
    ...(include.includes("keys") ? keyFields : {}),
  });

/** The same, with all that may be asked for: what it is documented as. */
export const documentedItemSchema = z
  .strictObject({
    ...nodeFields(LIST_WINDOWS),
    metrics: z.strictObject(
      Object.fromEntries(
        NODE_WINDOW_NAMES.map((window): [string, z.ZodType] => [
          window,
          LIST_WINDOWS.some((shown) => shown === window) ? metricsSchema : metricsSchema.optional(),
        ]),
      ),
    ),
    publicKey: keyFields.publicKey.optional(),
    publicKeyBytes: keyFields.publicKeyBytes.optional(),
    publicKeySha256: keyFields.publicKeySha256.optional(),
    tlsCertificate: keyFields.tlsCertificate.optional(),
    tlsCertificateBytes: keyFields.tlsCertificateBytes.optional(),
    tlsCertificateSha256: keyFields.tlsCertificateSha256.optional(),
  })
  .openapi("NodeItem");

/** Everything about a node. */
export const nodeSchema = z.strictObject({ ...nodeFields(NODE_WINDOW_NAMES), ...keyFields }).openapi("Node");
