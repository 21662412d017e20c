/** `/v1/nodes` and what hangs below a node. */
import { z } from "@hono/zod-openapi";
import { ApiError } from "../errors.ts";
import { NODE_WINDOW_NAMES, type NodeWindow } from "../queries/metrics/nodeMetrics.ts";
import { AVAILABILITY_SAMPLES } from "../queries/metrics/nodeProofs.ts";
import { LATENCY_SAMPLES } from "../queries/metrics/settlementLatency.ts";
import {
  listHeartbeats,
  listIntervals,
  listNodeEvents,
  NODE_EVENT_KINDS,
  NOTIONS,
} from "../queries/nodes/nodeHistory.ts";
import { NODE_STATUSES } from "../queries/nodes/nodeState.ts";
import {
  findNode,
  listNodes,
  MAX_KEY_BYTES,
  NODE_KEY_TYPES,
  NODE_SORTS,
  type NodeDetail,
  registriesOf,
} from "../queries/nodes/nodes.ts";
import { PRECISIONS } from "../queries/nodes/precision.ts";
import { MAX_PAYER_DAYS } from "../queries/payments/nodeRevenue.ts";
import { MAX_LIST_BYTES } from "../queries/reading/page.ts";
import type { AnswerState } from "../queries/state/answerState.ts";
import type { KeyType } from "../queries/state/cursor.ts";
import type { Moment } from "../queries/state/moment.ts";
import {
  type ApiService,
  type ApiSettings,
  resolveRegistries,
  resolveRegistry,
} from "../queries/state/service.ts";
import { pageOfRanked, rankNodes, withScores } from "../snapshot/leaderboard.ts";
import type { Snapshots } from "../snapshot/snapshots.ts";
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
  volumeSchema,
} from "./fields.ts";
import {
  addressParameter,
  freshnessParameters,
  hashParameter,
  integerParameter,
  listParameters,
  oneOfParameter,
  rangeParameters,
  registryParameter,
  timeParameter,
  wordsParameter,
} from "./parameters.ts";
import { type ApiApp, defineRoute } from "./route.ts";
import { scoreSchema } from "./scoreFields.ts";
import { TOKEN_INCLUDE, tokenIncludeParameter } from "./tokenInfo.ts";

/** Every window of a node takes tens of milliseconds. */
const MAX_MEASURED = 50;

export const metricsSchema = z
  .strictObject({
    uptime: z.number().nullable().openapi({
      description: "Share of the window's seconds during which the contract called the node active, 0 to 1.",
    }),
    heartbeats: count().nullable().openapi({ description: "Received, repeated ones included." }),
    repeatedHeartbeats: count().nullable().openapi({
      description: "Of `heartbeats`, those whose signed second had been sent before: anyone may repeat one.",
    }),
    missedHeartbeats: count().nullable().openapi({
      description:
        "Heartbeats that were due, every `heartbeatMaxAge` / 2 while the node was registered and enabled, and did not come within half an interval more. A relayer's silence is not excused here, as it is in the score.",
    }),
    heartbeatLatenessMeanSeconds: z.number().nullable().openapi({
      description: "Mean time from signed second to block, seconds, over `heartbeats`; null without any.",
    }),
    inferences: count().nullable().openapi({
      description: "Signed in the window, with a valid signature, settled after the node's registration.",
    }),
    promptTokens: count().nullable().openapi({
      description:
        "Tokens of the requests of `inferences`, as their payloads claim; null when there are some and none claims any.",
    }),
    completionTokens: count().nullable().openapi({ description: "The same of their answers." }),
    settlements: count().nullable().openapi({ description: "Individual settlements that name the node." }),
    payers: count()
      .nullable()
      .openapi({
        description: `Distinct payers of \`revenue\`; null where that is null, and when a window other than \`all\` holds more than ${MAX_PAYER_DAYS} days of payers.`,
      }),
    revenue: z.array(volumeSchema).nullable().openapi({
      description:
        "Payments to its payment address up to the newest Base block; null when another node ever named that address, because nothing tells whose a payment is then, and while Base cannot be answered from.",
    }),
    settlementLatencyP50Seconds: z
      .number()
      .nullable()
      .openapi({
        description: `Median of block time minus signed time of its individual settlements, seconds; of more than ${LATENCY_SAMPLES}, from as many spread evenly over the window's blocks.`,
      }),
    settlementLatencyP95Seconds: z
      .number()
      .nullable()
      .openapi({ description: "95th percentile of the same." }),
    proofAvailability: z
      .number()
      .nullable()
      .openapi({
        description: `Of its newest ${AVAILABILITY_SAMPLES} individual settlements whose payload was looked for, those of the window: the share whose payload could be had. It says more about relayers than about the node.`,
      }),
    probes: count().nullable(),
    probeSuccess: z.number().nullable(),
    probeP50Ms: z.number().nullable(),
  })
  .openapi("NodeMetrics");

/** The fields of a node with the metrics of some windows. */
const nodeFields = (windows: readonly NodeWindow[]) => ({
  teeId: hash32(),
  registry: address(),
  chainId: z.int(),
  teeType: z.strictObject({ id: z.int(), name: z.string().nullable() }),
  owner: address(),
  paymentAddress: address().nullable(),
  endpoint: z.string().nullable().openapi({ description: "Sanitised for display." }),
  endpointHex: hex()
    .nullable()
    .openapi({
      description: `The raw bytes, when \`endpoint\` is not exactly what they say; ${firstOf(MAX_LIST_BYTES)}`,
    }),
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
      publicKey: hex().openapi({ description: `HPKE key; ${firstOf(MAX_LIST_BYTES)}` }),
      publicKeyBytes: count().openapi({ description: "How many bytes it has, shown or not." }),
      publicKeySha256: hashOfCut(),
      keyConfig: hex().openapi({ description: `As encoded; ${firstOf(MAX_LIST_BYTES)}` }),
      keyConfigBytes: count().openapi({ description: "How many bytes it has, shown or not." }),
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
  publicKey: hex()
    .nullable()
    .openapi({
      description: `DER (SPKI). Lists leave out what has more than ${MAX_KEY_BYTES} bytes: no RSA key has.`,
    }),
  publicKeyBytes: byteLength(),
  publicKeySha256: hashOfCut(),
  tlsCertificate: hex()
    .nullable()
    .openapi({ description: `DER; ${firstOf(MAX_KEY_BYTES)}` }),
  tlsCertificateBytes: byteLength(),
  tlsCertificateSha256: hashOfCut(),
};

const LIST_WINDOWS = ["24h"] as const satisfies readonly NodeWindow[];
const INCLUDES = ["keys", "metrics", "token"] as const;
type Include = (typeof INCLUDES)[number];

export const KEY_FIELDS = {
  publicKey: true,
  publicKeyBytes: true,
  publicKeySha256: true,
  tlsCertificate: true,
  tlsCertificateBytes: true,
  tlsCertificateSha256: true,
} as const;

const withoutKeys = (node: object) =>
  Object.fromEntries(Object.entries(node).filter(([name]) => !(name in KEY_FIELDS)));

/** A list's item: keys and further windows only when asked for. */
export const nodeItemSchema = (include: readonly Include[]) =>
  z.strictObject({
    ...nodeFields(include.includes("metrics") ? NODE_WINDOW_NAMES : LIST_WINDOWS),
    ...(include.includes("keys") ? keyFields : {}),
  });

/** The same, with all that may be asked for: what it is documented as. */
const documentedItemSchema = z
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

export const intervalSchema = z.strictObject({
  notion: z.enum(NOTIONS).openapi({
    description: "`active`: by the contract's own rule. `proved`: by distinct signed seconds.",
  }),
  fromAt: unixSeconds(),
  untilAt: unixSeconds().nullable(),
  endCause: z.string().nullable().openapi({
    description: "Of ended `active` ones: stale, disabled, pcr-revoked, removed or max-age.",
  }),
  precision: z.enum(PRECISIONS).openapi({
    description:
      "Whether its ends, and that nothing interrupted it, are known. `bounded`: it meets a spell in which `heartbeatMaxAge` could not be read, between two values that were. `assumed`: no value was read before, or the node's PCR was not known when one was revoked.",
  }),
});

export const heartbeatSchema = z.strictObject({
  ...eventFields,
  registry: address(),
  teeId: hash32(),
  receivedAt: unixSeconds(),
  signedAt: unixSeconds(),
  latenessSeconds: z.int(),
  repeated: z.boolean().openapi({ description: "The same signed second was sent before." }),
  relayer: address().openapi({ description: "Transaction sender." }),
});

export const nodeEventSchema = z.strictObject({
  ...eventFields,
  registry: address(),
  teeId: hash32(),
  timestamp: unixSeconds(),
  kind: z.enum(NODE_EVENT_KINDS),
  signature: z.string().openapi({ description: "The event's name and parameter types." }),
  sender: address(),
  cause: z
    .string()
    .nullable()
    .openapi({ description: "owner, admin or pcr-revocation; null when the sender is neither." }),
});

const EVENT_KEY: readonly KeyType[] = ["position", "log"];
const OG = { required: ["og"] } as const;
/** Revenue is null, and Base's headers are absent, while Base cannot be answered from. */
const WITH_METRICS = { ...OG, optional: ["base"], proofs: "read" } as const;

/** Nodes with metrics, as of a moment of both chains. */
const detailAt = async (
  { registries, dailyOrganicCaps }: ApiSettings,
  state: AnswerState,
  at: number | undefined,
  windows: readonly NodeWindow[],
  keys: NodeDetail["keys"],
): Promise<NodeDetail> => ({
  windows,
  keys,
  settlementRegistry: registries[0] ?? "",
  proofs: state.proofs,
  demand: { base: await state.optionalMomentAt("base", at), dailyOrganicCaps },
});

/** Finds which registry's node is meant; `all` would not be one node. */
export async function requireNode(
  state: AnswerState,
  moment: Moment,
  settings: ApiSettings,
  teeId: string,
  registry: string | undefined,
  detail: NodeDetail,
) {
  const wanted = resolveRegistry(settings, registry);
  const node =
    wanted === undefined
      ? null
      : await findNode(state.transaction, moment, { registry: wanted, teeId }, detail);
  if (node !== null) return node;
  const others = await registriesOf(state.transaction, moment, teeId);
  throw new ApiError(
    "node-not-found",
    `teeId: "${teeId}" was not registered in ${wanted ?? "any registry"} at ${moment.time}${others.length === 0 ? "" : `; registry= may be ${others.join(" or ")}`}`,
    { parameter: "teeId", value: teeId, registries: others },
  );
}

export interface NodeRouteOptions extends ApiService {
  readonly snapshots: Snapshots;
}

export function nodeRoutes(app: ApiApp, service: NodeRouteOptions): void {
  const { settings, snapshots } = service;

  defineRoute(
    app,
    {
      path: "/v1/nodes",
      operationId: "listNodes",
      tag: "Nodes",
      summary: "Nodes now or at a past moment.",
      answers: "list",
      schema: documentedItemSchema,
      params: {},
      query: {
        ...listParameters,
        teeType: integerParameter(0, 255, "TEE type").optional(),
        status: oneOfParameter(NODE_STATUSES).optional(),
        owner: addressParameter().optional(),
        paymentAddress: addressParameter().optional(),
        pcrHash: hashParameter().optional(),
        registry: registryParameter().optional(),
        at: timeParameter("State after the last block whose timestamp is not later.").optional(),
        sort: oneOfParameter(
          NODE_SORTS,
          "Highest or newest first; `uptime` and `inferences` are those of 24 h.",
        ).default("registeredAt"),
        include: wordsParameter(
          INCLUDES,
          `\`keys\`: public keys and certificates. \`metrics\`: every window, with at most ${MAX_MEASURED} items a page. ${TOKEN_INCLUDE}`,
        ).default([]),
      },
    },
    (context, { query }) => {
      const { registry, at, sort, include } = query;
      if (include.includes("metrics") && query.limit > MAX_MEASURED) {
        const rule = `a whole number from 1 to ${MAX_MEASURED} with include=metrics`;
        const value = String(query.limit);
        throw new ApiError("invalid-parameter", `limit: "${value}": ${rule}`, {
          parameter: "limit",
          value,
          rule,
        });
      }
      const windows = include.includes("metrics") ? NODE_WINDOW_NAMES : LIST_WINDOWS;
      const keys = include.includes("keys") ? "with-keys" : "without-keys";
      return answerList(
        service,
        context,
        {
          sources: WITH_METRICS,
          query,
          keyTypes: NODE_KEY_TYPES[sort],
          item: nodeItemSchema(include),
        },
        async (state, page) => {
          const { transaction } = state;
          const moment = await state.momentAt(at);
          const registries = resolveRegistries(settings, registry);
          const filters = { ...query, registries };
          const detail = await detailAt(settings, state, at, windows, keys);
          const source = { snapshots, transaction, moment };
          const nodes =
            sort === "score"
              ? await pageOfRanked(
                  source,
                  await rankNodes(source, settings.registries, filters),
                  page,
                  detail,
                )
              : await listNodes(transaction, moment, filters, sort, page, detail);
          const items = await withScores(source, nodes.items);
          if (keys === "with-keys") return { ...nodes, items };
          return { ...nodes, items: items.map(withoutKeys) };
        },
      );
    },
  );

  const nodeParams = { teeId: hashParameter() };
  const oneRegistry = addressParameter()
    .optional()
    .openapi({ description: "Registry address. Default: the first configured registry." });

  defineRoute(
    app,
    {
      path: "/v1/nodes/{teeId}",
      operationId: "getNode",
      tag: "Nodes",
      problems: ["node-not-found"],
      summary: "One node with its keys and the metrics of every window.",
      answers: "one",
      schema: nodeSchema,
      params: nodeParams,
      query: {
        ...freshnessParameters,
        registry: oneRegistry,
        at: timeParameter("State after the last block whose timestamp is not later.").optional(),
        include: tokenIncludeParameter(),
      },
    },
    (context, { params, query }) =>
      answerOne(service, context, { sources: WITH_METRICS, query }, async (state) => {
        const moment = await state.momentAt(query.at);
        const detail = await detailAt(settings, state, query.at, NODE_WINDOW_NAMES, "with-keys");
        const node = await requireNode(state, moment, settings, params.teeId, query.registry, detail);
        const source = { snapshots, transaction: state.transaction, moment };
        const [scored] = await withScores(source, [node]);
        return scored ?? node;
      }),
  );

  const bare: NodeDetail = {
    extent: "bounded",
    windows: [],
    keys: "without-keys",
    settlementRegistry: settings.registries[0] ?? "",
    proofs: null,
  };
  const keyOf = ({ registry, teeId }: { readonly registry: string; readonly teeId: string }) => ({
    registry,
    teeId,
  });

  defineRoute(
    app,
    {
      path: "/v1/nodes/{teeId}/intervals",
      operationId: "listNodeIntervals",
      tag: "Nodes",
      problems: ["node-not-found"],
      summary: "When a node was alive, by both notions.",
      answers: "list",
      schema: intervalSchema,
      params: nodeParams,
      query: {
        ...listParameters,
        ...rangeParameters,
        registry: oneRegistry,
        notion: oneOfParameter(NOTIONS).optional(),
      },
    },
    (context, { params, query }) =>
      answerList(
        service,
        context,
        { sources: OG, query, keyTypes: ["position", "text"], item: intervalSchema },
        async (state, page) => {
          const moment = state.moment("og");
          const node = await requireNode(state, moment, settings, params.teeId, query.registry, bare);
          return listIntervals(state.transaction, moment, keyOf(node), node.registeredAt, query, page);
        },
      ),
  );

  defineRoute(
    app,
    {
      path: "/v1/nodes/{teeId}/heartbeats",
      operationId: "listNodeHeartbeats",
      tag: "Nodes",
      problems: ["node-not-found"],
      summary: "A node's heartbeats, newest first.",
      answers: "list",
      schema: heartbeatSchema,
      params: nodeParams,
      query: {
        ...listParameters,
        ...rangeParameters,
        registry: oneRegistry,
        relayer: addressParameter().optional(),
      },
    },
    (context, { params, query }) =>
      answerList(
        service,
        context,
        { sources: OG, query, keyTypes: EVENT_KEY, item: heartbeatSchema },
        async (state, page) => {
          const moment = state.moment("og");
          const node = await requireNode(state, moment, settings, params.teeId, query.registry, bare);
          return listHeartbeats(state.transaction, moment, keyOf(node), query, page);
        },
      ),
  );

  defineRoute(
    app,
    {
      path: "/v1/nodes/{teeId}/events",
      operationId: "listNodeEvents",
      tag: "Nodes",
      problems: ["node-not-found"],
      summary: "A node's registry events, newest first.",
      answers: "list",
      schema: nodeEventSchema,
      params: nodeParams,
      query: {
        ...listParameters,
        ...rangeParameters,
        registry: oneRegistry,
        kind: oneOfParameter(NODE_EVENT_KINDS).optional(),
      },
    },
    (context, { params, query }) =>
      answerList(
        service,
        context,
        { sources: OG, query, keyTypes: EVENT_KEY, item: nodeEventSchema },
        async (state, page) => {
          const moment = state.moment("og");
          const node = await requireNode(state, moment, settings, params.teeId, query.registry, bare);
          return listNodeEvents(state.transaction, moment, keyOf(node), query, page);
        },
      ),
  );
}
