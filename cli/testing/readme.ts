/** The commands that the README documents, as it documents them. */
import { readFileSync } from "node:fs";
import path from "node:path";

const readme = path.resolve(import.meta.dirname, "../../README.md");

/** The `sh` blocks under a heading of second level. */
export function sectionCommands(heading: string): string[] {
  const section = readFileSync(readme, "utf8")
    .split(/^## /m)
    .find((part) => part.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`README.md has no section "${heading}"`);
  return [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, commands = ""]) => commands);
}
