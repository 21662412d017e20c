import { buildSchema, type DocumentNode } from "graphql";
import { createYoga, type Plugin } from "graphql-yoga";
import { expect, test } from "vitest";
import { TextCache } from "./textCache.ts";
import { keepValidDocuments } from "./validDocuments.ts";

/** A server with the plugin, which counts how often a text is parsed. */
function serve(maxCharacters: number) {
  const parsed: unknown[] = [];
  const counting: Plugin = {
    onParse({ parseFn, setParseFn }) {
      setParseFn((source, options) => {
        parsed.push(source);
        return parseFn(source, options);
      });
    },
  };
  const documents = new TextCache<DocumentNode>(maxCharacters);
  const yoga = createYoga({
    schema: buildSchema("type Query { a: Int b: Int }"),
    logging: false,
    parserAndValidationCache: false,
    plugins: [counting, keepValidDocuments(documents)],
  });
  const ask = async (query: string): Promise<object> => {
    const answer = await yoga.fetch("http://test/graphql", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ query }),
    });
    return answer.json();
  };
  return { ask, documents, parsed };
}

test("what is valid is parsed once, as long as it is remembered", async () => {
  const { ask, parsed } = serve(10);
  for (const query of ["{ a }", "{ a }", "{ b }", "{ a }"])
    expect(await ask(query)).toEqual({ data: { [query.charAt(2)]: null } });
  expect(parsed).toEqual(["{ a }", "{ b }"]);
  await ask("{ b a }");
  await ask("{ a }");
  expect(parsed).toEqual(["{ a }", "{ b }", "{ b a }", "{ a }"]);
});

test.each(["{ c }", "{ a", "{ a { b } }"])("%s is refused each time and not kept", async (query) => {
  const { ask, documents, parsed } = serve(1_000);
  const first = await ask(query);
  expect(first).toHaveProperty("errors");
  expect(await ask(query)).toEqual(first);
  expect(documents.get(query)).toBeUndefined();
  expect(parsed).toEqual([query, query]);
});
