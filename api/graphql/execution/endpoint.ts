/** The GraphQL endpoint as a function from request to response: graphql-yoga with our limits, state and errors. */
import { useAPQ } from "@graphql-yoga/plugin-apq";
import type { DocumentNode, ExecutionArgs, ExecutionResult, GraphQLSchema } from "graphql";
import { createYoga, type Plugin, type YogaInitialContext } from "graphql-yoga";
import { EVENT_STREAM_HEADERS, EVENT_STREAM_TYPE, eventStreamBody } from "../../stream/serverSentEvents.ts";
import { answerOperation } from "./answer.ts";
import type { GraphService } from "./graphService.ts";
import { refuseUnreadable } from "./limits/documentText.ts";
import { MAX_BODY_BYTES } from "./limits/limits.ts";
import { readBodies, readRequest } from "./readRequest.ts";
import { withClientErrors } from "./response/errors.ts";
import type { Exchange } from "./response/exchange.ts";
import { respond } from "./response/respond.ts";
import { SharedAnswers } from "./sharedAnswers.ts";
import { beginSubscription } from "./subscribe.ts";
import { TextCache } from "./textCache.ts";
import { keepValidDocuments } from "./validDocuments.ts";

interface ServerContext {
  readonly exchange: Exchange;
}

/** Bound on the texts of persisted operations, for which clients send a hash. */
const PERSISTED_CHARACTERS = 2_000_000;
/** What an entry takes besides its text: its hash and the cache's own record. */
const PERSISTED_ENTRY_CHARACTERS = 250;
/** Bound on the texts of parsed documents: a document takes 50 to 200 bytes per character, 13 MB in all at most. */
const PARSED_CHARACTERS = 64_000;

type GraphEndpoint = (request: Request, exchange: Exchange) => Promise<Response>;

export function createGraphEndpoint(schema: GraphQLSchema, service: GraphService): GraphEndpoint {
  const yoga = createYoga<ServerContext>({
    schema,
    graphqlEndpoint: "/graphql",
    landingPage: false,
    cors: false,
    logging: false,
    multipart: false,
    // A request has one state and one set of headers.
    batching: false,
    maxRequestBodySize: MAX_BODY_BYTES,
    fetchAPI: { Request, Response, Headers, URL, TextEncoder, TextDecoder, ReadableStream },
    graphiql: false,
    // `responses` maps all errors, with their request's id.
    maskedErrors: false,
    // `keepValidDocuments` instead, which keeps no errors.
    parserAndValidationCache: false,
    plugins: [
      readBodies,
      checkedParameters,
      keepValidDocuments(new TextCache<DocumentNode>(PARSED_CHARACTERS)),
      oneState(service),
      responses(service),
      subscriptions(service),
      useAPQ({
        store: new TextCache<string>(
          PERSISTED_CHARACTERS,
          (_, query) => query.length + PERSISTED_ENTRY_CHARACTERS,
        ),
      }),
      checkedText,
    ],
  });
  return async (request, exchange) => yoga.fetch(request, { exchange });
}

/** Checks what a request carries before it is used: first everything but the document, which may be a persisted one. */
const checkedParameters: Plugin = {
  onParams({ params, setParams }) {
    setParams(readRequest(params));
  },
};
/** Checks the document once a persisted one has been looked up. */
const checkedText: Plugin = {
  onParams({ params: { query } }) {
    if (typeof query === "string") refuseUnreadable(query);
  },
};

/** Runs every operation in one transaction, on one state. */
const oneState = (service: GraphService): Plugin<YogaInitialContext & ServerContext> => ({
  onExecute({ executeFn, setExecuteFn, context: { exchange, params } }) {
    const maxLag = exchange.maxLag ?? params.extensions?.maxLag;
    setExecuteFn((args: ExecutionArgs) =>
      // Nothing is deferred or streamed, so there is one result.
      answerOperation(
        service,
        exchange,
        maxLag,
        args,
        // graphql-yoga's type also allows the results of @defer, which is not enabled
        async (prepared) => (await executeFn(prepared)) as ExecutionResult,
      ),
    );
  },
});

/** Answers subscriptions event by event, in the stream's own format of server-sent events. */
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
    onResultProcess({ serverContext: { exchange }, setResultProcessor }) {
      const { answers, requestId } = exchange;
      if (answers === null) return;
      const { pieces, close, setInFlight } = answers;
      setResultProcessor(() => {
        const body = eventStreamBody(pieces, { close, setInFlight, log: service.log, requestId });
        return new Response(body, { headers: { ...EVENT_STREAM_HEADERS } });
      }, EVENT_STREAM_TYPE);
    },
  };
}

/** Writes all other answers. Whatever was thrown anywhere arrives here and is mapped. */
const responses = ({ log, settings }: GraphService): Plugin<object, ServerContext> => ({
  onResultProcess({ serverContext: { exchange }, result, request, setResultProcessor }) {
    // Nothing is batched, deferred or streamed, so there is one result.
    const answer = withClientErrors(result as ExecutionResult, { requestId: exchange.requestId, log });
    const accept = request.headers.get("Accept") ?? undefined;
    const maxBytes = settings.graphqlMaxResponseBytes;
    setResultProcessor(() => respond(answer, exchange, { accept, maxBytes, log }), "application/json");
  },
});
