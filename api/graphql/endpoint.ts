/** The GraphQL endpoint as a function from request to response: graphql-yoga with our limits, state and errors. */
import { useAPQ } from "@graphql-yoga/plugin-apq";
import type { DocumentNode, ExecutionArgs, ExecutionResult, GraphQLError } from "graphql";
import { createYoga, type Plugin, type YogaInitialContext } from "graphql-yoga";
import { EVENT_STREAM_HEADERS, EVENT_STREAM_TYPE, eventStreamBody } from "../stream/serverSentEvents.ts";
import { answerOperation } from "./answer.ts";
import { shownError, toGraphError } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import type { GraphService } from "./graphService.ts";
import { MOST_BODY_BYTES } from "./limits/limits.ts";
import { refuseTooLong } from "./limits/refuse.ts";
import { schema } from "./schema.ts";
import { SharedAnswers } from "./sharedAnswers.ts";
import { beginSubscription } from "./subscribe.ts";
import { TextCache } from "./textCache.ts";
import { keepValidDocuments } from "./validDocuments.ts";

interface ServerContext {
  readonly exchange: Exchange;
}

/** Texts of operations, kept for clients that send a hash instead. */
const PERSISTED_CHARACTERS = 2_000_000;
/** A hash, and what keeping an entry takes: of the shortest texts, more than the text. */
const PERSISTED_ENTRY_CHARACTERS = 250;
/** Of the texts whose documents are kept: a document takes 50 to 200 bytes for each, so 13 MB at most. */
const PARSED_CHARACTERS = 64_000;

export type GraphEndpoint = (request: Request, exchange: Exchange) => Promise<Response>;

export function createGraphEndpoint(service: GraphService): GraphEndpoint {
  const yoga = createYoga<ServerContext>({
    schema,
    graphqlEndpoint: "/graphql",
    landingPage: false,
    cors: false,
    logging: false,
    multipart: false,
    // One request has one state, and so one set of headers.
    batching: false,
    maxRequestBodySize: MOST_BODY_BYTES,
    fetchAPI: { Request, Response, Headers, URL, TextEncoder, TextDecoder, ReadableStream },
    graphiql: false,
    // What is no answer to an operation; the answers' errors are mapped below, with their request's id.
    maskedErrors: { maskError: (error) => toGraphError(error, { requestId: null, log: service.log }) },
    // Ours keeps no errors.
    parserAndValidationCache: false,
    plugins: [
      keepValidDocuments(new TextCache<DocumentNode>(PARSED_CHARACTERS)),
      oneState(service),
      subscriptions(service),
      mappedErrors(service),
      useAPQ({
        store: new TextCache<string>(
          PERSISTED_CHARACTERS,
          (_, query) => query.length + PERSISTED_ENTRY_CHARACTERS,
        ),
      }),
      tokenLimit(service),
    ],
  });
  return async (request, exchange) => yoga.fetch(request, { exchange });
}

/** A text with too many tokens is refused before it costs more than reading them. */
const tokenLimit = ({ log }: GraphService): Plugin<object, ServerContext> => ({
  onParams({ params: { query }, context }) {
    try {
      if (typeof query === "string") refuseTooLong(query);
    } catch (error) {
      throw toGraphError(error, { requestId: context.exchange.requestId, log });
    }
  },
});

/** Every operation runs inside of one transaction, on one state. */
const oneState = (service: GraphService): Plugin<YogaInitialContext & ServerContext> => ({
  onExecute({ executeFn, setExecuteFn, context: { exchange, params } }) {
    const maxLag = exchange.maxLag ?? params.extensions?.maxLag;
    setExecuteFn((args: ExecutionArgs) =>
      // Nothing is deferred or streamed here, so there is one result.
      answerOperation(
        service,
        exchange,
        maxLag,
        args,
        async (prepared) => (await executeFn(prepared)) as ExecutionResult,
      ),
    );
  },
});

/** Subscriptions are answered event by event, and as we write events. */
function subscriptions(service: GraphService): Plugin<YogaInitialContext & ServerContext, ServerContext> {
  const shared = new SharedAnswers();
  return {
    onSubscribe({ setSubscribeFn, args: { contextValue } }) {
      const { exchange, params, request } = contextValue;
      const { query, variables, operationName, extensions } = params;
      const maxLag = exchange.maxLag ?? extensions?.maxLag;
      const name = JSON.stringify([query, variables, operationName, maxLag]);
      const accept = request.headers.get("Accept");
      setSubscribeFn(async (args: ExecutionArgs) => {
        exchange.answers = await beginSubscription(service, exchange, shared, { name, args, maxLag, accept });
        return { data: null };
      });
    },
    onResultProcess({ serverContext: { exchange }, result, request, setResultProcessor }) {
      const { answers, requestId } = exchange;
      if (answers === null) {
        // Where no event will follow, a client wants a status and a body that it can read as a whole.
        const takesEvents = request.headers.get("Accept")?.includes(EVENT_STREAM_TYPE) === true;
        if (takesEvents && "errors" in result && result.errors !== undefined && result.data == null)
          setResultProcessor(() => refusalResponse(result.errors), REFUSAL_TYPE);
        return;
      }
      const { pieces, close, sending } = answers;
      setResultProcessor((_, fetchAPI) => {
        const body = eventStreamBody(pieces, { close, sending, log: service.log, requestId });
        return new fetchAPI.Response(body, { headers: { ...EVENT_STREAM_HEADERS } });
      }, EVENT_STREAM_TYPE);
    },
  };
}

const REFUSAL_TYPE = "application/json";

/** The answer to an operation that was refused as a whole. */
function refusalResponse(errors: readonly GraphQLError[] = []): Response {
  const { status = 400, headers } = errors[0]?.extensions.http ?? {};
  return new Response(JSON.stringify({ errors: errors.map(shownError) }), {
    status,
    headers: { ...headers, "Content-Type": REFUSAL_TYPE },
  });
}

/** Errors of grammar and schema get the same codes as all others. */
const mappedErrors = ({ log }: GraphService): Plugin<object, ServerContext> => ({
  onExecutionResult({ result, setResult, context }) {
    if (result === undefined || !("errors" in result) || result.errors === undefined) return;
    const { requestId } = context.exchange;
    setResult({ ...result, errors: result.errors.map((error) => toGraphError(error, { requestId, log })) });
  },
});
