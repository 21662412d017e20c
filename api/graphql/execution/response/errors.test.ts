import { GraphQLError } from "graphql";
import { expect, test } from "vitest";
import { createLog } from "../../../../config/log.ts";
import { MAX_ERROR_LENGTH, MAX_ERRORS } from "../limits/limits.ts";
import { withClientErrors } from "./errors.ts";

const where = {
  requestId: "r1",
  log: createLog({ LOG_LEVEL: "warn", LOG_FORMAT: "json" }, "api", () => {}),
};

test("one mistake that is met over and over is told of a hundred times, and how often besides", () => {
  const errors = Array.from({ length: 5_000 }, (_, n) => new GraphQLError("no", { path: ["items", n] }));
  const result = withClientErrors({ data: null, errors, extensions: { asOf: null } }, where);
  expect(result.errors).toHaveLength(MAX_ERRORS);
  expect(result.errors?.[99]).toMatchObject({ path: ["items", 99], extensions: { requestId: "r1" } });
  expect(result.extensions).toEqual({ asOf: null, errorsOmitted: 4_900 });
});

test("what an error quotes of the request is shortened", () => {
  const { errors } = withClientErrors({ errors: [new GraphQLError("x".repeat(50_000))] }, where);
  expect(errors?.[0]?.message).toHaveLength(MAX_ERROR_LENGTH);
});

test("few errors are all told, and nothing is said of others", () => {
  const result = withClientErrors({ data: null, errors: [new GraphQLError("no")] }, where);
  expect(result).not.toHaveProperty("extensions");
});
