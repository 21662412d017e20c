/** What the headers of an answer say of how fresh it is: of OpenGradient also where nothing in the answer is from it. */
import type { Sources } from "./answerState.ts";
import { type AsOf, chainAsOf, type Freshness } from "./asOf.ts";
import type { ApiService } from "./service.ts";

/**
 * Of an answer. OpenGradient's newest block only stands beside one that reads nothing of it: such an answer is there while
 * OpenGradient is not, and neither its entity tag nor its cursors change with that block.
 */
export function freshnessOf(
  { watcher }: Pick<ApiService, "watcher">,
  { required, optional = [] }: Sources,
  { og, base, proofs }: AsOf,
): Freshness {
  if (required.includes("og") || optional.includes("og")) return { og, base, proofs };
  const newest = watcher.newest("og");
  return { og: newest === null ? null : chainAsOf(newest), base, proofs };
}

/** Of an answer that nothing of the index is in, and of a refusal before anything was read. */
export const freshnessOfNothing = (service: Pick<ApiService, "watcher">): Freshness =>
  freshnessOf(service, { required: [] }, { og: null, base: null, proofs: null, origin: "" });
