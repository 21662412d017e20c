/** TokenRevenue: what came in, in one token. */
import type { Volume } from "../../queries/payments/volumes.ts";
import { builder } from "../builder.ts";
import { tokenInfo } from "./token.ts";

export const TokenRevenue = builder.objectRef<Volume>("TokenRevenue").implement({
  description: "What came in, in one token.",
  fields: (t) => ({
    token: t.expose("token", { type: "Address", description: "The token's contract." }),
    tokenInfo: t.field(tokenInfo),
    raw: t.expose("raw", { type: "BigInt", description: "All payments, in base units of the token." }),
    organic: t.expose("organic", {
      type: "BigInt",
      nullable: true,
      description:
        "Organic payments, a payer counting for at most one whole token per UTC day, or part of one in the span, in base units; null for tokens without such a bound. The bound is for all addresses of an operator together, and for a node's own address of a node.",
    }),
    effectivePayers: t.exposeFloat("effectivePayers", {
      nullable: true,
      description: "(Σv)² / Σv² over the payers' organic volumes: how many equal payers that is worth.",
    }),
  }),
});
