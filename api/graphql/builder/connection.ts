/** Lists as Relay connections: a page is read when its items are asked for, the length when that is. */

import type { GraphQLCompositeType } from "graphql";
import type { ReadTransaction } from "../../queries/reading/database.ts";
import { countList, type ListLength } from "../../queries/reading/listLength.ts";
import type { Page, PageRequest } from "../../queries/reading/page.ts";
import type { Sources } from "../../queries/state/answerState.ts";
import { decodeCursor, encodeCursor, type KeyType, questionDigest } from "../../queries/state/cursor.ts";
import { pinOf } from "../../queries/state/pin.ts";
import { type Paging, type PagingArguments, pagingOf } from "../execution/paging.ts";
import type { FieldReads } from "../execution/reads.ts";
import type { GraphState } from "../execution/state.ts";
import { builder, type CountedConnection } from "./builder.ts";

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
    const { readable } = this.#state;
    const { required, optional = [], proofs } = this.#question.sources;
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

declare module "graphql" {
  interface GraphQLObjectTypeExtensions<_TSource, _TContext> {
    /** Of a connection: rows that counting its list reads, about. */
    countedRows?: number;
  }
}

/**
 * Rows that a count reads where its connection does not say otherwise: counting `MAX_COUNTED` index entries takes as long as
 * reading this many rows of a page.
 */
const COUNTED_ROWS = 150;

/** Marks a connection whose count looks each entry up elsewhere as well, and so reads more. */
export const counting = (countedRows: number) => ({ extensions: { countedRows } });

const counts = {
  reads: (_: unknown, { extensions }: GraphQLCompositeType): FieldReads => ({
    sources: { required: [] },
    rows: typeof extensions.countedRows === "number" ? extensions.countedRows : COUNTED_ROWS,
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
