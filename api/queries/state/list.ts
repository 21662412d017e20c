/** What one list is, for REST and GraphQL alike: defined once, beside its query. */
import type { ReadTransaction } from "../reading/database.ts";
import type { Page, PageRequest } from "../reading/page.ts";
import type { Sources } from "./answerState.ts";
import type { KeyType } from "./cursor.ts";
import type { Filters, FilterValues } from "./filters.ts";
import type { ListState } from "./listState.ts";

/**
 * A list of items of one kind.
 * @typeParam Scope - what the caller decides beside the filters: the owner of the list, its order, how much is shown.
 */
export interface ListDefinition<Item, F extends Filters, Scope extends object = object> {
  /** The kind of its items: `Settlement`. Its filters are described as `SettlementFilter.relayer`. */
  readonly name: string;
  /** What it is read from; its cursors are pinned to the state of these. */
  readonly sources: Sources;
  /** Of the sort key, as cursors carry it. */
  readonly keyTypes: readonly KeyType[];
  readonly filters: F;
  /** Reads one page. `transaction` is a parameter of its own because a list is counted by running `read` on another. */
  readonly read: (
    transaction: ReadTransaction,
    state: ListState,
    wanted: FilterValues<F> & Scope,
    page: PageRequest,
  ) => Promise<Page<Item>>;
}

/** Sort key of events: the newest first, by block and log index. */
export const EVENT_KEY = ["position", "log"] as const satisfies readonly KeyType[];

const og = { required: ["og"] } as const satisfies Sources;

/** What lists are read from. */
export const FROM = {
  og,
  base: { required: ["base"] },
  /** OpenGradient with what the verifier found. */
  proofs: { ...og, proofs: "read" },
  /** OpenGradient; what comes from Base is null while Base is not ready. */
  ogAndMaybeBase: { ...og, optional: ["base"] },
  /** Base; what comes from OpenGradient is null while OpenGradient is not ready. */
  baseAndMaybeOg: { required: ["base"], optional: ["og"] },
} as const satisfies Record<string, Sources>;
