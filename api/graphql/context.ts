/** What every resolver is given. */
import type { GraphState } from "./state.ts";

export interface GraphContext {
  readonly state: GraphState;
}
