/** Rules for all strings and JSON values of a request, whether they are used or not. */

import { MAX_NAME_LENGTH, MAX_STRING_LENGTH, MAX_VALUE_DEPTH, MAX_VALUES } from "./limits.ts";
import { refuseArgument } from "./refuseArgument.ts";

/** Postgres cannot store NUL, and a lone surrogate has no UTF-8. */
const UNUSABLE = /[\0\p{Surrogate}]/u;

/** The rule that a text breaks; null for one that is fine. */
export function brokenTextRule(text: string, maxLength = MAX_STRING_LENGTH): string | null {
  return text.length > maxLength || UNUSABLE.test(text)
    ? `at most ${maxLength.toLocaleString("en-US")} characters, without NUL and lone surrogates`
    : null;
}

interface Pending {
  readonly path: string;
  readonly value: unknown;
  readonly depth: number;
}

/** The members of an object or the items of an array, with their names. */
const partsOf = (value: object): readonly (readonly [string, unknown])[] => Object.entries(value);

const MAX_PATH_LENGTH = 200;

/**
 * Checks every value in a JSON value. It keeps its own stack, because clients choose the depth.
 * @param name - of the parameter, for refusals.
 * @throws {ApiError} `invalid-parameter` that names the place.
 */
export function refuseUnusable(name: string, root: unknown): void {
  const pending: Pending[] = [{ path: name, value: root, depth: 0 }];
  let values = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path, value, depth } = next;
    values += 1;
    if (values > MAX_VALUES)
      throw refuseArgument(name, "…", `at most ${MAX_VALUES.toLocaleString("en-US")} values altogether`);
    if (typeof value === "string") {
      const rule = brokenTextRule(value);
      if (rule !== null) throw refuseArgument(path, value, rule);
    }
    if (typeof value !== "object" || value === null) continue;
    if (depth >= MAX_VALUE_DEPTH)
      throw refuseArgument(path, "…", `nested at most ${MAX_VALUE_DEPTH} objects and lists deep`);
    const parts = partsOf(value);
    if (parts.length > MAX_VALUES)
      throw refuseArgument(path, "…", `at most ${MAX_VALUES.toLocaleString("en-US")} values altogether`);
    for (const [key, part] of parts) {
      const rule = brokenTextRule(key, MAX_NAME_LENGTH);
      if (rule !== null) throw refuseArgument(`a name in ${path}`, key, rule);
      pending.push({ path: `${path}.${key}`.slice(0, MAX_PATH_LENGTH), value: part, depth: depth + 1 });
    }
  }
}
