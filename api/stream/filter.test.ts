import { expect, test } from "vitest";
import { chooseEvents, concerns } from "./filter.ts";

const A = `0x${"a".repeat(40)}`;
const typesOf = (...args: Parameters<typeof chooseEvents>) => [...chooseEvents(...args).types];

test("without anything asked for, everything is told", () => {
  expect(typesOf(undefined, {}, null)).toEqual(["node", "settlement", "payment", "block"]);
});

test("a filter leaves the events that have what it asks about", () => {
  expect(typesOf(undefined, { teeId: A }, null)).toEqual(["node", "settlement"]);
  expect(typesOf(undefined, { payer: A }, null)).toEqual(["settlement", "payment"]);
  expect(typesOf(undefined, { payer: A, payee: A }, null)).toEqual(["payment"]);
  expect(typesOf(["payment", "block"], { payer: A }, null)).toEqual(["payment", "block"]);
});

test("what nothing can meet is refused by the name of what is too much", () => {
  const refusal = (parameter: string) =>
    expect.objectContaining({ code: "invalid-parameter", facts: expect.objectContaining({ parameter }) });
  expect(() => chooseEvents(["node"], { payee: A }, null)).toThrow(refusal("payee"));
  expect(() => chooseEvents(["block"], { payee: A }, null)).toThrow(refusal("payee"));
  expect(() => chooseEvents(undefined, { owner: A, token: A }, null)).toThrow(refusal("owner"));
  expect(() => chooseEvents([], {}, null)).toThrow(refusal("types"));
});

test("a reset concerns those who are told something from there", () => {
  const { types } = chooseEvents(["payment"], {}, null);
  expect([concerns(types, "base"), concerns(types, "og"), concerns(types, "proofs")]).toEqual([
    true,
    false,
    false,
  ]);
});
