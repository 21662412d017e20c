/** Random time ranges as the API accepts them. For tests only. */

/** Swaps `from` and `to` when `from` is the later of the two. */
export function orderRange<T extends object>(given: T): T {
  const { from, to }: { readonly from?: unknown; readonly to?: unknown } = given;
  const isBackwards = typeof from === "number" && typeof to === "number" && from > to;
  return isBackwards ? { ...given, from: to, to: from } : given;
}
