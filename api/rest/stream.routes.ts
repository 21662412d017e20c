/** `/v1/stream`: nodes, settlements, payments and blocks as server-sent events. */
import { z } from "@hono/zod-openapi";
import { CHAIN_NAMES } from "../../config/environment.ts";
import { ApiError } from "../errors.ts";
import { SCHEMES } from "../queries/payments/payments.ts";
import { refuseStale, setFreshness } from "../queries/state/asOf.ts";
import { type ApiService, resolveRegistries } from "../queries/state/service.ts";
import type { EventStream } from "../stream/eventStream.ts";
import { RESET_REASONS, SELECTABLE_TYPES } from "../stream/events.ts";
import { createFilter } from "../stream/filter.ts";
import { readResumePosition } from "../stream/resume.ts";
import {
  EVENT_STREAM_HEADERS,
  eventStreamBody,
  eventText,
  keepAliveText,
} from "../stream/serverSentEvents.ts";
import type { StreamPosition } from "../stream/streamPosition.ts";
import type { Subscriber } from "../stream/subscriber.ts";
import { hash32, unixSeconds } from "./fieldSchemas.ts";
import { KEY_FIELDS, nodeSchema } from "./node.schema.ts";
import {
  addressParameter,
  freshnessParameters,
  hashParameter,
  oneOfParameter,
  registryParameter,
  textParameter,
  wordsParameter,
} from "./parameters.ts";
import { paymentSchema } from "./payments.routes.ts";
import { type ApiApp, defineRoute } from "./route.ts";
import { settlementSchema } from "./settlements.routes.ts";

const blockPoint = () => z.strictObject({ blockNumber: z.int(), blockTime: unixSeconds() }).nullable();

/** The data of every event, by its name. */
export const streamSchemas = {
  node: nodeSchema
    .omit({ ...KEY_FIELDS, metrics: true })
    .extend({
      status: nodeSchema.shape.status.nullable().openapi({
        description: "Null when a reorg took the registration back: the registry no longer lists the node.",
      }),
    })
    .openapi("StreamNode"),
  settlement: settlementSchema,
  payment: paymentSchema,
  block: z
    .strictObject({
      chain: z.enum(CHAIN_NAMES),
      chainId: z.int(),
      number: z.int(),
      hash: hash32().nullable(),
      timestamp: unixSeconds(),
    })
    .openapi("StreamBlock"),
  reset: z
    .strictObject({
      chain: z.enum(CHAIN_NAMES),
      chainId: z.int(),
      reason: z.enum(RESET_REASONS).openapi({
        description:
          "`reorg`: rows after `validThrough` are void, and those that replace them follow. `replaced`: the chain was reindexed, and no delivered row need be valid. `too-old`: rows between `validThrough` and `continuesAfter` are not delivered. `begun`: the chain was not ready before. `verdicts-missed`: too many verdicts changed to be delivered.",
      }),
      validThrough: blockPoint(),
      continuesAfter: blockPoint(),
      detail: z.string(),
    })
    .openapi("StreamReset"),
} as const;

const queryShape = {
  ...freshnessParameters,
  events: wordsParameter(
    SELECTABLE_TYPES,
    "Types of events, comma-separated. Default: all, or with filters the types that have the filtered properties. `reset` is always delivered.",
  ).optional(),
  teeId: hashParameter().optional(),
  owner: addressParameter().optional(),
  registry: registryParameter().optional(),
  relayer: addressParameter().optional(),
  payer: addressParameter().optional(),
  payee: addressParameter().optional(),
  facilitator: addressParameter().optional(),
  token: addressParameter().optional(),
  scheme: oneOfParameter(SCHEMES).optional(),
  after: textParameter().optional(),
};

export interface StreamOptions extends ApiService {
  readonly stream: EventStream;
}

export function streamRoutes(app: ApiApp, { stream, settings, clock, log }: StreamOptions): void {
  const description = {
    path: "/v1/stream",
    operationId: "streamEvents",
    tag: "Streams",
    summary:
      "Nodes, settlements and their verdicts, payments and blocks as they happen, as server-sent events.",
    answers: "events",
    schema: z.strictObject(streamSchemas).openapi("StreamEvents"),
    params: {},
    query: queryShape,
    headers: { "Last-Event-ID": textParameter().optional() },
  } as const;

  defineRoute(app, description, async (context, { query }) => {
    const { events, registry, after, maxLag, ...properties } = query;
    const filter = createFilter(events, properties, resolveRegistries(settings, registry));
    const from = resumePosition(context.req.header("Last-Event-ID"), after);
    const { asOf } = stream;
    context.set("freshness", asOf);
    refuseStale(asOf, maxLag, clock());
    const headers = new Headers(EVENT_STREAM_HEADERS);
    // A HEAD request gets no events.
    if (context.req.raw.method === "HEAD") {
      setFreshness(headers, asOf, clock());
      return new Response(null, { headers });
    }

    const requestId = context.get("requestId");
    const subscriber = await stream.subscribe(filter, from, {
      client: context.get("rateLimitKey"),
      fairnessKey: context.get("fairnessKey"),
      charge: context.get("charge"),
      signal: context.req.raw.signal,
      onDisconnect() {
        log.info("a subscriber was too slow and was disconnected", { requestId });
        context.get("closeConnection")?.();
      },
    });
    setFreshness(headers, stream.asOf, clock());
    const owner = {
      close: () => subscriber.close(),
      setInFlight: (bytes: number) => subscriber.setInFlight(bytes),
      log,
      requestId,
    };
    return new Response(eventStreamBody(textsOf(subscriber), owner), { headers });
  });
}

/** A subscriber's deliveries as text. */
async function* textsOf(subscriber: Subscriber): AsyncGenerator<string, void> {
  for await (const delivery of subscriber.deliveries())
    yield delivery.kind === "keep-alive"
      ? keepAliveText(delivery.id)
      : delivery.events.map(({ event, json, id }) => eventText(event.type, id, json)).join("");
}

/** @throws {ApiError} `invalid-parameter`. */
function resumePosition(lastEventId: string | undefined, after: string | undefined): StreamPosition | null {
  const resume = readResumePosition(lastEventId, after);
  if (resume.kind === "position") return resume.position;
  const { parameter } = resume;
  const rule = "the id of an event of this stream";
  const value = resume.value.slice(0, 200);
  throw new ApiError("invalid-parameter", `${parameter}: "${value}": ${rule}`, { parameter, value, rule });
}
