/** Lists as Relay connections. */

import type { ReadTransaction } from "../../queries/reading/database.ts";
import { countList, type ListLength } from "../../queries/reading/listLength.ts";
import type { Page, PageRequest } from "../../queries/reading/page.ts";
import type { Sources } from "../../queries/state/answerState.ts";
import { decodeCursor, encodeCursor, type KeyType, questionDigest } from "../../queries/state/cursor.ts";
import type { Filters, FilterValues } from "../../queries/state/filters.ts";
import type { ListDefinition } from "../../queries/state/list.ts";
import type { ListState } from "../../queries/state/listState.ts";
import { pinOf } from "../../queries/state/pin.ts";
import { type Paging, type PagingArguments, pagingOf } from "../execution/plan/paging.ts";
import type { Scoped, View } from "../execution/state.ts";
import type { CountedConnection } from "./builder.ts";
import { type FilterInput, filtersOf } from "./filters.ts";

/** The parts of a list's definition that a connection uses. */
type List<Item, Wanted> = {
  readonly sources: Sources;
  readonly keyTypes: readonly KeyType[];
  readonly read: (
    transaction: ReadTransaction,
    state: ListState,
    wanted: Wanted,
    page: PageRequest,
  ) => Promise<Page<Item>>;
};

type ReadPage = (transaction: ReadTransaction, page: PageRequest) => Promise<Page<unknown>>;

/** Counts a list. @param read - reads pages of it. */
export type ListCount = (transaction: ReadTransaction, read: ReadPage) => Promise<ListLength>;

interface ListRequest<Wanted> {
  /** The field and the object it belongs to; cursors of other lists are refused. */
  readonly field: string;
  /** Filters, and whatever else the list's definition reads by. */
  readonly wanted: Wanted;
  /** Everything but the moment that decides which rows the list has and in what order. Default: `wanted`. */
  readonly question?: Readonly<Record<string, unknown>>;
  /** How to count the list; by default its own statement is counted. */
  readonly count?: ListCount | undefined;
}

export interface Connection<Node> extends CountedConnection {
  readonly edges: Promise<{ cursor: string; node: Node }[]>;
  readonly pageInfo: Promise<{
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  }>;
}

/**
 * Makes the connection of a list: page and length are read on demand.
 * @throws {ApiError} `invalid-parameter`, `invalid-cursor`, or `indexing` while one of the list's chains is not ready. The
 * list's own errors are thrown when it is read.
 */
export function connect<Item extends object, Wanted extends object>(
  view: View,
  args: PagingArguments,
  list: List<Item, Wanted>,
  request: ListRequest<Wanted>,
): Connection<Scoped<Item>> {
  view.state.requireReady(list.sources);
  return new ListConnection(view, pagingOf(args), list, request);
}

/** Arguments of a field that is a list with filters. */
export type ListArguments<F extends Filters> = PagingArguments & {
  readonly filter?: FilterInput<F> | null | undefined;
};

/**
 * Makes the connection of a list that takes nothing but filters.
 * @param field - the field and the object it belongs to.
 * @param fixed - filters that the object fixes.
 */
export const connectFiltered = <Item extends object, F extends Filters>(
  list: ListDefinition<Item, F>,
  view: View,
  field: string,
  args: ListArguments<F>,
  fixed?: FilterValues<F>,
): Connection<Scoped<Item>> =>
  connect(view, args, list, { field, wanted: filtersOf(list.filters, args.filter, fixed) });

class ListConnection<Item extends object, Wanted extends object> implements Connection<Scoped<Item>> {
  readonly #view: View;
  readonly #paging: Paging;
  readonly #list: List<Item, Wanted>;
  readonly #request: ListRequest<Wanted>;
  readonly #digest: string;
  readonly #pageRequest: PageRequest;
  #page: Promise<Page<Item>> | undefined;
  #length: Promise<ListLength> | undefined;

  constructor(view: View, paging: Paging, list: List<Item, Wanted>, request: ListRequest<Wanted>) {
    const { size: limit, direction, cursor } = paging;
    this.#view = view;
    this.#paging = paging;
    this.#list = list;
    this.#request = request;
    const { field, wanted, question = wanted } = request;
    this.#digest = questionDigest(field, { at: view.at, ...question });
    this.#pageRequest = { limit, direction, after: cursor === null ? null : this.#keyOf(cursor) };
  }

  get edges() {
    return this.#read().then(({ items, keys }) =>
      items.map((item, index) => ({
        cursor: this.#cursorOf(keys[index] ?? []),
        node: this.#view.scope(item),
      })),
    );
  }

  get pageInfo() {
    return this.#read().then(({ keys, hasNextPage: more }) => {
      const [start, end] = [keys.at(0), keys.at(-1)];
      // The row of the cursor lies before or after the page: the cursor is pinned to a state that has it.
      const fromCursor = this.#paging.cursor !== null;
      const [hasPreviousPage, hasNextPage] =
        this.#paging.direction === "forward" ? [fromCursor, more] : [more, fromCursor];
      return {
        hasNextPage,
        hasPreviousPage,
        startCursor: start === undefined ? null : this.#cursorOf(start),
        endCursor: end === undefined ? null : this.#cursorOf(end),
      };
    });
  }

  length(): Promise<ListLength> {
    const { count = countList } = this.#request;
    this.#length ??= count(this.#view.state.transaction, (transaction, page) =>
      this.#readPage(transaction, page),
    );
    return this.#length;
  }

  #read(): Promise<Page<Item>> {
    this.#page ??= this.#readPage(this.#view.state.transaction, this.#pageRequest);
    return this.#page;
  }

  #readPage(transaction: ReadTransaction, page: PageRequest): Promise<Page<Item>> {
    return this.#list.read(transaction, this.#view, this.#request.wanted, page);
  }

  #keyOf(cursor: string) {
    const parameter = this.#paging.direction === "forward" ? "after" : "before";
    const { keyTypes, sources } = this.#list;
    const list = { question: this.#digest, keyTypes, sources };
    const rule = "a cursor of the same list with the same arguments";
    return decodeCursor(cursor, list, { parameter, rule }).key;
  }

  #cursorOf(key: Page<Item>["keys"][number]): string {
    const { readable } = this.#view.state;
    const { required, optional = [], proofs } = this.#list.sources;
    const part = (chain: "og" | "base") =>
      required.includes(chain) || optional.includes(chain) ? readable[chain] : null;
    const pinned = {
      origin: readable.origin,
      og: part("og"),
      base: part("base"),
      proofs: proofs === undefined ? null : readable.proofs,
    };
    return encodeCursor({ pin: pinOf(pinned), key }, this.#digest);
  }
}
