/** What a node is, and how sure that is. */
import type { PRECISIONS } from "../queries/nodes/precision.ts";
import type { NodeCounts } from "../queries/operators/operators.ts";
import { builder } from "./builder/builder.ts";

export const NodeStatus = builder.enumType("NodeStatus", {
  description: "What a node is, in this order: the first that fits.",
  values: {
    REMOVED: { value: "removed", description: "Deleted from the registry (legacy registries only)." },
    ACTIVE: {
      value: "active",
      description:
        "By the contract's own rule: enabled, PCR approved, last heartbeat at most `heartbeatMaxAge` seconds old.",
    },
    REVOKED: { value: "revoked", description: "Its PCR is not approved." },
    DISABLED: { value: "disabled", description: "Switched off by its owner or an admin." },
    STALE: { value: "stale", description: "Enabled, but its last heartbeat is too old." },
  } as const,
});

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

export const NodeCountsRef = builder.objectRef<NodeCounts>("NodeCounts").implement({
  description: "Nodes by status; counts.",
  fields: (t) => ({
    total: t.expose("total", { type: "Long" }),
    active: t.expose("active", { type: "Long" }),
    stale: t.expose("stale", { type: "Long" }),
    disabled: t.expose("disabled", { type: "Long" }),
    revoked: t.expose("revoked", { type: "Long" }),
    removed: t.expose("removed", { type: "Long" }),
  }),
});
