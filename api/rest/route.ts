/** Registers GET routes, each with a description that the documents are made from: by the same schemas. */
import { z } from "@hono/zod-openapi";
import { Hono } from "hono";
import { ApiError, type ErrorCode } from "../errors.ts";
import { type RefusedParameter, refusedParameters, refusedRange } from "./refusedParameters.ts";
import type { RequestContext, RequestVariables } from "./request.ts";

export type Shape = Readonly<Record<string, z.ZodType>>;
export type Parsed<S extends Shape> = z.output<z.ZodObject<S>>;

/** Chapters of the documents. */
export const TAGS = [
  "Selection",
  "Nodes",
  "Inferences",
  "Settlements",
  "Payments",
  "Accounts",
  "Registry",
  "Network",
  "Streams",
  "Index",
] as const;
export type Tag = (typeof TAGS)[number];

export interface RouteDescription<P extends Shape = Shape, Q extends Shape = Shape> {
  /** In OpenAPI's notation: `/v1/nodes/{teeId}`. */
  readonly path: string;
  /** What generated clients call it. */
  readonly operationId: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly params: P;
  readonly query: Q;
  /** Of the request, where they change the answer in another way than everywhere. */
  readonly headers?: Shape;
  /** The answer's body; a list's item; a stream's events, as an object of what each sends by its name. */
  readonly schema: z.ZodType;
  readonly answers: "one" | "list" | "events";
  /** The answer is of this very moment: nobody may keep it. */
  readonly momentary?: true;
  /** Beside what any route may fail with. */
  readonly problems?: readonly ErrorCode[];
}

/** The application, with what its routes say of themselves. */
export class ApiApp extends Hono<RequestVariables> {
  readonly descriptions: RouteDescription[] = [];
}

export const pageInfoSchema = z
  .strictObject({
    endCursor: z.string().nullable(),
    hasNextPage: z.boolean(),
  })
  .openapi("PageInfo");

/** The body of a list's page. */
export const pageSchema = (item: z.ZodType) =>
  z.strictObject({ items: z.array(item), pageInfo: pageInfoSchema });

/** @throws {ApiError} `invalid-parameter` (inside the handler) naming every refused parameter. */
export function defineRoute<P extends Shape, Q extends Shape>(
  app: ApiApp,
  description: RouteDescription<P, Q>,
  handler: (
    context: RequestContext,
    input: { readonly params: Parsed<P>; readonly query: Parsed<Q> },
  ) => Response | Promise<Response>,
): void {
  app.descriptions.push(description);
  const params = z.strictObject(description.params);
  const queries = new RememberedQueries(z.strictObject(description.query));
  const path = description.path.replaceAll(/\{(\w+)\}/g, ":$1");
  app.get(path, (context: RequestContext) => {
    const read = { params: parse(params, context.req.param()), query: queries.parse(context) };
    if (read.params.ok && read.query.ok) {
      context.set("canonicalPath", canonicalPath(description.path, read.params.value));
      return handler(context, { params: read.params.value, query: read.query.value });
    }
    throw refusal([read.params, read.query].flatMap((part) => (part.ok ? [] : part.refused)));
  });
}

const canonicalPath = (path: string, params: Readonly<Record<string, unknown>>): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(params[name]));

/** What was given, read by its schema. */
type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refused: readonly RefusedParameter[] };

const MAX_REMEMBERED = 256;
const MAX_REMEMBERED_LENGTH = 512;

/** Clients ask the same question again and again: its text is parsed once, and means the same object from then on. */
class RememberedQueries<S extends z.ZodObject> {
  readonly #schema: S;
  readonly #parsed = new Map<string, Reading<z.output<S>>>();

  constructor(schema: S) {
    this.#schema = schema;
  }

  parse({ req }: RequestContext): Reading<z.output<S>> {
    const start = req.url.indexOf("?");
    const text = start === -1 ? "" : req.url.slice(start);
    const known = this.#parsed.get(text);
    if (known !== undefined) return known;
    const query = parse(this.#schema, single(req.queries()));
    if (query.ok && text.length <= MAX_REMEMBERED_LENGTH) {
      const [oldest] = this.#parsed.keys();
      if (this.#parsed.size >= MAX_REMEMBERED && oldest !== undefined) this.#parsed.delete(oldest);
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

function parse<S extends z.ZodObject>(
  schema: S,
  given: Readonly<Record<string, unknown>>,
): Reading<z.output<S>> {
  const result = schema.safeParse(given);
  const refused = [
    ...(result.success ? [] : refusedParameters(result.error, given, Object.keys(schema.shape))),
    ...refusedRange(schema.shape, given),
  ];
  return result.success && refused.length === 0 ? { ok: true, value: result.data } : { ok: false, refused };
}

function refusal(errors: readonly RefusedParameter[]): ApiError {
  const detail = errors
    .map(({ parameter, value, rule }) => `${parameter}: ${value === null ? "" : `"${value}": `}${rule}`)
    .join("; ");
  return new ApiError("invalid-parameter", detail, { ...errors[0], errors });
}
