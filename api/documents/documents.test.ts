import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestApi, type TestApi } from "../testing/testApi.ts";

let api: TestApi;

// Nothing here is read from a database.
beforeAll(() => {
  api = createTestApi("postgres://nobody@127.0.0.1:1/none");
});
afterAll(() => api.close());

const textOf = async (path: string): Promise<string> => {
  const response = await api.get(path);
  expect([path, response.status]).toEqual([path, 200]);
  return response.text();
};

/** Where the links of a text lead to within this API, without their fragments. */
const linksOf = (text: string, from: string): readonly string[] =>
  [...text.matchAll(/(?:\]\(|href=")([^)"\s]+)/g)]
    .map(([, link = ""]) => new URL(link, `http://test${from}`))
    .filter(({ host }) => host === "test")
    .map(({ pathname }) => pathname);

test("/ says where everything is, a browser is led to the reader", async () => {
  const { name, version, rest, graphql, stream, status, ...documents } = JSON.parse(await textOf("/"));
  expect([name, version, rest, graphql, stream, status]).toEqual([
    "OpenGradient index",
    "0.0.0-test",
    "/v1",
    "/graphql",
    "/v1/stream",
    "/v1/status",
  ]);
  expect(Object.keys(documents)).toEqual(["documents", "guide", "openapi", "errors"]);
  for (const path of Object.values<string>(documents)) await textOf(path);

  const tag = (await api.get("/")).headers.get("ETag") ?? "";
  const again = await api.get("/", { "If-None-Match": tag });
  expect([again.status, again.headers.get("Vary")]).toEqual([304, "Accept, Accept-Encoding"]);
  const browser = await api.get("/", { Accept: "text/html,*/*;q=0.8", "If-None-Match": tag });
  expect([browser.status, browser.headers.get("Location")]).toEqual([302, "/docs"]);
  expect((await api.fetch("/", { method: "HEAD" })).status).toBe(200);
  expect((await api.fetch("/", { method: "POST" })).status).toBe(405);
});

test("every document is reached from /docs and from openapi.json, and links to what there is", async () => {
  const { info, externalDocs } = JSON.parse(await textOf("/openapi.json"));
  expect(externalDocs.url).toBe("/docs/api.md");
  expect(linksOf(info.description, "/docs")).toContain("/docs/api.md");
  const seen = new Set(["/docs", "/graphql"]);
  const left = ["/docs"];
  for (let path = left.pop(); path !== undefined; path = left.pop())
    for (const link of linksOf(await textOf(path), path)) {
      // The rest of the repository is not served.
      if (seen.has(link) || link === "/README.md" || link.startsWith("/docs/decisions/")) continue;
      seen.add(link);
      left.push(link);
    }
  expect([...seen]).toEqual(
    expect.arrayContaining([
      ...["api", "graphql", "streams", "metrics", "protocol"].map((name) => `/docs/${name}.md`),
      "/docs/errors",
      "/openapi.json",
    ]),
  );
});
