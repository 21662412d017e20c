/** How sure what is said of liveness is. */
import type { PRECISIONS } from "../../queries/nodes/precision.ts";
import { builder } from "../builder.ts";

export const PrecisionEnum = builder.enumType("Precision", {
  description:
    "How sure it is: `heartbeatMaxAge` changes without an event, and not every RPC tells its past.",
  values: {
    EXACT: { value: "exact", description: "As the contract answered." },
    BOUNDED: {
      value: "bounded",
      description: "`heartbeatMaxAge` could not be read then, between two values that were.",
    },
    ASSUMED: {
      value: "assumed",
      description:
        "`heartbeatMaxAge` was not read before either, or the node's PCR is not known and one was revoked.",
    },
  } as const satisfies Record<string, { value: (typeof PRECISIONS)[number]; description: string }>,
});
