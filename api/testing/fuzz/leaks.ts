/** Details of the implementation that no answer may reveal. For tests only. */

const LEAKS: readonly RegExp[] = [
  // Stacks and places in source files.
  /\bat (?:async )?[\w.<>$]+ \(|\.[cm]?[jt]s:\d+|node_modules|file:\/\/|node:internal/,
  // JavaScript's own words.
  /\b(?:Type|Range|Syntax|Reference|URI)Error\b|Cannot (?:read|convert|set)|is not (?:a function|iterable)|Unexpected (?:token|end of)/,
  // Postgres' and its driver's.
  /syntax error at or|invalid input|invalid byte sequence|out of range|(?:relation|column) .{1,80} does not exist|canceling statement|violates|SQLSTATE|\bpg_|operator does not|\bECONN|postgres:/i,
  // Of zod's own messages.
  /Invalid (?:input|option|string)|expected \w+, received/,
];

/** The first leak in an answer; null when there is none. */
export function leakIn(text: string): string | null {
  for (const leak of LEAKS) {
    const [found] = leak.exec(text) ?? [];
    if (found !== undefined) return found;
  }
  return null;
}
