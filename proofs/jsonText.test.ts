import { expect, it } from "vitest";
import { JSON_LIMITS, JsonTextError, readJson, readJsonDocument } from "./jsonText.ts";

const problemOf = (text: string, limits = JSON_LIMITS) => {
  try {
    readJson(text, limits);
  } catch (error) {
    if (error instanceof JsonTextError) return error.code;
    throw error;
  }
  return undefined;
};

it("stops at the depth it is told, and reads up to it", () => {
  const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
  const limits = { ...JSON_LIMITS, maxDepth: 20 };
  expect(problemOf(nested(20), limits)).toBeUndefined();
  expect(problemOf(nested(21), limits)).toBe("too-deep");
  expect(problemOf("[".repeat(5_000_000))).toBe("too-deep");
  expect(problemOf('{"a":'.repeat(1_000_000))).toBe("too-deep");
  // Siblings are not nested.
  expect(problemOf(`[${"[[]],".repeat(1000)}[]]`, { ...limits, maxDepth: 3 })).toBeUndefined();
});

it("stops at the length and the number of values it is told", () => {
  expect(problemOf("[1,2,3]", { ...JSON_LIMITS, maxLength: 6 })).toBe("too-large");
  expect(problemOf("[1,2,3]", { ...JSON_LIMITS, maxValues: 4 })).toBeUndefined();
  expect(problemOf("[1,2,3]", { ...JSON_LIMITS, maxValues: 3 })).toBe("too-large");
  expect(problemOf(`[${"1,".repeat(2_000_000)}1]`)).toBe("too-large");
  expect(problemOf("9".repeat(4301))).toBe("too-large");
});

it("keeps what strangers wrote out of its messages", () => {
  expect(() => readJson('{"a": \u001b[31mred}')).toThrow(
    /^there is U\+001B at character 6, where JSON has a value$/,
  );
});

it("gives each member of an object its text, and nothing for what is no object", () => {
  const document = readJsonDocument(' {"input" : {"b":1, "a":[ 1.0 ]} ,"output":"x", "output": { } }');
  expect(Object.fromEntries(document?.texts ?? [])).toEqual({ input: '{"b":1, "a":[ 1.0 ]}', output: "{ }" });
  expect(readJsonDocument('["input"]')).toBeNull();
});
