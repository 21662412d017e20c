/** Writes a node's liveness: the open interval in `node_liveness`, ended ones in `active_interval`. */
import type { Context } from "ponder:registry";
import { activeInterval, nodeLiveness } from "ponder:schema";
import type { OpenInterval, Transition } from "./liveness/active.ts";

export type Liveness = typeof nodeLiveness.$inferSelect;
type LivenessChange = Partial<
  Omit<Liveness, "chainId" | "registry" | "teeId" | "activeFrom" | "activeUntil" | "closedIntervals">
>;

const keyOf = ({ chainId, registry, teeId }: Liveness) => ({ chainId, registry, teeId });

const openIntervalOf = ({ activeFrom, activeUntil }: Liveness): OpenInterval | null =>
  activeFrom === null || activeUntil === null ? null : { from: activeFrom, until: activeUntil };

/**
 * Applies a transition at time `at` together with other changes of the row. A node whose interval ended at this very
 * second (disabled and enabled again in one block) continues it, so that stored intervals stay maximal.
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
  if (ended !== null) {
    await context.db.insert(activeInterval).values({
      ...keyOf(liveness),
      ordinal: closedIntervals,
      fromAt: ended.from,
      untilAt: ended.until,
      endCause: ended.endCause,
    });
    closedIntervals += 1;
  }
  await context.db.update(nodeLiveness, keyOf(liveness)).set({
    ...change,
    activeFrom: open?.from ?? null,
    activeUntil: open?.until ?? null,
    closedIntervals,
  });
}
