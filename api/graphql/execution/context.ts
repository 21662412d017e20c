/** The context that every resolver gets. */
import type { DeliveredEvent, SelectableType } from "../../stream/events.ts";
import type { StreamProperties } from "../../stream/filter.ts";
import type { GraphState } from "./state.ts";

/** The events that a subscription selects. */
interface EventSelection {
  readonly types?: readonly SelectableType[] | undefined;
  readonly registry?: string | undefined;
  readonly properties: StreamProperties;
}

export interface GraphContext {
  readonly state: GraphState;
  /**
   * Begins a subscription.
   * @param after - id of the event to resume after.
   */
  readonly subscribe: (
    selection: EventSelection,
    after: string | null,
  ) => Promise<AsyncIterable<DeliveredEvent>>;
}
