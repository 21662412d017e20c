/** Pages of walks that were read and are not sent yet, in memory. */
import { InFlightBytes } from "../stream/inFlightBytes.ts";

/** A walk that somebody reads. */
export interface Walk {
  /** Whose share it is part of; absent for those who are not counted. */
  readonly client: string | undefined;
  /** Ends it in the middle. */
  readonly cut: () => void;
}

/** Pages that were read and are not sent, over all walks: one of a thousand items has 1 to 3 MB. */
export const createPageBudget = (): InFlightBytes<Walk> =>
  new InFlightBytes({ bytes: 64 * 1_048_576, bytesPerClient: 16 * 1_048_576 });
