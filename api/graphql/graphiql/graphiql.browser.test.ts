import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM, openBrowser } from "../../../test/chromium.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { type ServedWorld, serveWorld } from "../../testing/worlds/servedWorld.ts";

describe.skipIf(CHROMIUM === undefined)("GraphiQL", () => {
  let database: TestDatabase;
  let world: ServedWorld;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    database = await createTestDatabase();
    world = await serveWorld(database.url);
    browser = await openBrowser();
    page = await browser.newPage({ viewport: { width: 1_600, height: 900 } });
  });
  afterAll(async () => {
    await browser?.close();
    await world?.close();
    await database?.drop();
  });

  /** What the editor of a kind shows. */
  const shown = (editor: "query" | "variables") =>
    page.locator(`.graphiql-${editor === "query" ? "query-editor" : "editor-tool"} .view-lines`).first();

  const run = async (): Promise<string> => {
    await page.locator(".graphiql-execute-button").click();
    const answer = page.locator(".result-window .view-lines").first();
    await answer.getByText('"data"').first().waitFor();
    return (await answer.textContent()) ?? "";
  };

  test.each(["opened", "loaded again"])("has the first example ready to run when it is %s", async (how) => {
    if (how === "opened") await page.goto(`${world.url}/graphql`);
    else await page.reload();
    await shown("query").getByText("selectNodes").first().waitFor();
    expect(await shown("variables").textContent()).toContain("teeType");
    expect(await run()).toContain("selectNodes");
  });

  test("shows another example when its tab is chosen", async () => {
    await page.locator(".graphiql-tab-button", { hasText: "Leaderboard" }).click();
    await shown("query").getByText("totalCount").first().waitFor();
    // Until GraphiQL has read the new query, just before it stores it, it runs it by the name of the operation before.
    await page.waitForFunction("localStorage.getItem('graphiql:query')?.includes('Leaderboard')");
    expect(await run()).toContain("totalCount");
  });
});
