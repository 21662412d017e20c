import { Hono } from "hono";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createLog } from "../../config/log.ts";
import type { ErrorCode } from "../errors.ts";
import { observeRequests } from "../http/observeRequests.ts";
import { accessLog } from "./accessLog.ts";

let now: number;
let lines: Record<string, unknown>[];

/** An application whose routes take as long as they are asked to. */
function appWithLog(level: "info" | "debug") {
  const write = (line: string) => void lines.push(JSON.parse(line));
  const log = createLog({ LOG_LEVEL: level, LOG_FORMAT: "json" }, "api", write);
  const app = new Hono<{ Variables: { requestId: string; refusal?: ErrorCode | undefined } }>();
  app.use(async (context, next) => {
    context.set("requestId", "request-1");
    await next();
  });
  app.use(
    observeRequests(
      [accessLog(log)],
      () => null,
      () => now,
    ),
  );
  const answer = (path: string, status: 200 | 404 | 503) =>
    app.get(path, (context) => {
      now += Number(context.req.query("takes") ?? 3);
      return context.body("", status);
    });
  answer("/fine/:id", 200);
  answer("/absent", 404);
  answer("/failing", 503);
  answer("/ready", 503);
  app.get("/refused/:code", (context) => {
    now += Number(context.req.query("takes") ?? 3);
    context.set("refusal", context.req.param("code") as ErrorCode); // as the tests name them
    return context.body("", 503);
  });
  return app;
}

beforeEach(() => {
  now = 1_000;
  lines = [];
});
afterEach(() => {
  vi.useRealTimers();
});

test.each([
  ["/fine/7", []],
  ["/absent", []],
  ["/ready", []],
  ["/fine/7?takes=1000", ["info"]],
  ["/failing", ["warn"]],
  ["/failing?takes=1000", ["warn"]],
  ["/refused/indexing", ["warn"]],
  ["/refused/stale", []],
  ["/refused/stale?takes=1000", ["info"]],
])("by default %s is logged as %j", async (path, levels) => {
  await appWithLog("info").request(path);
  expect(lines.map(({ level }) => level)).toEqual(levels);
});

test("at debug every request is logged, under its id and its route", async () => {
  await appWithLog("debug").request("/fine/7?takes=12.34");
  expect(lines).toMatchObject([
    {
      level: "debug",
      msg: "request",
      requestId: "request-1",
      method: "GET",
      route: "/fine/:id",
      target: "/fine/7?takes=12.34",
      status: 200,
      ms: 12.3,
      begunAfterMs: 12.3,
    },
  ]);
});

test("middleware for one method is no route", async () => {
  const app = appWithLog("debug");
  app.on("OPTIONS", "*", (context) => context.body(null, 204));
  await app.request("/fine/7", { method: "OPTIONS" });
  expect(lines).toMatchObject([{ method: "OPTIONS", route: null, status: 204 }]);
});

test("a refusal is logged with its code", async () => {
  await appWithLog("debug").request("/refused/stale");
  expect(lines).toMatchObject([{ level: "debug", route: "/refused/:code", status: 503, code: "stale" }]);
});

test("while the index is incomplete, its refusals are one warning, and one line says when they are over", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const app = appWithLog("info");
  const askAll = () => Promise.all(Array.from({ length: 50 }, () => app.request("/refused/indexing")));
  await askAll();
  expect(lines).toMatchObject([{ level: "warn", msg: "request", code: "indexing" }]);
  vi.advanceTimersByTime(10_000);
  await askAll();
  vi.advanceTimersByTime(14_999);
  expect(lines).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(lines.slice(1)).toMatchObject([{ level: "info", refused: 100 }]);
  // A later incident is a new one.
  await askAll();
  expect(lines.slice(2)).toMatchObject([{ level: "warn", code: "indexing" }]);
});

test("while the index is incomplete, other failures are still warnings", async () => {
  const app = appWithLog("info");
  await app.request("/refused/indexing");
  await app.request("/failing");
  await app.request("/refused/busy");
  expect(lines.map(({ level }) => level)).toEqual(["warn", "warn", "warn"]);
});
