/** Registers a GET route and its documentation from the same schemas. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { ApiError } from "../errors.ts";
import type { RequestContext, RequestVariables } from "./answer.ts";
import { refusedParameters } from "./parameters.ts";

export type ApiApp = OpenAPIHono<RequestVariables>;

type Shape = Readonly<Record<string, z.ZodType>>;
type Parsed<S extends Shape> = z.output<z.ZodObject<S>>;

interface RouteDescription<P extends Shape, Q extends Shape> {
  /** In OpenAPI's notation: `/v1/nodes/{teeId}`. */
  readonly path: string;
  readonly summary: string;
  readonly params: P;
  readonly query: Q;
  /** The answer's body; a list's item. */
  readonly schema: z.ZodType;
  readonly answers: "one" | "list";
}

export const pageInfoSchema = z.strictObject({
  endCursor: z.string().nullable(),
  hasNextPage: z.boolean(),
});

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    detail: z.string(),
    instance: z.string(),
    requestId: z.string(),
  })
  .openapi("Problem");

/** @throws {ApiError} `invalid-parameter` (inside the handler) naming every refused parameter. */
export function defineRoute<P extends Shape, Q extends Shape>(
  app: ApiApp,
  { path, summary, params, query, schema, answers }: RouteDescription<P, Q>,
  handler: (
    context: RequestContext,
    input: { readonly params: Parsed<P>; readonly query: Parsed<Q> },
  ) => Promise<Response>,
): void {
  const paramsSchema = z.strictObject(params);
  const querySchema = z.strictObject(query);
  const json =
    answers === "one" ? schema : z.strictObject({ items: z.array(schema), pageInfo: pageInfoSchema });
  const route = createRoute({
    method: "get",
    path,
    summary,
    request: { params: paramsSchema, query: querySchema },
    responses: {
      200: {
        description: summary,
        content: {
          "application/json": { schema: json },
          ...(answers === "one"
            ? {}
            : {
                "text/csv": { schema: z.string() },
                "application/x-ndjson": { schema: z.string() },
              }),
        },
      },
      304: { description: "The answer is the one that If-None-Match names." },
      default: {
        description: "A problem (RFC 9457).",
        content: { "application/problem+json": { schema: problemSchema } },
      },
    },
  });
  app.openAPIRegistry.registerPath(route);
  const readQuery = queryOf(querySchema);
  app.get(route.getRoutingPath(), (context: RequestContext) =>
    handler(context, { params: parse(paramsSchema, context.req.param()), query: readQuery(context) }),
  );
}

/** Reads a route's query. @throws {ApiError} `invalid-parameter`. */
export function queryOf<S extends z.ZodType>(schema: S): (context: RequestContext) => z.output<S> {
  const queries = new RememberedQueries(schema);
  return (context) => queries.parse(context);
}

const MOST_REMEMBERED = 256;
const LONGEST_REMEMBERED = 512;

/** Clients ask the same question again and again: its text is parsed once, and means the same object from then on. */
class RememberedQueries<S extends z.ZodType> {
  readonly #schema: S;
  readonly #parsed = new Map<string, z.output<S>>();

  constructor(schema: S) {
    this.#schema = schema;
  }

  parse({ req }: RequestContext): z.output<S> {
    const start = req.url.indexOf("?");
    const text = start === -1 ? "" : req.url.slice(start);
    const known = this.#parsed.get(text);
    if (known !== undefined) return known;
    const query = parse(this.#schema, single(req.queries()));
    if (text.length <= LONGEST_REMEMBERED) {
      const [oldest] = this.#parsed.keys();
      if (this.#parsed.size >= MOST_REMEMBERED && oldest !== undefined) this.#parsed.delete(oldest);
      this.#parsed.set(text, query);
    }
    return query;
  }
}

/** A parameter given twice stays a list, which no rule accepts. */
const single = (queries: Readonly<Record<string, readonly string[]>>) =>
  Object.fromEntries(
    Object.entries(queries).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  );

function parse<S extends z.ZodType>(schema: S, given: unknown): z.output<S> {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const errors = refusedParameters(result.error, given);
  const detail = errors
    .map(({ parameter, value, rule }) => `${parameter}: ${value === null ? "" : `"${value}": `}${rule}`)
    .join("; ");
  throw new ApiError("invalid-parameter", detail, { ...errors[0], errors });
}
