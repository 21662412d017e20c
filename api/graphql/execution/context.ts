/** What every resolver is given. */
import type { DeliveredEvent, SelectableType } from "../../stream/events.ts";
import type { StreamProperties } from "../../stream/filter.ts";
import type { GraphState } from "./state.ts";

/** What a subscription wants to be told. */
export interface EventsAsked {
  readonly types?: readonly SelectableType[] | undefined;
  readonly registry?: string | undefined;
  readonly properties: StreamProperties;
}

export interface GraphContext {
  readonly state: GraphState;
  /**
   * Begins a subscription.
   * @param after - the id of the event to go on after.
   */
  readonly listen: (asked: EventsAsked, after: string | null) => Promise<AsyncIterable<DeliveredEvent>>;
}
