import { expect, test } from "vitest";
import { createLog } from "../config/log.ts";
import { createTranslation } from "./ponderLog.ts";

const told = (...records: (object | string)[]) => {
  const lines: string[] = [];
  const log = createLog({ LOG_LEVEL: "info", LOG_FORMAT: "pretty" }, "og", (line) => lines.push(line));
  const translate = createTranslation(log, () => "OG_RPC_URL https://a.example at block 850");
  const [news] = records.map((record) =>
    translate(typeof record === "string" ? record : JSON.stringify(record)),
  );
  return { lines, news };
};

test("says once that a reorg went too deep, and which endpoints there are", () => {
  const record = { level: 40, msg: "Encountered unrecoverable reorg", finalized_block: 970 };
  const { lines } = told(...Array.from({ length: 75 }, () => record));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("(block 970)");
  expect(lines[0]).toContain("OG_RPC_URL https://a.example at block 850");
});

test("hides what the gateway says better", () => {
  const error = { name: "HttpRequestError", message: "HTTP request failed.", stack: "at x" };
  expect(told({ level: 40, msg: "Received JSON-RPC error", error }).lines).toEqual([]);
});

test("says when an answer is asked for in vain", () => {
  const record = {
    level: 40,
    msg: "Received JSON-RPC error",
    method: "eth_getBlockByNumber",
    retry_count: 4,
  };
  const { lines } = told({
    ...record,
    error: { message: 'Block at number "0x1" could not be found.\nVersion' },
  });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(
    'eth_getBlockByNumber is unusable, retrying: Block at number "0x1" could not be',
  );
});

test("shows an error in one line, without its stack trace", () => {
  const error = { message: "column does not exist\nmore", stack: "Error: column\n    at query (file.js:1)" };
  const { lines } = told({
    level: 50,
    msg: "Error while processing event",
    error,
    event: "A:B",
    chain: "og",
  });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("ERROR og");
  expect(lines[0]).toContain("Error while processing event: column does not exist event=A:B");
  expect(lines[0]).not.toContain("file.js");
});

test("tells in our words that it resumes", () => {
  expect(told({ level: 30, msg: "Detected crash recovery", schema: "og_1" }).lines[0]).toContain(
    "resuming an earlier run of og_1",
  );
});

test("finds the port of the metrics", () => {
  expect(told({ level: 30, msg: "Created HTTP server", port: 42_070 }).news).toEqual({ port: 42_070 });
});

test("survives lines that are no records", () => {
  expect(told("{broken").lines).toEqual([]);
  expect(told("(node:1) Warning: x").lines).toEqual([]);
});
