/**
 * Answers a subscription: it is planned and checked against the limits once, then executed for every event of the stream, each
 * time in a transaction of its own, on the newest state.
 */
import { createSourceEventStream, type ExecutionArgs, execute, type GraphQLError } from "graphql";
import { Abandoned, ApiError, codeOf } from "../../errors.ts";
import { resolveRegistries } from "../../queries/state/service.ts";
import type { DeliveredEvent } from "../../stream/events.ts";
import { createFilter } from "../../stream/filter.ts";
import { readResumePosition } from "../../stream/resume.ts";
import { EVENT_STREAM_TYPE, eventText, keepAliveText } from "../../stream/serverSentEvents.ts";
import type { Subscriber } from "../../stream/subscriber.ts";
import { answerInside, type Execute, planOf } from "./answer.ts";
import type { GraphContext } from "./context.ts";
import type { GraphService } from "./graphService.ts";
import { refuseArgument } from "./limits/refuseArgument.ts";
import { readMaxLag } from "./maxLag.ts";
import { eventCost } from "./plan/eventCost.ts";
import type { OperationPlan } from "./plan/plan.ts";
import { refuseTooCostly } from "./plan/refuseTooCostly.ts";
import { toClientError, withClientErrors } from "./response/errors.ts";
import type { AnswerStream, Exchange } from "./response/exchange.ts";
import { resultJson } from "./response/resultJson.ts";
import type { SharedAnswers } from "./sharedAnswers.ts";
import type { GraphState } from "./state.ts";

/** A subscription as requested. */
export interface Subscription {
  /** Identifies the subscription by all that its answers depend on: equal ones share their answers. */
  readonly name: string;
  readonly args: ExecutionArgs;
  /** Unchecked. */
  readonly maxLag: unknown;
  /** The request's `Accept` header. */
  readonly accept: string | null;
}

/**
 * Begins a subscription.
 * @throws {GraphQLError} fit for clients.
 */
export async function beginSubscription(
  service: GraphService,
  exchange: Exchange,
  shared: SharedAnswers,
  subscription: Subscription,
): Promise<AnswerStream> {
  const { args, maxLag, accept } = subscription;
  try {
    requireEventStream(accept);
    const maxLagSeconds = readMaxLag(maxLag);
    const planned = planOf(args);
    if ("errors" in planned) throw planned.errors[0];
    refuseTooCostly(args.document, planned.plan);
    const opening = new Opening(service, exchange);
    const source = await createSourceEventStream({ ...args, contextValue: opening });
    if ("errors" in source && source.errors !== undefined) throw reasonOf(source.errors[0]);
    const { subscriber } = opening;
    // Events of several nodes share an id.
    const answer = (event: DeliveredEvent) =>
      shared.of(`${event.id} ${event.json} ${subscription.name}`, subscriber.signal, (signal) =>
        answerEvent(
          service,
          exchange,
          { maxLagSeconds, plan: planned.plan, signal },
          { ...args, rootValue: event },
        ),
      );
    return {
      pieces: piecesOf(subscriber, eventCost(planned.plan), answer),
      close: () => subscriber.close(),
      setInFlight: (bytes) => subscriber.setInFlight(bytes),
    };
  } catch (error) {
    exchange.refusal = codeOf(error);
    throw toClientError(error, { requestId: exchange.requestId, log: service.log });
  }
}

/** Only opening the subscription can fail here, so its error refuses the whole request. */
const reasonOf = (error: GraphQLError | undefined): unknown => error?.originalError ?? error;

function requireEventStream(accept: string | null): void {
  const types = (accept ?? "*/*").split(",").map((type) => type.split(";")[0]?.trim().toLowerCase());
  if (types.some((type) => type === EVENT_STREAM_TYPE || type === "text/*" || type === "*/*")) return;
  throw new ApiError(
    "invalid-query",
    `A subscription is answered with server-sent events: ask for them with the header "Accept: ${EVENT_STREAM_TYPE}".`,
  );
}

/** The context in which a subscription begins. It has no state, because there is no event yet. */
class Opening implements GraphContext {
  readonly #service: GraphService;
  readonly #exchange: Exchange;
  #subscriber: Subscriber | undefined;

  constructor(service: GraphService, exchange: Exchange) {
    this.#service = service;
    this.#exchange = exchange;
  }

  get state(): GraphState {
    throw new Error("a subscription has no state before an event");
  }

  get subscriber(): Subscriber {
    if (this.#subscriber === undefined) throw new Error("the subscription was not opened");
    return this.#subscriber;
  }

  readonly subscribe: GraphContext["subscribe"] = async ({ types, registry, properties }, after) => {
    const { stream, log, settings } = this.#service;
    const filter = createFilter(types, properties, resolveRegistries(settings, registry));
    const { lastEventId, requestId, rateLimitKey, fairnessKey, charge, signal, closeConnection } =
      this.#exchange;
    const resume = readResumePosition(lastEventId, after);
    if (resume.kind === "unreadable")
      throw refuseArgument(resume.parameter, resume.value, "the cursor of an event");
    this.#subscriber = await stream.subscribe(filter, resume.position, {
      client: rateLimitKey,
      fairnessKey: fairnessKey,
      charge,
      signal,
      onDisconnect() {
        log.info("a subscriber was too slow and was disconnected", { requestId });
        closeConnection?.();
      },
    });
    this.#exchange.freshness = stream.asOf;
    return NOTHING;
  };
}

/** What the schema's own subscription yields: nothing, because events are delivered by `piecesOf`. */
const NOTHING: AsyncIterable<DeliveredEvent> = {
  [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }),
};

/** When a client's budget is used up, delivery waits until it suffices; no event is skipped. */
async function* piecesOf(
  subscriber: Subscriber,
  cost: number,
  answer: (event: DeliveredEvent) => Promise<string>,
): AsyncGenerator<string, void> {
  for await (const delivery of subscriber.deliveries()) {
    if (delivery.kind === "keep-alive") {
      yield keepAliveText(delivery.id);
      continue;
    }
    for (const event of delivery.events) {
      for await (const { id } of subscriber.waitForBudget(cost)) yield keepAliveText(id);
      yield eventText("next", event.id, await answer(event));
    }
  }
}

/** As in graphql-js, a subscription is executed like a query whose root is the event. */
const executeEvent: Execute = async (args) => execute(args);

interface EventRequest {
  readonly maxLagSeconds: number | undefined;
  readonly plan: OperationPlan;
  /** Aborted when no client waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** The answer to one event as JSON, which includes its errors. */
async function answerEvent(
  service: GraphService,
  exchange: Exchange,
  { maxLagSeconds, plan, signal }: EventRequest,
  args: ExecutionArgs,
): Promise<string> {
  const where = { requestId: exchange.requestId, log: service.log };
  const maxBytes = service.settings.graphqlMaxResponseBytes;
  const ofEvent: Exchange = { ...exchange, cacheable: null };
  try {
    const answer = await service.reader.read(
      (transaction) => answerInside(transaction, service, ofEvent, maxLagSeconds, plan, args, executeEvent),
      { share: "events", client: exchange.fairnessKey, signal },
    );
    return resultJson(withClientErrors(answer, where), maxBytes);
  } catch (error) {
    if (error instanceof Abandoned) throw error;
    return resultJson({ errors: [toClientError(error, where)] });
  }
}
