/** A real browser for tests: the system's Chromium, or the one at CHROMIUM_PATH. */
import { existsSync } from "node:fs";
import path from "node:path";
import { type Browser, chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** Undefined when none is installed. */
export const CHROMIUM: string | undefined = [
  process.env.CHROMIUM_PATH,
  ...(process.env.PATH ?? "")
    .split(path.delimiter)
    .flatMap((folder) => NAMES.map((name) => path.join(folder, name))),
].find((file) => file !== undefined && file !== "" && existsSync(file));

if (CHROMIUM === undefined)
  console.warn(
    "Tests in a browser are skipped: no Chromium here. apt-get install chromium, or set CHROMIUM_PATH.",
  );

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ ...(CHROMIUM && { executablePath: CHROMIUM }), args: ["--no-sandbox", "--disable-gpu"] });
