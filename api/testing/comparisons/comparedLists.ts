/** The lists that REST and GraphQL share, and how to put the same query to each. For tests only. */
import fc from "fast-check";
import { expect } from "vitest";
import { COMMON_PAYEE, OPG, type TestApi } from "../testApi.ts";
import { address, hash } from "../worlds/chainTables.ts";
import {
  HEAD,
  MODELS,
  NODES,
  OWNERS,
  PAYERS,
  RELAYERS,
  ROOT,
  SECOND_PCR,
  T0,
} from "../worlds/networkWorld.ts";
import { nodeNamed, OTHER_REGISTRY, PCR, REGISTRY } from "../worlds/registryHistory.ts";

// biome-ignore lint/suspicious/noExplicitAny: items of every shape are compared
export type Item = any;
export type Values = Readonly<Record<string, unknown>>;

/** Spells a GraphQL enum value as REST does: BATCH_SETTLEMENT is batch-settlement. */
export const toRestWord = (value: string | null) => value?.toLowerCase().replaceAll("_", "-") ?? null;
export const toGraphqlWord = (value: unknown) => String(value).toUpperCase().replaceAll("-", "_");

export interface List {
  readonly path: string;
  readonly field: string;
  /** The GraphQL field that the list hangs on, with its arguments. */
  readonly below?: string;
  readonly selection: string;
  readonly toRest: (item: Item) => Item;
  /** Fields of REST's items that GraphQL exposes elsewhere. */
  readonly restOnly?: readonly string[];
  readonly filterType?: string;
  /** REST's parameters, by name. */
  readonly filters: Readonly<Record<string, fc.Arbitrary<unknown>>>;
  /** Parameters that are enums in GraphQL. */
  readonly enums?: readonly string[];
  /** Arguments beside the filter, with their types. */
  readonly besides?: Readonly<Record<string, string>>;
  /** Query parameters that every REST request carries. */
  readonly fixed?: string;
}

export const time = fc.integer({ min: T0 + 38_000, max: T0 + 52_000 });
export const range = { from: time, to: time };
export const moment = fc.integer({ min: T0 - 1_000, max: HEAD });
export const oneOf = (...values: readonly unknown[]) => fc.constantFrom(...values);
const teeId = oneOf(...NODES.map((name) => nodeNamed(name).teeId), hash("none"));
const payer = oneOf(...PAYERS.map(address), address("nobody"));
const token = oneOf(OPG, address("other-token"));
const scheme = oneOf("exact", "upto", "batch-settlement");
const registry = oneOf(REGISTRY, OTHER_REGISTRY, "all");

export const NODE = nodeNamed("a").teeId;
const EVENT = "eventId chainId txHash logIndex blockNumber";
export const METRICS =
  "uptime heartbeats repeatedHeartbeats missedHeartbeats heartbeatLatenessMeanSeconds inferences promptTokens completionTokens settlements payers revenue { token raw organic effectivePayers } settlementLatencyP50Seconds settlementLatencyP95Seconds proofAvailability probes probeSuccess probeP50Ms";

export const GROUP_METRICS =
  "uptime heartbeats repeatedHeartbeats missedHeartbeats heartbeatLatenessMeanSeconds inferences promptTokens completionTokens settlements settlementLatencyP50Seconds settlementLatencyP95Seconds proofAvailability";
const SCORE =
  "value low high nEff version factors { name weight value low high observed hours } gates { reason detail }";
export const scoreToRest = ({ factors, gates, ...score }: Item) => ({
  ...score,
  factors: factors.map(({ name, ...rest }: Item) => ({ name: toRestWord(name), ...rest })),
  gates: gates.map(({ reason, ...rest }: Item) => ({ reason: toRestWord(reason), ...rest })),
});

export const COMPARED_LISTS: Readonly<Record<string, List>> = {
  nodes: {
    path: "/v1/nodes",
    field: "nodes",
    fixed: "include=keys",
    filterType: "NodeFilter",
    selection: `teeId registry chainId teeType { id: typeId name } owner paymentAddress endpoint endpointHex endpointBytes endpointSha256 publicKey publicKeyBytes publicKeySha256
      tlsCertificate tlsCertificateBytes tlsCertificateSha256 pcr { hash version approved approvedAt revokedAt }
      ohttpConfig { keyId kemId kdfId aeadId publicKey publicKeyBytes publicKeySha256 keyConfig keyConfigBytes keyConfigSha256 registeredAt } status statusPrecision enabled registeredAt
      lastHeartbeatAt lastSignedAt recordSource score { ${SCORE} } metrics(window: LAST_24H) { ${METRICS} }`,
    toRest: ({ status, statusPrecision, recordSource, score, metrics, ...node }) => ({
      ...node,
      status: toRestWord(status),
      statusPrecision: toRestWord(statusPrecision),
      recordSource: toRestWord(recordSource),
      score: scoreToRest(score),
      metrics: { "24h": metrics },
    }),
    filters: {
      teeType: oneOf(0, 1, 7),
      status: oneOf("active", "stale", "disabled", "revoked", "removed"),
      owner: oneOf(...OWNERS.map(address)),
      paymentAddress: oneOf(address("pay-a"), COMMON_PAYEE),
      pcrHash: oneOf(PCR, SECOND_PCR),
      registry,
      at: moment,
      sort: oneOf("uptime", "registeredAt", "inferences", "score"),
    },
    enums: ["status"],
    besides: { at: "Timestamp", sort: "NodeSort" },
  },
  settlements: {
    path: "/v1/settlements",
    field: "settlements",
    filterType: "SettlementFilter",
    selection: `${EVENT} kind relay settledAt relayer teeId inferenceId claimedPayer inputHash outputHash signedAt signature signatureBytes signatureSha256
      merkleRoot batchSize blobId blobIdHex blobIdBytes blobIdSha256 verdict reason detail leafCount validLeaves invalidLeaves payload { state reason }`,
    toRest: ({ eventId, kind, verdict, payload, ...rest }) => ({
      ...rest,
      id: eventId,
      kind: toRestWord(kind),
      verdict: toRestWord(verdict),
      payload: payload === null ? null : { ...payload, state: toRestWord(payload.state) },
    }),
    filters: {
      kind: oneOf("individual", "batch", "legacy"),
      teeId,
      payer,
      relayer: oneOf(...RELAYERS.map(address)),
      verdict: oneOf("pending", "verified", "partial", "invalid", "unavailable", "unverifiable"),
      merkleRoot: oneOf(ROOT, hash("none")),
      txHash: oneOf(hash("settle3"), hash("settle4"), hash("settle5"), hash("none")),
      blobId: oneOf("b".repeat(43), "c".repeat(43), "B".repeat(43)),
      ...range,
    },
    enums: ["kind", "verdict"],
  },
  inferences: {
    path: "/v1/inferences",
    field: "inferences",
    filterType: "InferenceFilter",
    selection: `inferenceId teeId inputHash outputHash signedAt signature signatureBytes signatureSha256 signatureValid counted uncountedReason places { id: eventId leafIndex }
      claimedPayers model promptTokens completionTokens nodeAtSigning { registry status statusPrecision pcrHash pcrVersion pcrApproved }`,
    toRest: ({ inferenceId, places, nodeAtSigning, uncountedReason, ...rest }) => ({
      ...rest,
      uncountedReason: toRestWord(uncountedReason),
      id: inferenceId,
      settlements: places,
      nodeAtSigning:
        nodeAtSigning === null
          ? null
          : {
              ...nodeAtSigning,
              status: toRestWord(nodeAtSigning.status),
              statusPrecision: toRestWord(nodeAtSigning.statusPrecision),
            },
    }),
    filters: {
      teeId,
      payer,
      inputHash: oneOf(hash("in0"), hash("in1-2")),
      outputHash: oneOf(hash("out0"), hash("none")),
      model: oneOf(...MODELS),
      signatureValid: fc.boolean(),
      counted: fc.boolean(),
      ...range,
    },
  },
  models: {
    path: "/v1/models",
    field: "models",
    selection:
      "model: name inferences: inferenceCount promptTokens completionTokens nodes: nodeCount firstSeenAt lastSeenAt",
    toRest: (item) => item,
    filters: { ...range, sort: oneOf("lastSeenAt", "inferences") },
    besides: { from: "Timestamp", to: "Timestamp", sort: "ModelSort" },
  },
  payments: {
    path: "/v1/payments",
    field: "payments",
    filterType: "PaymentFilter",
    selection: `${EVENT} paidAt scheme method token payer payee amount permittedAmount facilitator organic`,
    toRest: ({ eventId, scheme: words, method, ...rest }) => ({
      ...rest,
      id: eventId,
      scheme: toRestWord(words),
      method: toRestWord(method),
    }),
    filters: {
      payer,
      payee: oneOf(address("pay-a"), address("pay-b"), COMMON_PAYEE),
      facilitator: oneOf(address("facilitator"), address("second-facilitator"), address("nobody")),
      token,
      scheme,
      ...range,
    },
    enums: ["scheme"],
  },
  channels: {
    path: "/v1/channels",
    field: "channels",
    filterType: "ChannelFilter",
    selection: `channelId chainId payer payerAuthorizer receiver receiverAuthorizer token withdrawDelaySeconds salt balance
      claimed refunded withdrawn pendingWithdrawal { amount finalizableAt } state createdAt updatedAt`,
    toRest: ({ state, ...rest }) => ({ ...rest, state: toRestWord(state) }),
    filters: {
      payer,
      payee: oneOf(address("pay-a"), address("pay-b")),
      token,
      scheme,
      state: oneOf("open", "withdrawing", "closed"),
      ...range,
    },
    enums: ["scheme", "state"],
  },
  operators: {
    path: "/v1/operators",
    field: "operators",
    selection: `address nodes: nodeCounts { total active stale disabled revoked removed } firstRegisteredAt paymentAddresses
      sharedPaymentAddresses revenue { token raw organic payments payers effectivePayers } payers`,
    toRest: (item) => item,
    filters: { registry },
    besides: { registry: "Registry" },
  },
  pcrs: {
    path: "/v1/pcrs",
    field: "pcrs",
    filterType: "PcrFilter",
    selection: `hash registry chainId teeType { id: typeId name } version versionHex versionBytes versionSha256 approved firstApprovedAt approvedAt
      revokedAt approvals revocations`,
    toRest: (item) => item,
    filters: {
      registry,
      teeType: oneOf(0, 1),
      pcrHash: oneOf(PCR, SECOND_PCR),
      approved: fc.boolean(),
      at: moment,
    },
    besides: { at: "Timestamp" },
  },
  teeTypes: {
    path: "/v1/tee-types",
    field: "teeTypes",
    selection: "id: typeId name nameHex nameBytes nameSha256 registry chainId addedAt deactivatedAt",
    toRest: (item) => item,
    filters: { registry, at: moment },
    besides: { registry: "Registry", at: "Timestamp" },
  },
  "intervals of a node": {
    path: `/v1/nodes/${NODE}/intervals`,
    below: `teeNode(teeId: "${NODE}")`,
    field: "intervals",
    filterType: "LivenessIntervalFilter",
    selection: "notion fromAt untilAt endCause precision",
    toRest: ({ notion, precision, ...rest }) => ({
      ...rest,
      notion: toRestWord(notion),
      precision: toRestWord(precision),
    }),
    filters: { notion: oneOf("active", "proved"), from: moment, to: moment },
    enums: ["notion"],
  },
  "heartbeats of a node": {
    path: `/v1/nodes/${NODE}/heartbeats`,
    below: `teeNode(teeId: "${NODE}")`,
    field: "heartbeats",
    filterType: "HeartbeatFilter",
    selection: `${EVENT} registry teeId receivedAt signedAt latenessSeconds repeated relayer`,
    toRest: ({ eventId, ...rest }) => ({ ...rest, id: eventId }),
    filters: { relayer: oneOf(...RELAYERS.map(address)), from: moment, to: moment },
  },
  "events of a node": {
    path: `/v1/nodes/${nodeNamed("d").teeId}/events`,
    below: `teeNode(teeId: "${nodeNamed("d").teeId}")`,
    field: "events",
    filterType: "NodeEventFilter",
    selection: `${EVENT} registry teeId timestamp kind signature sender cause`,
    toRest: ({ eventId, kind, ...rest }) => ({ ...rest, id: eventId, kind: toRestWord(kind) }),
    filters: { kind: oneOf("registered", "enabled", "disabled", "removed"), from: moment, to: moment },
    enums: ["kind"],
  },
  onchainInferences: {
    path: "/v1/onchain-inferences",
    field: "onchainInferences",
    fixed: "include=content",
    filterType: "OnchainInferenceFilter",
    selection: `${EVENT} timestamp kind mode modelCid modelCidHex modelCidBytes modelCidSha256 inferenceId inferenceIdHex inferenceIdBytes inferenceIdSha256 caller
      hub { address event logIndex } content { request response result shortened }`,
    toRest: ({ eventId, kind, mode, ...rest }) => ({
      ...rest,
      id: eventId,
      kind: toRestWord(kind),
      mode: toRestWord(mode),
    }),
    filters: {
      mode: oneOf("vanilla", "zkml", "tee"),
      kind: oneOf("chat", "completion", "model", "workflow"),
      modelCid: oneOf("QmModel", "QmOther", "Qm"),
      caller: oneOf(address("caller"), address("other")),
      ...range,
    },
    enums: ["mode", "kind"],
  },
};

export async function graph(api: TestApi, query: string, variables: Values) {
  const response = await api.fetch("/graphql", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const body: Item = await response.json();
  if (body.errors !== undefined) throw new Error(JSON.stringify(body.errors));
  return body.data;
}

/** Turns REST's parameters into GraphQL arguments: those without an argument of their own go into the filter. */
function argumentsOf({ besides = {}, enums = [], filterType }: List, given: Values) {
  const said = (name: string, value: unknown) =>
    enums.includes(name)
      ? toGraphqlWord(value)
      : name === "sort"
        ? String(value).replace(/[A-Z]/g, "_$&").toUpperCase()
        : value;
  const entries = Object.entries(given).map(([name, value]) => [name, said(name, value)] as const);
  const own = entries.filter(([name]) => name in besides);
  const filter = Object.fromEntries(entries.filter(([name]) => !(name in besides)));
  return {
    declared: [
      ...own.map(([name]) => `$${name}: ${besides[name]}`),
      ...(filterType === undefined ? [] : [`$filter: ${filterType}`]),
    ],
    used: [
      ...own.map(([name]) => `${name}: $${name}`),
      ...(filterType === undefined ? [] : ["filter: $filter"]),
    ],
    values: { ...Object.fromEntries(own), ...(filterType === undefined ? {} : { filter }) },
  };
}

export async function graphWalk(
  api: TestApi,
  list: List,
  given: Values,
  size: number,
  way: "forward" | "backward",
) {
  const { declared, used, values } = argumentsOf(list, given);
  const [count, cursor] = way === "forward" ? ["first", "after"] : ["last", "before"];
  const query = `query (${[...declared, "$size: Int", "$cursor: String"].join(", ")}) {
    ${list.below === undefined ? "" : `below: ${list.below} {`}
    list: ${list.field}(${[...used, `${count}: $size`, `${cursor}: $cursor`].join(", ")}) {
      totalCount totalCountAtLeast edges { cursor node { ${list.selection} } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
    ${list.below === undefined ? "" : "}"}
  }`;
  const pages: Item[][] = [];
  let from: string | null = null;
  for (;;) {
    const data: Item = await graph(api, query, { ...values, size, cursor: from });
    const { list: page } = data.below ?? data;
    const { pageInfo, edges } = page;
    pages.push(edges.map(({ node }: Item) => list.toRest(node)));
    expect(edges.at(0)?.cursor ?? null).toBe(pageInfo.startCursor);
    expect(edges.at(-1)?.cursor ?? null).toBe(pageInfo.endCursor);
    const [goesOn, cameFrom] =
      way === "forward"
        ? [pageInfo.hasNextPage, pageInfo.hasPreviousPage]
        : [pageInfo.hasPreviousPage, pageInfo.hasNextPage];
    expect(cameFrom).toBe(from !== null);
    if (!goesOn) return { pages, totalCount: page.totalCount, atLeast: page.totalCountAtLeast };
    from = way === "forward" ? pageInfo.endCursor : pageInfo.startCursor;
  }
}

export async function restWalk(
  api: TestApi,
  { path, fixed, restOnly = [] }: List,
  given: Values,
  size: number,
) {
  const pages: Item[][] = [];
  let after: string | null = null;
  for (;;) {
    const parameters = new URLSearchParams(fixed);
    for (const [name, value] of Object.entries(given)) parameters.set(name, String(value));
    parameters.set("limit", String(size));
    if (after !== null) parameters.set("after", after);
    const { items, pageInfo }: Item = await api.json(`${path}?${parameters}`);
    pages.push(
      items.map((item: Item) =>
        Object.fromEntries(Object.entries(item).filter(([name]) => !restOnly.includes(name))),
      ),
    );
    if (!pageInfo.hasNextPage) return pages;
    after = pageInfo.endCursor;
  }
}
