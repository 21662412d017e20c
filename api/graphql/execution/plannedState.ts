/**
 * Reads the state that a request is answered from, by its plan: the newest, except for chains that its cursors pin. A request
 * with a selection is answered from the state of the snapshot that it selects from.
 */
import { CHAIN_NAMES } from "../../../config/environment.ts";
import { ApiError } from "../../errors.ts";
import type { ReadTransaction } from "../../queries/reading/database.ts";
import { AnswerState, readState, type Sources } from "../../queries/state/answerState.ts";
import type { AsOf } from "../../queries/state/asOf.ts";
import { readCursor } from "../../queries/state/cursor.ts";
import { type Pin, pinOf } from "../../queries/state/pin.ts";
import type { Selector } from "../../snapshot/selector.ts";
import type { GraphService } from "./graphService.ts";
import type { OperationPlan } from "./plan/plan.ts";

/** The selector at the request's state, or why there is none; null when the request selects no nodes. */
export type Selection = Selector | ApiError | null;

export interface PlannedState {
  /** What can be read. */
  readonly answer: AnswerState;
  /** The state that the answer belongs to: of a snapshot also while its chain cannot be read. */
  readonly asOf: AsOf;
  readonly selection: Selection;
}

export async function readPlanned(
  service: GraphService,
  transaction: ReadTransaction,
  { sources, cursors, selects }: OperationPlan,
): Promise<PlannedState> {
  // A chain that is not ready fails the fields that need it, not the others.
  const { required, optional = [], proofs } = sources;
  const lenient: Sources = {
    required: [],
    optional: CHAIN_NAMES.filter((chain) => required.includes(chain) || optional.includes(chain)),
    ...(proofs === undefined ? {} : { proofs }),
  };
  const newest = await readState(service, transaction, lenient, null);
  const pinned = commonPin(cursors.map((cursor) => readCursor(cursor).pin));
  const answer = pinned === null ? newest : await pin(service, transaction, newest, pinned, proofs);
  if (!selects) return { answer, asOf: answer.asOf, selection: null };
  const { og } = answer.asOf;
  return pinned?.og == null || og === null
    ? selectNewest(service, transaction, answer, proofs)
    : { answer, asOf: answer.asOf, selection: selectPinned(service, og) };
}

/** The newest state, with the chains of `pinned` at their pinned positions. */
async function pin(
  service: GraphService,
  transaction: ReadTransaction,
  newest: AnswerState,
  pinned: Pin,
  proofs: Sources["proofs"],
): Promise<AnswerState> {
  const sources: Sources = {
    required: CHAIN_NAMES.filter((chain) => pinned[chain] !== null),
    ...(proofs === undefined ? {} : { proofs }),
  };
  const { asOf } = await readState(service, transaction, sources, pinned);
  const merged = { ...newest.asOf, og: asOf.og ?? newest.asOf.og, base: asOf.base ?? newest.asOf.base };
  return new AnswerState(transaction, merged, proofs === undefined ? null : newest.proofs);
}

function selectPinned({ snapshots }: GraphService, og: NonNullable<AsOf["og"]>): Selection {
  return (
    snapshots.selectorAt(og) ??
    new ApiError(
      "invalid-cursor",
      `selectNodes: this request's cursors are pinned to block ${og.blockNumber} of og, which is not selected from any more; ask for it in a request of its own`,
      { parameter: "after" },
    )
  );
}

/**
 * Selects from the newest snapshot whose block this transaction has, and reads the rest of the request at that block too: the
 * index may be ahead of the newest snapshot, and a replica may be behind it.
 */
async function selectNewest(
  service: GraphService,
  transaction: ReadTransaction,
  answer: AnswerState,
  proofs: Sources["proofs"],
): Promise<PlannedState> {
  const { og } = answer.asOf;
  const { snapshots } = service;
  try {
    if (og === null) {
      // The chain is recovering: the last snapshot is all that can be answered.
      const selection = snapshots.newest;
      return { answer, asOf: { ...answer.asOf, og: selection.snapshot.asOf.og }, selection };
    }
    const selection = snapshots.selectorUpTo(og.blockNumber) ?? snapshots.newest;
    const { asOf } = selection.snapshot;
    const pinned = await pin(
      service,
      transaction,
      answer,
      pinOf({ ...asOf, base: null, proofs: null }),
      proofs,
    );
    return { answer: pinned, asOf: pinned.asOf, selection };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return {
      answer,
      asOf: answer.asOf,
      selection: error.code === "cursor-expired" ? outdated(error) : error,
    };
  }
}

/** After a reorg or on a lagging replica, until the next snapshot is made. */
const outdated = (cause: ApiError) =>
  new ApiError(
    "indexing",
    "selectNodes: the nodes have not been scored at this state yet.",
    {},
    { cause, retryAfterSeconds: 1 },
  );

/** The state that all cursors of the request agree on; null without cursors. */
function commonPin(states: readonly Pin[]): Pin | null {
  return states.reduce<Pin | null>((common, next) => {
    if (common === null) return next;
    for (const chain of CHAIN_NAMES) {
      const [a, b] = [common[chain], next[chain]];
      if (a !== null && b !== null && JSON.stringify(a) !== JSON.stringify(b))
        throw new ApiError(
          "invalid-cursor",
          `cursors: two of them are of different states (${chain} at blocks ${a.blockNumber} and ${b.blockNumber}), and a request has one; page them in two requests`,
          { parameter: "after" },
        );
    }
    return {
      origin: common.origin,
      og: common.og ?? next.og,
      base: common.base ?? next.base,
      proofs: common.proofs === null ? next.proofs : Math.max(common.proofs, next.proofs ?? 0),
    };
  }, null);
}
