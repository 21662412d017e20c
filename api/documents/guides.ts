/** The project's documents for those who use the API, as they are written: links between them lead on here too. */
import { readFileSync } from "node:fs";
import { type KeptAnswer, toKept } from "../rest/keptAnswer.ts";

const FOLDER = new URL("../../docs/", import.meta.url);
const KEPT = "public, max-age=300";

/** Markdown, but as plain text: browsers show that, and offer to save the other. */
const guide = (name: string) => (): KeptAnswer =>
  toKept(readFileSync(new URL(name, FOLDER), "utf8"), "text/plain; charset=utf-8", KEPT);

/** By file. */
export const GUIDES = {
  "api.md": guide("api.md"),
  "graphql.md": guide("graphql.md"),
  "streams.md": guide("streams.md"),
  "metrics.md": guide("metrics.md"),
  "protocol.md": guide("protocol.md"),
} as const;
