/**
 * How a subscription is answered: planned and limited once, then executed for every event that the stream tells, each time
 * in a transaction of its own, on the newest state.
 */
import { createSourceEventStream, type ExecutionArgs, execute, type GraphQLError } from "graphql";
import { Abandoned, ApiError, codeOf } from "../../errors.ts";
import { resolveRegistries } from "../../queries/state/service.ts";
import { chooseEvents } from "../../stream/filter.ts";
import type { Listener, Told } from "../../stream/listener.ts";
import { readResume } from "../../stream/resume.ts";
import { aliveText, EVENT_STREAM_TYPE, eventText } from "../../stream/serverSentEvents.ts";
import { answerInside, type Execute, planOf } from "./answer.ts";
import type { GraphContext } from "./context.ts";
import { toGraphError, withFitErrors } from "./errors.ts";
import type { AnswerStream, Exchange } from "./exchange.ts";
import type { GraphService } from "./graphService.ts";
import { eventCost } from "./limits/eventCost.ts";
import type { OperationPlan } from "./limits/plan.ts";
import { refuseTooMuch } from "./limits/refuse.ts";
import { readMaxLag } from "./maxLag.ts";
import { refuseArgument } from "./refuseArgument.ts";
import { resultJson } from "./resultJson.ts";
import type { SharedAnswers } from "./sharedAnswers.ts";
import type { GraphState } from "./state.ts";

/** A subscription as it was asked for. */
export interface Subscription {
  /** Tells it from every other one: those that are the same share their answers. */
  readonly name: string;
  readonly args: ExecutionArgs;
  /** As given. */
  readonly maxLag: unknown;
  /** What the client takes. */
  readonly accept: string | null;
}

/**
 * Begins a subscription.
 * @throws {GraphQLError} fit for the caller.
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
    refuseTooMuch(args.document, planned.plan);
    const listening = new Listening(service, exchange);
    const source = await createSourceEventStream({ ...args, contextValue: listening });
    if ("errors" in source && source.errors !== undefined) throw reasonOf(source.errors[0]);
    const { listener } = listening;
    // Several nodes are told of at one place.
    const answer = (told: Told) =>
      shared.of(`${told.id} ${told.json} ${subscription.name}`, listener.signal, (signal) =>
        answerEvent(
          service,
          exchange,
          { maxLagSeconds, plan: planned.plan, signal },
          { ...args, rootValue: told },
        ),
      );
    return {
      pieces: piecesOf(listener, eventCost(planned.plan), answer),
      close: () => listener.close(),
      sending: (bytes) => listener.sending(bytes),
    };
  } catch (error) {
    exchange.refusal = codeOf(error);
    throw toGraphError(error, { requestId: exchange.requestId, log: service.log });
  }
}

/** Nothing but the opening can fail here: its reason is that of the whole request. */
const reasonOf = (error: GraphQLError | undefined): unknown => error?.originalError ?? error;

function requireEventStream(accept: string | null): void {
  const types = (accept ?? "*/*").split(",").map((type) => type.split(";")[0]?.trim().toLowerCase());
  if (types.some((type) => type === EVENT_STREAM_TYPE || type === "text/*" || type === "*/*")) return;
  throw new ApiError(
    "invalid-query",
    `A subscription is answered with server-sent events: ask for them with the header "Accept: ${EVENT_STREAM_TYPE}".`,
  );
}

/** The context in which a subscription begins: there is no state before there is an event. */
class Listening implements GraphContext {
  readonly #service: GraphService;
  readonly #exchange: Exchange;
  #listener: Listener | undefined;

  constructor(service: GraphService, exchange: Exchange) {
    this.#service = service;
    this.#exchange = exchange;
  }

  get state(): GraphState {
    throw new Error("a subscription has no state before an event");
  }

  get listener(): Listener {
    if (this.#listener === undefined) throw new Error("the subscription did not begin to listen");
    return this.#listener;
  }

  readonly listen: GraphContext["listen"] = async ({ types, registry, properties }, after) => {
    const { stream, log, settings } = this.#service;
    const filter = chooseEvents(types, properties, resolveRegistries(settings, registry));
    const { lastEventId, requestId, client, shareKey, charge, signal, cut } = this.#exchange;
    const resume = readResume(lastEventId, after);
    if (resume.kind === "unreadable")
      throw refuseArgument(resume.parameter, resume.value, "the cursor of an event");
    this.#listener = await stream.listen(filter, resume.place, {
      client,
      shareKey,
      charge,
      signal,
      onCut() {
        log.info("a listener fell behind and was cut off", { requestId });
        cut?.();
      },
    });
    this.#exchange.freshness = stream.asOf;
    return NOTHING;
  };
}

/** What the schema's subscription yields by itself; events come by another way. */
const NOTHING: AsyncIterable<Told> = {
  [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }),
};

/** A client whose budget is used up is told an event when there is enough for it again, and nothing is left out. */
async function* piecesOf(
  listener: Listener,
  cost: number,
  answer: (told: Told) => Promise<string>,
): AsyncGenerator<string, void> {
  for await (const delivery of listener.deliveries()) {
    if (delivery.kind === "alive") {
      yield aliveText(delivery.id);
      continue;
    }
    for (const told of delivery.told) {
      for await (const { id } of listener.afford(cost)) yield aliveText(id);
      yield eventText("next", told.id, await answer(told));
    }
  }
}

/** graphql's own way to answer an event: a subscription is executed like a query whose root is the event. */
const executeEvent: Execute = async (args) => execute(args);

interface EventQuestion {
  readonly maxLagSeconds: number | undefined;
  readonly plan: OperationPlan;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** The answer to one event, as JSON; its errors are in it. */
async function answerEvent(
  service: GraphService,
  exchange: Exchange,
  { maxLagSeconds, plan, signal }: EventQuestion,
  args: ExecutionArgs,
): Promise<string> {
  const where = { requestId: exchange.requestId, log: service.log };
  const maxBytes = service.settings.graphqlMaxResponseBytes;
  const ofEvent: Exchange = { ...exchange, cacheable: null };
  try {
    const answer = await service.reader.read(
      (transaction) => answerInside(transaction, service, ofEvent, maxLagSeconds, plan, args, executeEvent),
      { share: "events", client: exchange.shareKey, signal },
    );
    return resultJson(withFitErrors(answer, where), maxBytes);
  } catch (error) {
    if (error instanceof Abandoned) throw error;
    return resultJson({ errors: [toGraphError(error, where)] });
  }
}
