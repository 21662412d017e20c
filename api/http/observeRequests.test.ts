import { Hono } from "hono";
import { beforeEach, expect, test } from "vitest";
import { createLog } from "../../config/log.ts";
import type { ErrorCode } from "../errors.ts";
import { accessLog, observeRequests } from "./observeRequests.ts";

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

test("a refusal is logged with its code", async () => {
  await appWithLog("debug").request("/refused/stale");
  expect(lines).toMatchObject([{ level: "debug", route: "/refused/:code", status: 503, code: "stale" }]);
});
