/** Selects nodes as `/v1/select` does: the same request, seed and state give the same nodes. */
import { ApiError } from "../errors.ts";
import type { Node } from "../queries/nodes/nodes.ts";
import { refuseStale } from "../queries/state/asOf.ts";
import { FROM } from "../queries/state/list.ts";
import { SCORING } from "../scoring/index.ts";
import type { Exclusion } from "../snapshot/candidates.ts";
import type { NodeWithScore } from "../snapshot/leaderboard.ts";
import { questionOf, type SelectionRequest } from "../snapshot/question.ts";
import { hash32, numberWithin } from "./builder/filters.ts";
import { refuseArgument } from "./execution/limits/refuseArgument.ts";
import type { FieldReads } from "./execution/plan/reads.ts";
import type { GraphState, Scoped } from "./execution/state.ts";
import { primeNode } from "./nodes.ts";
import { scores } from "./scores.ts";

export interface SelectedNode {
  readonly rank: number;
  readonly probability: number;
  readonly node: Scoped<Node>;
}

export interface NodeSelection {
  readonly scoreVersion: string;
  readonly seed: string;
  readonly validUntil: number | null;
  readonly nodes: readonly SelectedNode[];
  readonly excluded: readonly Exclusion[];
}

/** Arguments as GraphQL gives them, where null and absent are the same. */
type Given<T> = { readonly [K in keyof T]?: T[K] | null | undefined };

interface SelectArguments extends Given<Omit<SelectionRequest, "strategy" | "teeType">> {
  readonly strategy: SelectionRequest["strategy"];
  readonly teeType: number;
  readonly count: number;
  readonly seed?: string | null | undefined;
}

const MAX_LISTED = 100;
const MAX_SEED_LENGTH = 1_024;
const MAX_TYPES = 255;
export const MAX_SELECTED = SCORING.mostSelected;

/** Without a seed, every selection is drawn anew. */
export const readsSelection = ({ count, seed }: Readonly<Record<string, unknown>>): FieldReads => ({
  sources: FROM.og,
  rows: 2,
  rowsPerItem: 0,
  items: typeof count === "number" ? Math.min(MAX_SELECTED, Math.max(0, count)) : MAX_SELECTED,
  selects: true,
  ...(seed == null ? { momentary: true } : {}),
});

/**
 * @throws {ApiError} `invalid-parameter`, `stale` beyond the request's `maxLag` (the server's bound when it has none), and
 * `indexing` while no snapshot can be selected from.
 */
export function selectNodes(state: GraphState, args: SelectArguments): NodeSelection {
  const { service, selection: selector } = state;
  const { count, seed: requestedSeed } = args;
  if (!(count >= 1 && count <= MAX_SELECTED))
    throw refuseArgument("count", count, `a whole number from 1 to ${MAX_SELECTED}`);
  if (
    requestedSeed != null &&
    (requestedSeed.length < 1 || requestedSeed.length > MAX_SEED_LENGTH || requestedSeed.includes("\0"))
  )
    throw refuseArgument("seed", requestedSeed, `1 to ${MAX_SEED_LENGTH} characters without NUL`);
  const question = questionOf(service.settings, requestOf(args));
  if (selector === null) throw new Error("the plan missed that nodes are selected");
  if (selector instanceof ApiError) throw selector;
  const { og } = selector.snapshot.asOf;
  refuseStale({ og, base: null }, state.maxLagSeconds ?? service.settings.maxLagSeconds, service.clock());

  const view = state.view(null);
  const seed = requestedSeed ?? service.newSeed();
  const { nodes, ...answer } = selector.select(question, seed, count);
  return {
    ...answer,
    seed,
    nodes: nodes.map(({ rank, probability, json }) => {
      // The selector wrote the JSON from such a node. In GraphQL, score and metrics are fields of their own.
      const { score, ...node } = JSON.parse(json) as NodeWithScore;
      primeNode(view, node);
      scores(view).prime(node, score);
      return { rank, probability, node: view.scope(node) };
    }),
  };
}

function requestOf({ count: _, seed, ...args }: SelectArguments): SelectionRequest {
  const { teeType, strategy, registry, pcrHash, pcr, ohttp, minScore, minUptime } = args;
  numberWithin("teeType", teeType, 0, MAX_TYPES);
  numberWithin("minScore", minScore, 0, 100);
  numberWithin("minUptime", minUptime, 0, 1);
  return {
    teeType,
    strategy,
    only: listOf("only", args.only, hash32),
    exclude: listOf("exclude", args.exclude, hash32),
    owner: listOf("owner", args.owner),
    excludeOwner: listOf("excludeOwner", args.excludeOwner),
    pcrHash: pcrHash == null ? undefined : hash32("pcrHash", pcrHash),
    pcr: pcr ?? undefined,
    ohttp: ohttp ?? undefined,
    minScore: minScore ?? undefined,
    minUptime: minUptime ?? undefined,
    registry: registry ?? undefined,
  };
}

/** Sorted and without repetitions, neither of which changes the selection. */
function listOf(
  parameter: string,
  values: readonly string[] | null | undefined,
  check: (parameter: string, value: string) => string = (_, value) => value,
): readonly string[] | undefined {
  if (values == null) return undefined;
  if (values.length < 1 || values.length > MAX_LISTED)
    throw refuseArgument(parameter, `${values.length} values`, `1 to ${MAX_LISTED} values, or left out`);
  return [...new Set(values.map((value) => check(parameter, value)))].sort();
}
