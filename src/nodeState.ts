/** Writes a node's liveness: the open interval in `node_liveness`, ended ones in `active_interval`. */
import type { Context } from "ponder:registry";
import { activeInterval, nodeLiveness } from "ponder:schema";
import type { Hex } from "viem";
import type { EndedInterval, OpenInterval, Transition } from "./liveness/active.ts";
import { openIntervalOf } from "./liveness/figures.ts";
import { EMPTY_JOURNAL } from "./liveness/journal.ts";

export type Liveness = typeof nodeLiveness.$inferSelect;
type LivenessChange = Partial<
  Omit<
    Liveness,
    "chainId" | "registry" | "teeId" | "activeFrom" | "activeUntil" | "changedAt" | "closedIntervals"
  >
>;

const keyOf = ({ chainId, registry, teeId }: Liveness) => ({ chainId, registry, teeId });

/** Updates a node's liveness in one call to the store, if there is such a node. */
export async function updateLiveness(
  context: Context,
  key: { readonly chainId: number; readonly registry: Hex; readonly teeId: Hex },
  change: (row: Liveness) => Partial<Liveness>,
): Promise<void> {
  try {
    await context.db.update(nodeLiveness, key).set(change);
  } catch (error) {
    if (!(error instanceof Error && error.name === "RecordNotFoundError")) throw error;
  }
}

/** Writes an interval that ended, under the ordinal that was next before it did. */
export async function writeEnded(
  context: Context,
  {
    chainId,
    registry,
    teeId,
    closedIntervals,
  }: { chainId: number; registry: Hex; teeId: Hex; closedIntervals: number },
  { ended }: { ended: EndedInterval | null },
): Promise<void> {
  if (ended === null) return;
  await context.db.insert(activeInterval).values({
    chainId,
    registry,
    teeId,
    ordinal: closedIntervals,
    fromAt: ended.from,
    untilAt: ended.until,
    endCause: ended.endCause,
  });
}

/**
 * Applies a transition at time `at` together with other changes of the row. A node whose interval ended at this very
 * second (disabled and enabled again in one block) continues it, so that stored intervals stay maximal. What is no
 * heartbeat begins the journal anew. What ended with its PCR's approval, some time after the revocation, ended by that.
 */
export async function writeTransition(
  context: Context,
  liveness: Liveness,
  transition: (open: OpenInterval | null) => Transition,
  at: number,
  change: LivenessChange = {},
): Promise<void> {
  const before = openIntervalOf(liveness);
  let { open, ended } = transition(before);
  let closedIntervals = liveness.closedIntervals;

  if (before === null && open !== null && open.from === at && closedIntervals > 0) {
    const key = { ...keyOf(liveness), ordinal: closedIntervals - 1 };
    const previous = await context.db.find(activeInterval, key);
    if (previous !== null && previous.untilAt === at) {
      await context.db.delete(activeInterval, key);
      closedIntervals -= 1;
      open = { ...open, from: previous.fromAt };
    }
  }
  if (ended?.endCause === "stale" && ended.until === liveness.pcrApprovedUntil)
    ended = { ...ended, endCause: "pcr-revoked" };
  await writeEnded(context, { ...keyOf(liveness), closedIntervals }, { ended });
  if (ended !== null) closedIntervals += 1;
  await context.db.update(nodeLiveness, keyOf(liveness)).set({
    ...EMPTY_JOURNAL,
    ...change,
    changedAt: at,
    activeFrom: open?.from ?? null,
    activeUntil: open?.until ?? null,
    closedIntervals,
  });
}
