/** Extracts the examples of docs/api.md: its fenced blocks, each with the answer shown after it. */
import { readFileSync } from "node:fs";
import path from "node:path";

export interface Block {
  readonly language: string;
  readonly text: string;
}

export interface Example extends Block {
  /** Its location: the headings above it, and its line. */
  readonly place: string;
  readonly answer: Block | null;
}

const DOCUMENT = path.resolve(import.meta.dirname, "../../docs/api.md");
/** Languages of programs, and of what they print. */
export const PROGRAMS = ["sh", "python", "ts", "graphql"] as const;
const ANSWERS = ["json", "ndjson", "csv", "text"];

/** @throws when a block is neither a program nor the answer of the one before it. */
export function readExamples(): readonly Example[] {
  const examples: Example[] = [];
  const headings: string[] = [];
  const lines = readFileSync(DOCUMENT, "utf8").split("\n");
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? "";
    const heading = /^(#+) (.*)$/.exec(line);
    if (heading !== null) headings.splice((heading[1]?.length ?? 1) - 1, headings.length, heading[2] ?? "");
    if (!line.startsWith("```")) continue;
    const end = lines.indexOf("```", index + 1);
    const language = line.slice(3);
    const text = lines.slice(index + 1, end).join("\n");
    const place = `${headings.filter(Boolean).slice(1).join(", ")} (line ${index + 1}, ${language})`;
    index = end;
    const last = examples.at(-1);
    if (PROGRAMS.some((known) => known === language)) examples.push({ language, text, place, answer: null });
    else if (ANSWERS.includes(language) && last?.answer === null)
      examples[examples.length - 1] = { ...last, answer: { language, text } };
    else throw new Error(`${place} is neither a program nor the answer of one: ${text.slice(0, 80)}`);
  }
  return examples;
}

/** The file name that an example is to be saved under, from its first line, if other examples import it. */
export const fileNameOf = ({ text }: Block): string | undefined =>
  /^(?:#|\/\/) ((?:setup|og)\.\w+)$/.exec(text.split("\n", 1)[0] ?? "")?.[1];
