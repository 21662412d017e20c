import { HttpRequestError } from "viem";
import { expect, test } from "vitest";
import { createLog, formatLogRecord } from "./log.ts";
import { redactUrl, redactUrls, withoutSecretsOf } from "./redact.ts";

const KEY = "s3cr3t-k3y-0123456789";

test.each([
  [`https://eth.example/v2/${KEY}`, "https://eth.example/…"],
  [`https://eth.example/?apikey=${KEY}`, "https://eth.example/…"],
  [`https://eth.example?apikey=${KEY}`, "https://eth.example/…"],
  [`https://user:${KEY}@eth.example`, "https://eth.example"],
  [`https://eth.example/#${KEY}`, "https://eth.example/…"],
  ["https://eth.example:8545/", "https://eth.example:8545"],
  [KEY, "…"],
])("redacts %s", (url, shown) => {
  expect(redactUrl(url)).toBe(shown);
});

test.each([
  [`URL: https://eth.example/v2/${KEY}\nRequest body: {}`, "URL: https://eth.example/…\nRequest body: {}"],
  [`cannot reach (wss://eth.example/${KEY}).`, "cannot reach (wss://eth.example/…)."],
  [`{"url":"https://eth.example/${KEY}"}`, '{"url":"https://eth.example/…"}'],
  [`postgres://me:${KEY}@db.example:5432/og is down`, "postgres://db.example:5432/… is down"],
  [`HTTPS://ETH.EXAMPLE/${KEY}, then http://b/${KEY}`, "https://eth.example/…, then http://b/…"],
  [`http://[${KEY}/x`, "…"],
  ["once redacted, https://eth.example/… stays so", "once redacted, https://eth.example/… stays so"],
  ["listening on http://127.0.0.1:4000", "listening on http://127.0.0.1:4000"],
])("redacts the URLs of a text: %s", (text, shown) => {
  expect(redactUrls(text)).toBe(shown);
});

test("hides a key that the provider repeats", () => {
  expect(withoutSecretsOf(`https://eth.example/v2/${KEY}`, `invalid API key ${KEY} for v2`)).toBe(
    "invalid API key … for v2",
  );
});

const libraryError = new HttpRequestError({
  url: `https://eth.example/v2/${KEY}`,
  body: { method: "eth_call" },
  details: "fetch failed",
});

test.each(["pretty", "json"] as const)("no line of the %s log shows a key, wherever it is", (format) => {
  const lines: string[] = [];
  const log = createLog({ LOG_LEVEL: "info", LOG_FORMAT: format }, "observer", (line) => lines.push(line));
  log.warn(libraryError.message);
  log.warn("failed", { error: libraryError, nested: { list: [libraryError, libraryError.message] } });
  log.part("other").error(`at ${libraryError.message}`, { url: `wss://eth.example/${KEY}` });
  expect(lines).toHaveLength(3);
  expect(lines.join()).not.toContain(KEY);
  expect(lines[0]).toContain("https://eth.example/…");
});

test("a message of several lines stays one line", () => {
  const record = { level: "info", part: "x", message: "one\n\n  two\r\nthree", time: new Date() } as const;
  expect(formatLogRecord(record, "pretty")).toMatch(/one two three$/);
});
