/** Random ranges as the API takes them. For tests only. */

/** What was given with `from` the earlier of its two seconds and `to` the later. */
export function inOrder<T extends object>(given: T): T {
  const { from, to }: { readonly from?: unknown; readonly to?: unknown } = given;
  const isBackwards = typeof from === "number" && typeof to === "number" && from > to;
  return isBackwards ? { ...given, from: to, to: from } : given;
}
