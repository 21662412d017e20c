/**
 * Plans what an operation will read before it runs: sources, cursors, and how many rows. Page sizes of nested lists multiply;
 * every value in the answer costs a little as well.
 */
import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getArgumentValues,
  getDirectiveValues,
  getNamedType,
  getNullableType,
  isCompositeType,
  isInterfaceType,
  isIntrospectionType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from "graphql";
import { CHAIN_NAMES } from "../../../../config/environment.ts";
import type { Sources } from "../../../queries/state/answerState.ts";
import {
  type Introspected,
  introspectedBelow,
  introspectedItems,
  META_FIELDS,
  NOT_INTROSPECTED,
} from "./introspection.ts";
import { pageSizeOf } from "./paging.ts";
import type { FieldReads } from "./reads.ts";

export interface OperationPlan {
  /** Estimated cost, in rows. */
  readonly rows: number;
  readonly depth: number;
  readonly sources: Sources;
  /** Every `after` and `before` of the operation. */
  readonly cursors: readonly string[];
  readonly momentary: boolean;
  /** Whether it selects nodes. */
  readonly selects: boolean;
  /** The field that reads most by itself; null when nothing is read. */
  readonly heaviest: Part | null;
}

interface Part {
  /** `nodes(first: 100).settlements(first: 50)`. */
  readonly path: string;
  readonly rows: number;
}

interface Weight {
  readonly rows: number;
  readonly depth: number;
  readonly heaviest: Part | null;
}

const NOTHING: Weight = { rows: 0, depth: 0, heaviest: null };
/** Cost of one value in an answer, in rows. */
const ROWS_PER_VALUE = 0.025;
/** Cost of one introspected value, in rows: a tool's query for the whole schema fits into a request once, not twice. */
const ROWS_PER_INTROSPECTED_VALUE = 0.15;
/** Assumed length of lists without pages, which are short. */
const UNPAGED_ITEMS = 10;

const heavier = (a: Part | null, b: Part | null): Part | null =>
  a === null || (b !== null && b.rows > a.rows) ? b : a;

const beside = (a: Weight, b: Weight): Weight => ({
  rows: a.rows + b.rows,
  depth: Math.max(a.depth, b.depth),
  heaviest: heavier(a.heaviest, b.heaviest),
});

const times = ({ rows, depth, heaviest }: Weight, factor: number): Weight => ({
  rows: rows * factor,
  depth,
  heaviest: heaviest === null ? null : { path: heaviest.path, rows: heaviest.rows * factor },
});

/** Where selections are, as far as their weight depends on it. */
interface Scope {
  /** Page size of the connection whose selections these are; null elsewhere. */
  readonly itemsPerPage: number | null;
  readonly introspected: Introspected;
}

const ROOT: Scope = { itemsPerPage: null, introspected: NOT_INTROSPECTED };

interface Operation {
  readonly schema: GraphQLSchema;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly variables: Readonly<Record<string, unknown>>;
}

class Planner {
  readonly cursors = new Set<string>();
  readonly required = new Set<string>();
  readonly optional = new Set<string>();
  proofs: "read" | undefined;
  momentary = false;
  selects = false;
  readonly #operation: Operation;
  /** Weights of fragments by scope: a fragment is weighed once per scope, however often it is spread. */
  readonly #fragmentWeights = new Map<string, Weight>();

  constructor(operation: Operation) {
    this.#operation = operation;
  }

  weigh(selections: SelectionSetNode, type: GraphQLCompositeType, scope: Scope): Weight {
    return selections.selections
      .filter((selection) => this.#isIncluded(selection))
      .map((selection) => this.#weighSelection(selection, type, scope))
      .reduce(beside, NOTHING);
  }

  #isIncluded(selection: SelectionNode): boolean {
    const { variables } = this.#operation;
    const skip = getDirectiveValues(GraphQLSkipDirective, selection, variables);
    const include = getDirectiveValues(GraphQLIncludeDirective, selection, variables);
    return skip?.if !== true && include?.if !== false;
  }

  #weighSelection(selection: SelectionNode, type: GraphQLCompositeType, scope: Scope): Weight {
    if (selection.kind === Kind.FIELD) return this.#weighField(selection, type, scope);
    if (selection.kind === Kind.INLINE_FRAGMENT)
      return this.weigh(
        selection.selectionSet,
        this.#typeNamed(selection.typeCondition?.name.value) ?? type,
        scope,
      );
    const name = selection.name.value;
    const { itemsPerPage, introspected } = scope;
    const key = `${name} ${itemsPerPage} ${introspected.of} ${introspected.unwrapped}`;
    const known = this.#fragmentWeights.get(key);
    if (known !== undefined) return known;
    const fragment = this.#operation.fragments.get(name);
    const fragmentType = this.#typeNamed(fragment?.typeCondition.name.value);
    if (fragment === undefined || fragmentType === null) return NOTHING;
    const weight = this.weigh(fragment.selectionSet, fragmentType, scope);
    this.#fragmentWeights.set(key, weight);
    return weight;
  }

  #typeNamed(name: string | undefined): GraphQLCompositeType | null {
    const type = name === undefined ? undefined : this.#operation.schema.getType(name);
    return isCompositeType(type) ? type : null;
  }

  #weighField(node: FieldNode, type: GraphQLCompositeType, scope: Scope): Weight {
    const { itemsPerPage } = scope;
    const name = node.name.value;
    const meta = META_FIELDS.get(name);
    if (meta !== undefined || isIntrospectionType(type)) return this.#weighIntrospection(node, type, scope);
    const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined;
    if (field === undefined) return NOTHING;
    const args = getArgumentValues(field, node, this.#operation.variables);
    const declared = field.extensions.reads;
    const reads = typeof declared === "function" ? declared(args, type) : declared;
    if (reads !== undefined) this.#note(reads, args);

    const pageSize = reads?.rowsPerItem === undefined ? null : (reads.items ?? pageSizeOf(args));
    const own = (reads?.rows ?? 0) + (reads?.rowsPerItem ?? 0) * (pageSize ?? 0);
    const sizedBy = reads?.items !== undefined ? "count" : "last" in args ? "last" : "first";
    const label = pageSize === null ? name : `${name}(${sizedBy}: ${pageSize})`;
    const itself: Weight = {
      rows: own + ROWS_PER_VALUE,
      depth: 1,
      heaviest: own === 0 ? null : { path: label, rows: own },
    };
    const weight =
      node.selectionSet === undefined
        ? itself
        : beside(itself, this.#below(node.selectionSet, field, label, pageSize));
    return itemsPerPage !== null && (name === "edges" || name === "nodes")
      ? times(weight, itemsPerPage)
      : weight;
  }

  #below(
    selections: SelectionSetNode,
    field: ReturnType<GraphQLObjectType["getFields"]>[string],
    label: string,
    pageSize: number | null,
  ): Weight {
    const type = getNamedType(field.type);
    if (!isCompositeType(type)) return NOTHING;
    const scope: Scope = { ...ROOT, itemsPerPage: pageSize };
    const { rows, depth, heaviest } = this.weigh(selections, type, scope);
    const plumbing = label === "edges" || label === "node" || label === "nodes";
    const below: Weight = {
      rows,
      depth: depth + 1,
      heaviest:
        heaviest === null || plumbing ? heaviest : { path: `${label}.${heaviest.path}`, rows: heaviest.rows },
    };
    const unpaged = isListType(getNullableType(field.type)) && !plumbing;
    return unpaged ? times(below, UNPAGED_ITEMS) : below;
  }

  /** Introspection reads no rows but can make the longest answers. Its depth is bounded by validation. */
  #weighIntrospection(node: FieldNode, type: GraphQLCompositeType, { introspected }: Scope): Weight {
    const { schema } = this.#operation;
    const name = node.name.value;
    const declared = isObjectType(type) ? type.getFields()[name] : undefined;
    const below = getNamedType((META_FIELDS.get(name) ?? declared)?.type);
    const coordinate = `${type.name}.${name}`;
    const scope: Scope = { ...ROOT, introspected: introspectedBelow(coordinate, introspected) };
    const inside =
      node.selectionSet === undefined || !isCompositeType(below)
        ? NOTHING
        : this.weigh(node.selectionSet, below, scope);
    const items = introspectedItems(schema, coordinate, introspected);
    const own = isIntrospectionType(type) ? ROWS_PER_INTROSPECTED_VALUE : ROWS_PER_VALUE;
    return { ...NOTHING, rows: own * Math.max(1, items) + items * inside.rows };
  }

  #note(
    { sources, momentary, selects, rowsPerItem }: FieldReads,
    args: Readonly<Record<string, unknown>>,
  ): void {
    for (const chain of sources.required) this.required.add(chain);
    for (const chain of sources.optional ?? []) this.optional.add(chain);
    this.proofs ??= sources.proofs;
    this.momentary ||= momentary === true;
    this.selects ||= selects === true;
    if (rowsPerItem === undefined) return;
    for (const cursor of [args.after, args.before]) if (typeof cursor === "string") this.cursors.add(cursor);
  }
}

/**
 * Plans a validated operation.
 * @param variables - coerced.
 * @throws {GraphQLError} for unusable arguments.
 */
export function planOperation(node: OperationDefinitionNode, operation: Operation): OperationPlan {
  const root = operation.schema.getRootType(node.operation);
  const planner = new Planner(operation);
  const { rows, depth, heaviest } = root == null ? NOTHING : planner.weigh(node.selectionSet, root, ROOT);
  const required = CHAIN_NAMES.filter((chain) => planner.required.has(chain));
  const optional = CHAIN_NAMES.filter((chain) => planner.optional.has(chain) && !required.includes(chain));
  return {
    rows: Math.ceil(rows),
    depth,
    sources: {
      required,
      optional,
      ...(planner.proofs === undefined ? {} : { proofs: planner.proofs }),
    },
    cursors: [...planner.cursors].sort(),
    momentary: planner.momentary,
    selects: planner.selects,
    heaviest: heaviest === null ? null : { path: heaviest.path, rows: Math.ceil(heaviest.rows) },
  };
}
