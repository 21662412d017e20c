import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CHROMIUM, openBrowser } from "../../test/chromium.ts";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { type ServedWorld, serveWorld } from "../testing/worlds/servedWorld.ts";

describe.skipIf(CHROMIUM === undefined)("in a browser", () => {
  let database: TestDatabase;
  let world: ServedWorld;
  let browser: Browser;
  let page: Page;
  /** What the page complained of, and what it asked others for. */
  let complaints: string[];

  beforeAll(async () => {
    database = await createTestDatabase();
    world = await serveWorld(database.url);
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await world?.close();
    await database?.drop();
  });
  beforeEach(async () => {
    complaints = [];
    page = await browser.newPage({ viewport: { width: 1_280, height: 900 } });
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("request", (request) => {
      if (!request.url().startsWith(world.url) && !request.url().startsWith("data:"))
        complaints.push(`asked ${request.url()}`);
    });
  });
  afterEach(() => page.close());

  test("/docs shows every operation, from here alone and without complaints", async () => {
    await page.goto(`${world.url}/docs`);
    await page.waitForSelector(".opblock");
    const { paths } = await (await world.api.get("/openapi.json")).json();
    const operations = Object.values<object>(paths).flatMap((methods) => Object.keys(methods));
    expect(await page.locator(".opblock").count()).toBe(operations.length);
    expect(complaints).toEqual([]);
  });

  test("a question can be asked from /docs", async () => {
    await page.goto(`${world.url}/docs#/Nodes/listNodes`);
    const operation = page.locator("#operations-Nodes-listNodes");
    await operation.locator(".execute").click();
    const answer = operation.locator(".live-responses-table .response");
    await answer.first().waitFor();
    expect(await answer.locator(".response-col_status").first().textContent()).toContain("200");
    expect(await answer.locator(".microlight").first().textContent()).toContain("teeId");
    expect(complaints).toEqual([]);
  });

  test("a problem's type leads to what it means", async () => {
    const { type } = await (await world.api.get("/v1/nodes?limit=0")).json();
    await page.goto(world.url + type);
    expect(await page.locator(":target").textContent()).toContain("invalid-parameter");
    expect(complaints).toEqual([]);
  });
});
