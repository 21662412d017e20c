/** NodeCounts: how many nodes are what. */
import type { NodeCounts } from "../../queries/operators/operators.ts";
import { builder } from "../builder.ts";

export const NodeCountsRef = builder.objectRef<NodeCounts>("NodeCounts").implement({
  description: "Nodes by status; counts.",
  fields: (t) => ({
    total: t.expose("total", { type: "Long", description: "All of them; a count." }),
    active: t.expose("active", { type: "Long", description: "Active by the contract's rule; a count." }),
    stale: t.expose("stale", {
      type: "Long",
      description: "Enabled, but without a young heartbeat; a count.",
    }),
    disabled: t.expose("disabled", { type: "Long", description: "Switched off; a count." }),
    revoked: t.expose("revoked", {
      type: "Long",
      description: "Running code that is not approved; a count.",
    }),
    removed: t.expose("removed", { type: "Long", description: "Deleted from the registry; a count." }),
  }),
});
