/** What inferences can be filtered by. */
import {
  ADDRESS,
  BOOLEAN,
  type Filters,
  type FilterValues,
  HASH,
  TEXT,
  TIME_RANGE,
} from "../state/filters.ts";

export const INFERENCE_FILTERS = {
  teeId: HASH,
  ...TIME_RANGE,
  /** The payer that a settlement of it claims. */
  payer: ADDRESS,
  inputHash: HASH,
  outputHash: HASH,
  model: TEXT,
  signatureValid: BOOLEAN,
  counted: BOOLEAN,
} as const satisfies Filters;

/** The same, and one inference by its id. */
export interface InferenceFilters extends FilterValues<typeof INFERENCE_FILTERS> {
  readonly id?: string | undefined;
}
