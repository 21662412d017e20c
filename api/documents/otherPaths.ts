/** Paths that are not REST's: described by hand. */
import { placesOf } from "./front.ts";
import { headersOf, reference } from "./headers.ts";
import { problemContent } from "./problems.ts";

const keptHeaders = reference(headersOf("kept"));

const text = (type: "text/html" | "text/plain", summary: string, operationId: string) => ({
  get: {
    operationId,
    tags: ["Documents"],
    summary,
    responses: {
      200: {
        description: summary,
        headers: keptHeaders,
        content: { [type]: { schema: { type: "string" } } },
      },
      304: { $ref: "#/components/responses/NotModified" },
    },
  },
});

/** Of `/`: paths of this API by what is there. */
const places = {
  schema: {
    type: "object",
    properties: {
      name: { type: "string", description: "What this is." },
      version: { type: "string", description: "Of the software." },
    },
    required: ["name", "version"],
    additionalProperties: { type: "string", description: "A path." },
  },
  example: placesOf("0.1.0"),
};

const GRAPHQL_ANSWER = {
  type: "object",
  properties: {
    data: { type: ["object", "null"], description: "By the schema; absent when nothing could be run." },
    errors: {
      type: "array",
      description: "What failed, each with REST's `code` in `extensions`.",
      items: {
        type: "object",
        properties: {
          message: { type: "string", description: "What is wrong." },
          path: {
            type: "array",
            description: "The field that is null for it.",
            items: { type: ["string", "integer"] },
          },
          extensions: {
            type: "object",
            description: "`code`, and what else a problem document says.",
            additionalProperties: true,
          },
        },
        required: ["message"],
        additionalProperties: true,
      },
    },
    extensions: {
      type: "object",
      description: "`asOf`, the state it is from, and what it was taken to cost.",
      additionalProperties: true,
    },
  },
};

const answer = { schema: GRAPHQL_ANSWER, example: { data: { network: { operators: 9 } } } };
const content = { "application/json": answer, "application/graphql-response+json": answer };
/** Of subscriptions: by graphql-sse's protocol, distinct connections. */
const events = { "text/event-stream": { schema: { type: "string" } } };
const refusal = {
  description: "Nothing could be run, or nothing may be answered.",
  headers: reference([...headersOf("one"), "Retry-After"]),
  // What is refused before it is read is refused as everywhere.
  content: {
    ...content,
    ...events,
    ...problemContent(["not-acceptable", "uri-too-long", "rate-limited", "internal"]),
  },
};

const textParameter = (name: string, description: string, example: string) => ({
  name,
  in: "query",
  required: false,
  description,
  schema: { type: "string", examples: [example] },
});

const maxLag = {
  name: "maxLag",
  in: "query",
  required: false,
  description: "Refuse what is older, seconds.",
  schema: { type: "integer", minimum: 0, examples: [60] },
};

export const OTHER_PATHS = {
  "/graphql": {
    get: {
      operationId: "queryGraphql",
      tags: ["GraphQL"],
      summary: "A GraphQL query that may be kept, or a subscription; GraphiQL for browsers.",
      parameters: [
        textParameter(
          "query",
          "The query; may be left out with a persisted one.",
          "{ network { operators } }",
        ),
        textParameter("variables", "JSON.", "{}"),
        textParameter("operationName", "Which operation, when there are several.", "Network"),
        textParameter(
          "extensions",
          "JSON: `persistedQuery` names a query by its hash.",
          '{"persistedQuery":{"version":1,"sha256Hash":"…"}}',
        ),
        maxLag,
      ],
      responses: {
        200: {
          description:
            "The answer; errors of single fields come with the rest of it. A browser gets GraphiQL.",
          headers: reference(headersOf("one")),
          content: { ...content, ...events, "text/html": { schema: { type: "string" } } },
        },
        304: { $ref: "#/components/responses/NotModified" },
        default: refusal,
      },
    },
    post: {
      operationId: "postGraphql",
      tags: ["GraphQL"],
      summary: "A GraphQL query or subscription.",
      parameters: [maxLag],
      requestBody: {
        required: true,
        content: {
          "application/json": {
            schema: {
              type: "object",
              properties: {
                query: { type: "string", description: "The query." },
                variables: {
                  type: ["object", "null"],
                  description: "By name.",
                  additionalProperties: true,
                },
                operationName: {
                  type: ["string", "null"],
                  description: "Which operation, when there are several.",
                },
                extensions: {
                  type: ["object", "null"],
                  description: "`persistedQuery`, `maxLag`.",
                  additionalProperties: true,
                },
              },
            },
            example: { query: "{ network { operators } }" },
          },
        },
      },
      responses: {
        200: {
          description: "The answer; errors of single fields come with the rest of it.",
          headers: reference(headersOf("one")),
          content: { ...content, ...events },
        },
        default: refusal,
      },
    },
  },
  "/openapi.json": {
    get: {
      operationId: "getOpenapi",
      tags: ["Documents"],
      summary: "This document.",
      responses: {
        200: {
          description: "OpenAPI 3.1.",
          headers: keptHeaders,
          content: { "application/json": { schema: { type: "object", additionalProperties: true } } },
        },
        304: { $ref: "#/components/responses/NotModified" },
      },
    },
  },
  "/docs": text("text/html", "Its reader.", "readDocs"),
  "/docs/errors": text("text/html", "What every code of a problem means.", "readErrors"),
  "/docs/api.md": text(
    "text/plain",
    "Programs for the commonest questions, in curl, GraphQL, TypeScript and Python; Markdown.",
    "readGuide",
  ),
  "/": {
    get: {
      operationId: "getPlaces",
      tags: ["Documents"],
      summary: "Where everything is; a browser is led to the reader.",
      responses: {
        200: {
          description: "Paths by what is there.",
          headers: keptHeaders,
          content: { "application/json": places },
        },
        302: { description: "To `/docs`, for who accepts HTML.", headers: keptHeaders },
        304: { $ref: "#/components/responses/NotModified" },
      },
    },
  },
};
