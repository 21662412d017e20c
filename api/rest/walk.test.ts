import { Hono } from "hono";
import { expect, test } from "vitest";
import { createLog } from "../../config/log.ts";
import type { Page } from "../queries/reading/page.ts";
import type { ApiService } from "../queries/state/service.ts";
import { InFlightBytes } from "../stream/inFlightBytes.ts";
import { writerOf } from "./listFormat.ts";
import type { Walk } from "./pageBudget.ts";
import type { RequestVariables } from "./request.ts";
import { streamPages } from "./walk.ts";

const PAGE_BYTES = 1_000;

/** Walks without end, whose pages are of one size. */
function endless(kept: InFlightBytes<Walk>) {
  const lines: string[] = [];
  const log = createLog({ LOG_LEVEL: "info", LOG_FORMAT: "json" }, "api", (line) => lines.push(line));
  const service = { log } as ApiService; // nothing else is used by a walk
  const page: Page<string> = {
    items: ["x".repeat(PAGE_BYTES - 3)],
    hasNextPage: true,
    endKey: [0],
    keys: [[0]],
  };
  const cut: string[] = [];
  const app = new Hono<RequestVariables>().get("/:name", (context) => {
    const { name } = context.req.param();
    context.set("pageBudget", kept);
    context.set("rateLimitKey", name.slice(0, 1));
    context.set("closeConnection", () => cut.push(name));
    const writer = { ...writerOf("ndjson", undefined as never), begin: "" };
    return new Response(streamPages(service, context, writer, page, async () => page));
  });
  const walk = async (name: string) => {
    const { body } = await app.request(`/${name}`);
    const reader = body?.getReader();
    if (reader === undefined) throw new Error("no body");
    return reader;
  };
  return { walk, cut, lines };
}

test("what walks keep that nobody takes is counted, and who has taken nothing for longest is cut off", async () => {
  const kept = new InFlightBytes<Walk>({ bytes: 2.5 * PAGE_BYTES, bytesPerClient: 10 * PAGE_BYTES });
  const { walk, cut, lines } = endless(kept);
  const first = await walk("a1");
  const second = await walk("b1");
  for (let page = 0; page < 5; page++) {
    await first.read();
    await second.read();
  }
  expect(kept.bytes).toBe(2 * PAGE_BYTES);
  await first.read();
  const third = await walk("c1");
  await third.read();
  expect(cut).toEqual(["b1"]);
  expect(lines.join()).toContain("a walk over all pages was disconnected");
  await first.cancel();
  expect(kept.bytes).toBe(PAGE_BYTES);
  await third.cancel();
  expect(kept.bytes).toBe(0);
});

test("walks of one client share what is kept for it", async () => {
  const kept = new InFlightBytes<Walk>({ bytes: 10 * PAGE_BYTES, bytesPerClient: 1.5 * PAGE_BYTES });
  const { walk, cut } = endless(kept);
  await (await walk("b1")).read();
  await (await walk("a1")).read();
  await (await walk("a2")).read();
  expect(cut).toEqual(["a1"]);
});
