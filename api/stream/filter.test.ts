import { expect, test } from "vitest";
import { createFilter, selectsSource } from "./filter.ts";

const A = `0x${"a".repeat(40)}`;
const typesOf = (...args: Parameters<typeof createFilter>) => [...createFilter(...args).types];

test("without a filter, every type is selected", () => {
  expect(typesOf(undefined, {}, null)).toEqual(["node", "settlement", "payment", "block"]);
});

test("a property selects the types that have it", () => {
  expect(typesOf(undefined, { teeId: A }, null)).toEqual(["node", "settlement"]);
  expect(typesOf(undefined, { payer: A }, null)).toEqual(["settlement", "payment"]);
  expect(typesOf(undefined, { payer: A, payee: A }, null)).toEqual(["payment"]);
  expect(typesOf(["payment", "block"], { payer: A }, null)).toEqual(["payment", "block"]);
});

test("a filter that no event can match is refused, naming the parameter", () => {
  const refusal = (parameter: string) =>
    expect.objectContaining({ code: "invalid-parameter", facts: expect.objectContaining({ parameter }) });
  expect(() => createFilter(["node"], { payee: A }, null)).toThrow(refusal("payee"));
  expect(() => createFilter(["block"], { payee: A }, null)).toThrow(refusal("payee"));
  expect(() => createFilter(undefined, { owner: A, token: A }, null)).toThrow(refusal("owner"));
  expect(() => createFilter([], {}, null)).toThrow(refusal("types"));
});

test("a reset reaches the subscribers that receive events from its source", () => {
  const { types } = createFilter(["payment"], {}, null);
  expect([selectsSource(types, "base"), selectsSource(types, "og"), selectsSource(types, "proofs")]).toEqual([
    true,
    false,
    false,
  ]);
});
