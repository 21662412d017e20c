/** Bounds the memory for pages that walks have read and not sent yet. */
import { InFlightBytes } from "../stream/inFlightBytes.ts";

/** A walk in progress. */
export interface Walk {
  /** The client it counts towards; absent for clients that are not limited. */
  readonly client: string | undefined;
  /** Closes its connection in the middle of the response. */
  readonly disconnect: () => void;
}

/** A page of a thousand items takes 1 to 3 MB. */
export const createPageBudget = (): InFlightBytes<Walk> =>
  new InFlightBytes({ bytes: 64 * 1_048_576, bytesPerClient: 16 * 1_048_576 });
