/** What is wrong with a request's parameters, each with its value and its rule. */
import type { z } from "@hono/zod-openapi";
import { brokenRangeRule } from "../queries/state/moment.ts";

export interface RefusedParameter {
  readonly parameter: string;
  readonly value: string | null;
  readonly rule: string;
}

/**
 * A range that ends before it begins: nothing can be in it, and an empty answer would say that nothing happened.
 * @param shape - of all parameters that there are.
 */
export function refusedRange(
  shape: Readonly<Record<string, z.ZodType>>,
  given: Readonly<Record<string, unknown>>,
): readonly RefusedParameter[] {
  const secondOf = (name: string): number | undefined => {
    const second = shape[name]?.safeParse(given[name]).data;
    return typeof second === "number" ? second : undefined;
  };
  const from = secondOf("from");
  const rule = brokenRangeRule({ from, to: secondOf("to") });
  return rule === null ? [] : [{ parameter: "from", value: String(from), rule }];
}

const MAX_ECHO_LENGTH = 200;

/**
 * Reads a validation failure as parameter, value and rule; unknown parameters are named too.
 * @param names - of all parameters that there are.
 */
export function refusedParameters(
  error: z.ZodError,
  given: unknown,
  names: readonly string[],
): readonly RefusedParameter[] {
  const givenFor = (parameter: string): unknown =>
    typeof given === "object" && given !== null && parameter in given ? Reflect.get(given, parameter) : null;
  const isRepeated = (parameter: string) => Array.isArray(givenFor(parameter));
  const givenValue = (parameter: string): string | null => {
    const value = givenFor(parameter);
    if (value === null) return null;
    return (Array.isArray(value) ? value.join(",") : String(value)).slice(0, MAX_ECHO_LENGTH);
  };
  return error.issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys")
      return issue.keys.map((key) => ({
        parameter: key.slice(0, MAX_ECHO_LENGTH),
        value: givenValue(key),
        rule: `no such parameter here; there are ${names.join(", ") || "none"}`,
      }));
    const parameter = String(issue.path[0] ?? "");
    const rule = isRepeated(parameter) ? `${issue.message}, given once` : issue.message;
    return [{ parameter, value: givenValue(parameter), rule }];
  });
}
