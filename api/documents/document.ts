/** `/openapi.json`: made from what the routes say of themselves, by the schemas that they parse with. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { meaningOf } from "../fields/describe.ts";
import { writerOf } from "../rest/listFormat.ts";
import { pageSchema, type RouteDescription, TAGS } from "../rest/route.ts";
import { scoreSchema } from "../rest/scoreFields.ts";
import { exampleOf } from "./examples.ts";
import { headerComponents, headersOf, reference } from "./headers.ts";
import { INTRODUCTION, TAG_DESCRIPTIONS } from "./introduction.ts";
import { type JsonSchema, mapProperties, type Schemas } from "./jsonSchema.ts";
import { OTHER_PATHS } from "./otherPaths.ts";
import {
  PROBLEM_SCHEMA,
  problemCodes,
  problemComponents,
  problemExamples,
  problemResponses,
} from "./problems.ts";

interface Parameter {
  readonly name: string;
  readonly description?: string;
  readonly schema: JsonSchema;
}

/** An operation, as far as it is made from schemas. */
interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly responses: {
    readonly 200: { readonly content: Readonly<Record<string, { schema: JsonSchema }>> };
  };
}

interface Generated {
  readonly paths: Readonly<Record<string, { readonly get: Operation }>>;
  readonly components: { readonly schemas: Schemas };
}

export type OpenApiDocument = Readonly<Record<string, unknown>>;

/** @param version - of the software. */
export function openApiDocument(descriptions: readonly RouteDescription[], version: string): OpenApiDocument {
  const { paths, components } = generate(descriptions);
  const schemas = explained({ Problem: PROBLEM_SCHEMA, ...components.schemas });
  return {
    openapi: "3.1.0",
    info: {
      title: "OpenGradient index",
      version,
      summary:
        "Nodes, inferences, settlements and payments of the OpenGradient network, checked and searchable.",
      description: INTRODUCTION,
      license: { name: "MIT", identifier: "MIT" },
    },
    externalDocs: {
      url: "/docs/api.md",
      description: "Programs for the commonest questions, in curl, GraphQL, TypeScript and Python.",
    },
    servers: [{ url: "/" }],
    tags: [...TAGS, "GraphQL", "Documents"].map((name) => ({ name, description: TAG_DESCRIPTIONS[name] })),
    paths: {
      ...Object.fromEntries(
        descriptions.map((description) => {
          const operation = paths[description.path]?.get;
          if (operation === undefined) throw new Error(`${description.path} was not generated`);
          return [description.path, { get: described(description, operation, schemas) }];
        }),
      ),
      ...OTHER_PATHS,
    },
    components: {
      schemas,
      responses: { NotModified, ...problemComponents() },
      headers: headerComponents(),
      examples: problemExamples(),
    },
  };
}

const NotModified = {
  description: "The answer is the one that `If-None-Match` names.",
  headers: reference(headersOf("one")),
};

/** Paths and schemas as zod has them. */
function generate(descriptions: readonly RouteDescription[]): Generated {
  const generator = new OpenAPIHono();
  // Its first use is `nullable`, which would make the component so.
  generator.openAPIRegistry.register("Score", scoreSchema);
  for (const { path, params, query, headers = {}, schema, answers } of descriptions)
    generator.openAPIRegistry.registerPath({
      method: "get",
      path,
      request: {
        params: z.strictObject(params),
        query: z.strictObject(query),
        headers: z.object(headers),
      },
      responses: {
        200: {
          description: "",
          content: { "application/json": { schema: answers === "list" ? pageSchema(schema) : schema } },
        },
      },
    });
  const info = { title: "", version: "" };
  // What the generator gives for what it was given above; its own types allow much more.
  return generator.getOpenAPI31Document({ openapi: "3.1.0", info }) as unknown as Generated;
}

/** Fields get the meaning of their names, unless they say more themselves. */
const explain = (property: JsonSchema, name: string, owner: string): JsonSchema => {
  const { description = meaningOf(name, owner) } = property;
  return { ...withoutContradiction(property), ...(description !== undefined && { description }) };
};

/** The generator asks of a component that may be null that it be the component and may be null. */
function withoutContradiction(property: JsonSchema): JsonSchema {
  const { allOf: [component, more] = [], ...rest } = property;
  const nullable = component?.$ref !== undefined && [more?.type].flat().includes("null");
  return nullable ? { ...rest, anyOf: [component, { type: "null" }] } : property;
}

const explained = (schemas: Schemas): Schemas =>
  Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, mapProperties(schema, name, explain)]),
  );

function described(
  { operationId, tag, summary, query, answers, momentary, schema, problems }: RouteDescription,
  { parameters = [], responses }: Operation,
  schemas: Schemas,
) {
  const generated = responses[200].content["application/json"]?.schema ?? {};
  const body = mapProperties(generated, "", explain);
  return {
    operationId,
    tags: [tag],
    summary,
    parameters: parameters.map((parameter) => describedParameter(parameter, operationId, schemas)),
    responses: {
      200: {
        description: summary,
        headers: reference(headersOf(answers)),
        content: contentOf(answers, schema, body, exampleOf(body, schemas, "", "")),
      },
      ...(answers === "events" || momentary
        ? {}
        : {
            304: { $ref: "#/components/responses/NotModified" },
          }),
      ...problemResponses(problemCodes(answers, query, problems)),
    },
  };
}

/** JSON and, of lists, its twins; or events. */
function contentOf(
  answers: RouteDescription["answers"],
  item: z.ZodType,
  body: JsonSchema,
  example: unknown,
): Readonly<Record<string, object>> {
  if (answers === "events") {
    const told = Object.entries(example as object).map(
      // events by name
      ([event, data]) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`,
    );
    // OpenAPI 3.1 has no words for streams: the members of this schema are the events' data by their names.
    return {
      "text/event-stream": { schema: { type: "string" }, example: told.join(""), "x-events": body },
    };
  }
  const json = { "application/json": { schema: body, example } };
  if (answers === "one") return json;
  const { items = [] } = example as { items?: readonly unknown[] }; // a list's page
  const text = (format: "csv" | "ndjson") => {
    const { begin, items: write } = writerOf(format, item);
    return { schema: { type: "string" }, example: begin + write(items, "first") };
  };
  return { ...json, "text/csv": text("csv"), "application/x-ndjson": text("ndjson") };
}

/** The example is the schema's, not the parameter's: readers would fill in the latter for every question. */
function describedParameter({ schema, ...parameter }: Parameter, operationId: string, schemas: Schemas) {
  const { name, description = meaningOf(name, operationId) } = parameter;
  const { description: _, ...plain } = schema;
  const examples = [exampleOf(schema, schemas, name, operationId)];
  return { ...parameter, description, schema: { ...plain, examples } };
}
