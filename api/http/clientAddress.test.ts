import { expect, test } from "vitest";
import { parseAddressRange } from "../../config/addressRange.ts";
import { findClient } from "./clientAddress.ts";

const ranges = (...texts: string[]) =>
  texts.map((text) => {
    const range = parseAddressRange(text);
    if (range === null) throw new Error(text);
    return range;
  });

test.each([
  ["nobody is trusted: the header means nothing", "203.0.113.9", "10.0.0.1", [], "203.0.113.9"],
  ["somebody else than the trusted proxy", "203.0.113.9", "10.0.0.1", ["127.0.0.1"], "203.0.113.9"],
  ["the trusted proxy tells", "127.0.0.1", "198.51.100.7", ["127.0.0.1"], "198.51.100.7"],
  [
    "what the client itself wrote is not believed",
    "127.0.0.1",
    "1.2.3.4, 198.51.100.7",
    ["127.0.0.0/8"],
    "198.51.100.7",
  ],
  ["two trusted proxies", "10.0.0.2", "198.51.100.7, 10.0.0.1", ["10.0.0.0/8"], "198.51.100.7"],
  ["only proxies", "10.0.0.2", "10.0.0.1", ["10.0.0.0/8"], "10.0.0.1"],
  ["nothing readable: the proxy is the client", "10.0.0.2", "unknown", ["10.0.0.0/8"], "10.0.0.2"],
  ["no header", "10.0.0.2", undefined, ["10.0.0.0/8"], "10.0.0.2"],
  ["IPv4 in IPv6", "::ffff:10.0.0.2", "198.51.100.7", ["10.0.0.2"], "198.51.100.7"],
  ["with ports", "::1", "[2001:db8::7]:1234", ["::1"], "2001:db8::7"],
  ["with a port", "::1", "198.51.100.7:1234", ["::1"], "198.51.100.7"],
])("%s", (_, remote, forwardedFor, trusted, expected) => {
  expect(findClient(remote, forwardedFor, ranges(...trusted))?.address).toBe(expected);
});

test("a client has one key, whatever address it uses within its network", () => {
  const keyOf = (address: string) => findClient(address, undefined, [])?.key;
  expect(keyOf("2001:db8:0:1::1")).toBe(keyOf("2001:db8:0:1:ffff:ffff:ffff:ffff"));
  expect(keyOf("2001:db8:0:1::1")).not.toBe(keyOf("2001:db8:0:2::1"));
  expect(keyOf("198.51.100.7")).toBe(keyOf("::ffff:198.51.100.7"));
  expect(keyOf("198.51.100.7")).not.toBe(keyOf("198.51.100.8"));
  expect(findClient(undefined, "1.2.3.4", ranges("0.0.0.0/0"))).toBeNull();
});

test("loopback addresses are marked", () => {
  expect(
    ["127.0.0.1", "::1", "::ffff:127.0.0.2"].map((text) => findClient(text, undefined, [])?.loopback),
  ).toEqual([true, true, true]);
  expect(findClient("128.0.0.1", undefined, [])?.loopback).toBe(false);
});

test("invalid addresses and ranges are not parsed", () => {
  expect(
    ["", "10.0.0.0/33", "localhost", "1.2.3.4.5", "::1/129", "10.0.0.0/", "10.1", "1.2.3.4/8/9"].map(
      parseAddressRange,
    ),
  ).toEqual(Array(8).fill(null));
});
