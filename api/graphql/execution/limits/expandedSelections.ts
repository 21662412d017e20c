/**
 * Bounds what validation has to compare: selections with one response name in one place must merge, so each is compared with
 * each, and fragments turn a short text into many selections.
 */
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type SelectionSetNode,
} from "graphql";
import { MAX_COMPARED_SELECTIONS, MAX_EXPANDED_SELECTIONS, MAX_FRAGMENTS, MAX_OPERATIONS } from "./limits.ts";
import { tooCostly } from "./tooCostly.ts";

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

class Expansion {
  readonly #fragments: Fragments;
  #expanded = 0;
  #compared = 0;

  constructor(fragments: Fragments) {
    this.#fragments = fragments;
  }

  /** @throws {ApiError} `query-too-costly`. */
  count(root: SelectionSetNode): void {
    const pending: (readonly SelectionSetNode[])[] = [[root]];
    for (let sets = pending.pop(); sets !== undefined; sets = pending.pop())
      for (const fields of this.#merged(sets).values()) {
        this.#compare(fields);
        const below = fields.flatMap(({ selectionSet }) => selectionSet ?? []);
        if (below.length > 0) pending.push(below);
      }
  }

  /** Fields by response name. */
  #merged(sets: readonly SelectionSetNode[]): ReadonlyMap<string, readonly FieldNode[]> {
    const fields = new Map<string, FieldNode[]>();
    const spread = new Set<string>();
    const pending = [...sets];
    for (let set = pending.pop(); set !== undefined; set = pending.pop())
      for (const selection of set.selections) {
        this.#expand();
        if (selection.kind === Kind.INLINE_FRAGMENT) pending.push(selection.selectionSet);
        else if (selection.kind === Kind.FIELD) {
          const name = (selection.alias ?? selection.name).value;
          const known = fields.get(name);
          if (known === undefined) fields.set(name, [selection]);
          else known.push(selection);
        } else {
          const fragment = this.#fragments.get(selection.name.value);
          if (fragment === undefined || spread.has(selection.name.value)) continue;
          spread.add(selection.name.value);
          pending.push(fragment.selectionSet);
        }
      }
    return fields;
  }

  #expand(): void {
    this.#expanded += 1;
    if (this.#expanded > MAX_EXPANDED_SELECTIONS)
      throw tooCostly(
        "has too many selections, fragments written out where they are spread",
        { used: this.#expanded, limit: MAX_EXPANDED_SELECTIONS },
        "Spread fragments in fewer places.",
      );
  }

  #compare({ length, 0: first }: readonly FieldNode[]): void {
    this.#compared += (length * (length - 1)) / 2;
    if (this.#compared > MAX_COMPARED_SELECTIONS)
      throw tooCostly(
        `asks for "${(first?.alias ?? first?.name)?.value}" ${length} times in one place, and every pair has to be compared`,
        { used: this.#compared, limit: MAX_COMPARED_SELECTIONS },
        "Ask for each field once.",
      );
  }
}

const countOf = (what: string, used: number, limit: number) =>
  tooCostly(`has ${used} ${what}`, { used, limit }, "Send only what the operation needs.");

/**
 * @param document - without undefined fragments and without fragments that spread themselves.
 * @throws {ApiError} `query-too-costly`.
 */
export function refuseExpanded(document: DocumentNode): void {
  const expansion = new Expansion(
    new Map(
      document.definitions.flatMap((definition) =>
        definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition] as const] : [],
      ),
    ),
  );
  for (const definition of document.definitions)
    if ("selectionSet" in definition) expansion.count(definition.selectionSet);
}

/** @throws {ApiError} `query-too-costly`: validation looks at each operation together with each fragment. */
export function refuseManyDefinitions({ definitions }: DocumentNode): void {
  const fragments = definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION).length;
  const others = definitions.length - fragments;
  if (fragments > MAX_FRAGMENTS) throw countOf("fragments", fragments, MAX_FRAGMENTS);
  if (others > MAX_OPERATIONS) throw countOf("operations", others, MAX_OPERATIONS);
}
