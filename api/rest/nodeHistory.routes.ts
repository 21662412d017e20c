/** What hangs below a node: intervals of liveness, heartbeats, registry events. */
import { z } from "@hono/zod-openapi";
import { describe } from "../fields/describe.ts";
import {
  HEARTBEATS,
  INTERVALS,
  NODE_EVENT_KINDS,
  NODE_EVENTS,
  NOTIONS,
} from "../queries/nodes/nodeHistory.ts";
import type { NodeDetail } from "../queries/nodes/nodes.ts";
import { PRECISIONS } from "../queries/nodes/precision.ts";
import type { AnswerState } from "../queries/state/answerState.ts";
import type { ApiService } from "../queries/state/service.ts";
import { address, eventFields, hash32, unixSeconds } from "./fieldSchemas.ts";
import { defineList } from "./listRoute.ts";
import { hashParameter } from "./parameters.ts";
import { oneRegistryParameter, requireNode } from "./requireNode.ts";
import type { ApiApp } from "./route.ts";

export const intervalSchema = z.strictObject({
  notion: z.enum(NOTIONS),
  fromAt: unixSeconds(),
  untilAt: unixSeconds().nullable(),
  endCause: z.string().nullable(),
  precision: z.enum(PRECISIONS).openapi({ description: describe("LivenessInterval.precision") }),
});

export const heartbeatSchema = z.strictObject({
  ...eventFields,
  registry: address(),
  teeId: hash32(),
  receivedAt: unixSeconds(),
  signedAt: unixSeconds().openapi({ description: describe("Heartbeat.signedAt") }),
  latenessSeconds: z.int(),
  repeated: z.boolean(),
  relayer: address(),
});

export const nodeEventSchema = z.strictObject({
  ...eventFields,
  registry: address(),
  teeId: hash32(),
  timestamp: unixSeconds(),
  kind: z.enum(NODE_EVENT_KINDS).openapi({ description: describe("NodeEvent.kind") }),
  signature: z.string().openapi({ description: describe("NodeEvent.signature") }),
  sender: address(),
  cause: z.string().nullable(),
});

export function nodeHistoryRoutes(app: ApiApp, service: ApiService): void {
  const { settings } = service;
  const bare: NodeDetail = { extent: "bounded", keys: "without-keys" };
  const shared = {
    tag: "Nodes",
    problems: ["node-not-found"],
    params: { teeId: hashParameter() },
    query: { registry: oneRegistryParameter() },
    scope: async ({ answer, params, query }: Asked) => ({
      node: await requireNode(answer, answer.moment("og"), settings, params.teeId, query.registry, bare),
    }),
  } as const;

  defineList(app, service, {
    ...shared,
    path: "/v1/nodes/{teeId}/intervals",
    operationId: "listNodeIntervals",
    summary: "When a node was alive, by both notions.",
    schema: intervalSchema,
    list: INTERVALS,
  });

  defineList(app, service, {
    ...shared,
    path: "/v1/nodes/{teeId}/heartbeats",
    operationId: "listNodeHeartbeats",
    summary: "A node's heartbeats, newest first.",
    schema: heartbeatSchema,
    list: HEARTBEATS,
  });

  defineList(app, service, {
    ...shared,
    path: "/v1/nodes/{teeId}/events",
    operationId: "listNodeEvents",
    summary: "A node's registry events, newest first.",
    schema: nodeEventSchema,
    list: NODE_EVENTS,
  });
}

/** Which node's history is asked for. */
interface Asked {
  readonly answer: AnswerState;
  readonly params: { readonly teeId: string };
  readonly query: { readonly registry?: string | undefined };
}
