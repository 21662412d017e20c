/** Token: what a token's contract says of itself; beside every token of an answer. */
import type { Token } from "../../queries/payments/tokens.ts";
import { builder } from "../builder.ts";
import type { GraphContext } from "../execution/context.ts";
import { FROM, readsRows } from "../reads.ts";

export const TokenRef = builder.objectRef<Token>("Token").implement({
  description:
    "A token, as its contract describes itself. The contract is a stranger's, and so are its words.",
  fields: (t) => ({
    address: t.expose("address", { type: "Address", description: "Its contract." }),
    symbol: t.exposeString("symbol", {
      nullable: true,
      description:
        "What it calls itself, sanitised: anyone can call a token anything. Null when it says nothing, or was not asked yet.",
    }),
    decimals: t.exposeInt("decimals", {
      nullable: true,
      description:
        "Digits of an amount after the decimal point, 0 to 255. Null when it says nothing, or was not asked yet: show base units then.",
    }),
  }),
});

/** The field of whatever has a `token`. */
export const tokenInfo = {
  type: TokenRef,
  description: "The token: its symbol, and the decimals of the amounts here.",
  extensions: readsRows(FROM.nothing),
  resolve: ({ token }: { readonly token: string }, _: unknown, { state }: GraphContext) =>
    state.tokens.load(token),
} as const;
