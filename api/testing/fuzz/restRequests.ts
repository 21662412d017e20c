/** Random requests to every operation of an OpenAPI document. For tests only. */
import fc from "fast-check";
import { hostileText, tampered } from "./hostile.ts";
import {
  cursors,
  type Judgement,
  judge,
  type Known,
  type ParameterSchema,
  tameValues,
  wildValues,
} from "./parameterValues.ts";

interface DocumentedParameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly schema: ParameterSchema;
}

export interface RestOperation {
  /** `/v1/nodes/{teeId}`. */
  readonly path: string;
  readonly parameters: readonly DocumentedParameter[];
}

/** A parameter as a request has it. */
export interface Given {
  readonly name: string;
  /** As it stands in the URL. */
  readonly encoded: string;
  readonly judgement: Judgement;
}

export interface RestRequest {
  readonly operation: RestOperation;
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly path: readonly Given[];
  /** In order; a name may repeat. */
  readonly query: readonly Given[];
}

/** Percent-encoded, lone surrogates as the bytes that some encoders make of them. */
export const encoded = (text: string): string =>
  [...text]
    .map((character) => {
      const code = character.charCodeAt(0);
      if (character.length > 1 || code < 0xd800 || code > 0xdfff) return encodeURIComponent(character);
      return [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]
        .map((byte) => `%${byte.toString(16).toUpperCase()}`)
        .join("");
    })
    .join("");

const given = (name: string, schema: ParameterSchema, text: string): Given => {
  const judgement = judge(schema, text);
  // Which registries are indexed is configured: no schema knows.
  const isConfigured = name === "registry" && judgement === "valid";
  return { name, encoded: encoded(text), judgement: isConfigured ? "open" : judgement };
};

/** The two ends of a query's range, when it has both, each once, and the schemas have nothing against either. */
function rangeIn(query: readonly Given[]): readonly [Given, Given] | null {
  const ends = ["from", "to"].flatMap((end) => query.filter(({ name }) => name === end));
  const [from, to, ...more] = ends;
  const isRange = from?.name === "from" && to?.name === "to" && more.length === 0;
  return isRange && ends.every(({ judgement }) => judgement === "valid") ? [from, to] : null;
}

const isBackwards = ([from, to]: readonly [Given, Given]): boolean =>
  Number(from.encoded) > Number(to.encoded);

/** What no schema can say: a range must not end before it begins. */
function judgeRange(query: readonly Given[]): readonly Given[] {
  const range = rangeIn(query);
  if (range === null || !isBackwards(range)) return query;
  return query.map((one): Given => (one === range[0] ? { ...one, judgement: "invalid" } : one));
}

/** The same query with its range the right way round. */
function orderRange(query: readonly Given[]): readonly Given[] {
  const range = rangeIn(query);
  if (range === null || !isBackwards(range)) return query;
  const [from, to] = range;
  return query.map((one) =>
    one === from ? { ...one, encoded: to.encoded } : one === to ? { ...one, encoded: from.encoded } : one,
  );
}

/** Texts that are no UTF-8, or not encoded at all. */
const BROKEN = ["%", "%zz", "%ff%fe", "%C0%AF", "%u0041", "a=b", "[]", "%00", "%F4%90%80%80"] as const;

type Mood = "tame" | "wild";

const valuesOf = (mood: Mood, { name, schema }: DocumentedParameter, known: Known): fc.Arbitrary<Given> => {
  const said = (mood === "tame" ? tameValues : wildValues)(name, schema, known).map((text) =>
    given(name, schema, text),
  );
  if (mood === "tame") return said;
  const broken = fc
    .constantFrom(...BROKEN)
    .map((text): Given => ({ name, encoded: text, judgement: "open" }));
  return fc.oneof({ weight: 12, arbitrary: said }, { weight: 1, arbitrary: broken });
};

const unknownParameter: fc.Arbitrary<Given> = fc
  .tuple(
    fc.oneof(
      fc.constantFrom("nosuch", "Limit", "limit[]", "offset", "__proto__", "constructor"),
      hostileText,
    ),
    hostileText,
  )
  .map(([name, value]) => ({
    name,
    encoded: encoded(value),
    // What a query's parser makes of names like these is its own affair.
    judgement: /^[A-Za-z_[\]]+$/.test(name) ? "invalid" : "open",
  }));

const MAX_AT_ONCE = 4;

/** Which known values fit an operation's path parameters. */
function pathField({ path }: RestOperation, name: string): string {
  const [, , collection = ""] = path.split("/");
  return `${collection} ${name}`;
}

function requestsTo(operation: RestOperation, known: Known, mood: Mood): fc.Arbitrary<RestRequest> {
  const of = (where: DocumentedParameter["in"]) => operation.parameters.filter((one) => one.in === where);
  const path = of("path").map((parameter) => {
    const values = known.values.get(pathField(operation, parameter.name)) ?? [];
    const there = values.map((text) => given(parameter.name, parameter.schema, text));
    const tame = there.length === 0 ? valuesOf("tame", parameter, known) : fc.constantFrom(...there);
    return mood === "tame"
      ? tame
      : fc.oneof(
          { weight: 4, arbitrary: tame },
          { weight: 1, arbitrary: valuesOf("wild", parameter, known) },
        );
  });
  const required = of("query").filter((parameter) => parameter.required === true);
  const optional = of("query").filter((parameter) => parameter.required !== true);
  const query = fc
    .subarray(optional, { maxLength: Math.min(MAX_AT_ONCE, optional.length) })
    .chain((chosen) => {
      const values = [...required, ...chosen].map((parameter) => valuesOf(mood, parameter, known));
      if (mood === "tame") return fc.tuple(...values).map(orderRange);
      const again =
        chosen.length === 0 ? [] : [fc.constantFrom(...chosen).chain((one) => valuesOf(mood, one, known))];
      return fc
        .tuple(
          fc.tuple(...values),
          fc.oneof(
            { weight: 6, arbitrary: fc.constant<Given[]>([]) },
            { weight: 1, arbitrary: unknownParameter.map((one) => [one]) },
            ...again.map((one) => ({ weight: 1, arbitrary: one.map((value) => [value]) })),
          ),
        )
        .map(([all, more]) => judgeRange([...all, ...more]));
    });
  return fc
    .record({
      path: fc.tuple(...path),
      query,
      method: methods(mood),
      headers: headers(mood, of("header"), known),
    })
    .map((parts) => ({ operation, ...parts, target: targetOf(operation, parts.path, parts.query) }));
}

const methods = (mood: Mood): fc.Arbitrary<string> =>
  mood === "tame"
    ? fc.constant("GET")
    : fc.oneof(
        { weight: 20, arbitrary: fc.constant("GET") },
        {
          weight: 1,
          arbitrary: fc.constantFrom("HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "BREW"),
        },
      );

/** What a header can hold: bytes without the ends of lines. */
const headerText = hostileText.map((text) =>
  [...text.slice(0, 2_000)]
    .filter((character) => /^[\t\x20-\x7e\x80-\xff]$/.test(character))
    .join("")
    .trim(),
);

const headers = (
  mood: Mood,
  documented: readonly DocumentedParameter[],
  known: Known,
): fc.Arbitrary<Record<string, string>> => {
  if (mood === "tame") return fc.constant({});
  const named = ["If-None-Match", "Accept", "X-Forwarded-For", ...documented.map(({ name }) => name)];
  const one = fc.tuple(fc.constantFrom(...named), fc.oneof(headerText, cursors(known)));
  return fc.oneof(
    { weight: 6, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: one.map((entry) => Object.fromEntries([entry])) },
  );
};

function targetOf({ path }: RestOperation, segments: readonly Given[], query: readonly Given[]): string {
  const filled = segments.reduce(
    (text, { name, encoded: value }) => text.replace(`{${name}}`, () => value),
    path,
  );
  const pairs = query.map(({ name, encoded: value }) => `${encoded(name)}=${value}`);
  return pairs.length === 0 ? filled : `${filled}?${pairs.join("&")}`;
}

/** What may change from page to page of one walk. */
const PRESENTATION = new Set(["limit", "format", "all", "maxLag"]);

/** Second pages: the cursor as it was given, or with something else in it, which must not reach the database. */
function pageRequests(
  operations: readonly RestOperation[],
  known: Known,
): readonly fc.Arbitrary<RestRequest>[] {
  return known.pages.flatMap(({ operation: name, path, endCursor }) => {
    const operation = operations.find((one) => one.path === name);
    if (operation === undefined) return [];
    const presentation = operation.parameters.filter((one) => PRESENTATION.has(one.name));
    const after = fc.oneof(
      { weight: 1, arbitrary: fc.constant<[string, Judgement]>([endCursor, "valid"]) },
      { weight: 4, arbitrary: tampered(endCursor).map((text): [string, Judgement] => [text, "open"]) },
    );
    return [
      fc
        .tuple(
          after,
          fc
            .subarray(presentation)
            .chain((chosen) => fc.tuple(...chosen.map((parameter) => valuesOf("tame", parameter, known)))),
        )
        .map(([[text, judgement], rest]): RestRequest => {
          const query = [{ name: "after", encoded: encoded(text), judgement }, ...rest];
          const target = targetOf({ ...operation, path }, [], query);
          return { operation, method: "GET", target, headers: {}, path: [], query };
        }),
    ];
  });
}

/** Some have only values that the schemas allow, some have anything, and some go on from a page. */
export function restRequests(operations: readonly RestOperation[], known: Known): fc.Arbitrary<RestRequest> {
  const moods = operations.map((operation) => ({
    tame: requestsTo(operation, known, "tame"),
    wild: requestsTo(operation, known, "wild"),
  }));
  return fc.oneof(
    { weight: 2, arbitrary: fc.oneof(...moods.map(({ tame }) => tame)) },
    { weight: 6, arbitrary: fc.oneof(...moods.map(({ wild }) => wild)) },
    { weight: 2, arbitrary: fc.oneof(...pageRequests(operations, known)) },
  );
}
