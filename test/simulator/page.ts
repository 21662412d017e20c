/** The generated parts of docs/metrics.md. */
import { CONSTANTS } from "../../api/scoring/index.ts";

export const PAGE = "docs/metrics.md";

/** `page` with what stands between the markers of `name` replaced. @throws {Error} when the page has no such markers. */
export function withPart(page: string, name: string, content: string): string {
  const begins = `<!-- ${name}: printed by test/simulator/print.ts -->`;
  const ends = `<!-- /${name} -->`;
  const from = page.indexOf(begins);
  const to = page.indexOf(ends);
  if (from === -1 || to < from)
    throw new Error(`${PAGE} has no place for ${name}: put "${begins}" and "${ends}" where it belongs`);
  return `${page.slice(0, from + begins.length)}\n${content}\n${page.slice(to)}`;
}

/** Up to six significant digits. */
const number = (value: number): string => String(Number(value.toPrecision(6)));

export const constantsTable = (): string =>
  [
    "| constant | value | unit | why |",
    "|---|---|---|---|",
    ...Object.entries(CONSTANTS).map(
      ([name, { value, unit, reason }]) => `| \`${name}\` | ${number(value)} | ${unit} | ${reason} |`,
    ),
  ].join("\n");
