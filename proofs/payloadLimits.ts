/** How large a payload blob may be, and what is in it, before it is refused. */
import { JSON_LIMITS } from "./jsonText.ts";

export interface PayloadLimits {
  readonly maxBytes: number;
  readonly maxDepth: number;
  /** JSON values in the blob. */
  readonly maxValues: number;
}

export const PAYLOAD_LIMITS: PayloadLimits = {
  maxBytes: JSON_LIMITS.maxLength,
  maxDepth: JSON_LIMITS.maxDepth,
  maxValues: JSON_LIMITS.maxValues,
};
