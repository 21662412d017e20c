/** Lists as Relay connections: a page is read when its items are asked for, the length when that is. */

import type { ReadTransaction } from "../queries/reading/database.ts";
import { countList, type ListLength } from "../queries/reading/listLength.ts";
import type { Page, PageRequest } from "../queries/reading/page.ts";
import type { Sources } from "../queries/state/answerState.ts";
import { decodeCursor, encodeCursor, type KeyType, questionDigest } from "../queries/state/cursor.ts";
import { pinOf } from "../queries/state/pin.ts";
import { builder } from "./builder.ts";
import type { GraphState } from "./execution/state.ts";
import { type Paging, type PagingArguments, pagingOf } from "./paging.ts";
import type { FieldReads } from "./reads.ts";

/** What every connection can say besides its page. */
export interface CountedConnection {
  length: () => Promise<ListLength>;
}

type ReadList<Item> = (transaction: ReadTransaction, page: PageRequest) => Promise<Page<Item>>;

export interface ListQuestion<Item, Shown> {
  /** What tells this list from every other: the field, the object it hangs on, the moment, filters and order. */
  readonly list: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly keyTypes: readonly KeyType[];
  /** Cursors are pinned to the state of these. */
  readonly sources: Sources;
  readonly read: ReadList<Item>;
  readonly show: (item: Item) => Shown;
  /** How to count the list; by default its own statement is. */
  readonly count?: (transaction: ReadTransaction, read: ReadList<Item>) => Promise<ListLength>;
}

export interface Connection<Shown> extends CountedConnection {
  readonly edges: Promise<{ cursor: string; node: Shown }[]>;
  readonly pageInfo: Promise<{
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  }>;
}

/**
 * @throws {ApiError} `invalid-parameter`, `invalid-cursor`, or `indexing` while a chain of it cannot be answered from, at
 * once; the list's own errors when it is read.
 */
export function connect<Item, Shown>(
  state: GraphState,
  args: PagingArguments,
  question: ListQuestion<Item, Shown>,
): Connection<Shown> {
  state.requireReady(question.sources);
  return new ListConnection(state, pagingOf(args), question);
}

class ListConnection<Item, Shown> implements Connection<Shown> {
  readonly #state: GraphState;
  readonly #paging: Paging;
  readonly #question: ListQuestion<Item, Shown>;
  readonly #digest: string;
  readonly #request: PageRequest;
  #page: Promise<Page<Item>> | undefined;
  #length: Promise<ListLength> | undefined;

  constructor(state: GraphState, paging: Paging, question: ListQuestion<Item, Shown>) {
    const { size: limit, direction, cursor } = paging;
    this.#state = state;
    this.#paging = paging;
    this.#question = question;
    this.#digest = questionDigest(question.list, question.parameters);
    this.#request = { limit, direction, after: cursor === null ? null : this.#keyOf(cursor) };
  }

  get edges() {
    return this.#read().then(({ items, keys }) =>
      items.map((item, index) => ({
        cursor: this.#cursorOf(keys[index] ?? []),
        node: this.#question.show(item),
      })),
    );
  }

  get pageInfo() {
    return this.#read().then(({ keys, hasNextPage: goesOn }) => {
      const [start, end] = [keys.at(0), keys.at(-1)];
      // The row of the cursor is in the list: it is pinned to the state that had it.
      const cameFrom = this.#paging.cursor !== null;
      const [hasPreviousPage, hasNextPage] =
        this.#paging.direction === "forward" ? [cameFrom, goesOn] : [goesOn, cameFrom];
      return {
        hasNextPage,
        hasPreviousPage,
        startCursor: start === undefined ? null : this.#cursorOf(start),
        endCursor: end === undefined ? null : this.#cursorOf(end),
      };
    });
  }

  length(): Promise<ListLength> {
    const { read, count = countList } = this.#question;
    this.#length ??= count(this.#state.transaction, read);
    return this.#length;
  }

  #read(): Promise<Page<Item>> {
    this.#page ??= this.#question.read(this.#state.transaction, this.#request);
    return this.#page;
  }

  #keyOf(cursor: string) {
    const parameter = this.#paging.direction === "forward" ? "after" : "before";
    const { keyTypes, sources } = this.#question;
    const list = { question: this.#digest, keyTypes, sources };
    const rule = "a cursor of the same list with the same arguments";
    return decodeCursor(cursor, list, { parameter, rule }).key;
  }

  #cursorOf(key: Page<Item>["keys"][number]): string {
    const { asOf } = this.#state;
    const { required, optional = [], proofs } = this.#question.sources;
    const part = (chain: "og" | "base") =>
      required.includes(chain) || optional.includes(chain) ? asOf[chain] : null;
    const pinned = {
      origin: asOf.origin,
      og: part("og"),
      base: part("base"),
      proofs: proofs === undefined ? null : asOf.proofs,
    };
    return encodeCursor({ pin: pinOf(pinned), key }, this.#digest);
  }
}

/**
 * Counting reads up to `MAX_COUNTED` index entries, which takes as long as so many rows of a page. Of some lists each entry
 * has to be looked up elsewhere as well: whether it is on chain, or what its verdict is.
 */
const COUNTED_ROWS = 150;
const COUNTED_ROWS_OF: Readonly<Record<string, number>> = {
  InferenceConnection: 1_200,
  BatchLeafConnection: 400,
  SettlementConnection: 400,
  ChannelConnection: 250,
};
const counts = {
  reads: (_: unknown, connection: string): FieldReads => ({
    sources: { required: [] },
    rows: COUNTED_ROWS_OF[connection] ?? COUNTED_ROWS,
  }),
};

builder.globalConnectionFields((t) => ({
  totalCount: t.int({
    nullable: true,
    description:
      "Items in the whole list, whatever the page; null when there are more than 10,000. Counted only when asked for.",
    extensions: counts,
    resolve: async (connection) => {
      const { counted, extent } = await connection.length();
      return extent === "exact" ? counted : null;
    },
  }),
  totalCountAtLeast: t.int({
    description: "Items in the whole list, counted up to 10,000: then there are at least as many.",
    extensions: counts,
    resolve: async (connection) => (await connection.length()).counted,
  }),
}));
