import { describe, expect, test } from "vitest";
import { withoutTrailingSlash } from "./trailingSlash.ts";

describe("withoutTrailingSlash", () => {
  test.each([
    ["/v1/nodes/", "/v1/nodes"],
    ["/v1/nodes///", "/v1/nodes"],
    ["/v1/nodes/?limit=1&after=a/", "/v1/nodes?limit=1&after=a/"],
    ["/graphql/", "/graphql"],
    ["//", "/"],
    ["//?a=/", "/?a=/"],
  ])("%s redirects to %s", (target, location) => {
    expect(withoutTrailingSlash(target)).toBe(location);
  });

  test.each(["/", "/?at=1/", "/v1/nodes", "/v1/nodes?x=/", "//v1/nodes"])(
    "%s is not redirected",
    (target) => {
      expect(withoutTrailingSlash(target)).toBeNull();
    },
  );

  test.each([
    "//evil.example/",
    "///evil.example//",
    "/\\evil.example/",
    "\\\\evil.example\\",
    "//evil.example/%2F/",
    "/.//evil.example/",
    "//user@evil.example:80/?q#/",
  ])("%s redirects to our own host, and only once", (target) => {
    const location = withoutTrailingSlash(target) ?? "";
    expect(location).toMatch(/^\/(?![/\\])/);
    expect(new URL(location, "http://api.test").host).toBe("api.test");
    expect(withoutTrailingSlash(location)).toBeNull();
  });
});
