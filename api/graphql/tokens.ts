/** Token: what a token's contract says of itself, beside every token of an answer; and revenue per token. */
import DataLoader from "dataloader";
import { readTokens, type Token } from "../queries/payments/tokens.ts";
import type { Volume } from "../queries/payments/volumes.ts";
import { builder } from "./builder/builder.ts";
import type { GraphContext } from "./execution/context.ts";
import { oncePer } from "./execution/oncePer.ts";
import { NOTHING, readsRows } from "./execution/plan/reads.ts";
import type { GraphState } from "./execution/state.ts";

/** The same at every moment: what contracts say of themselves has no history here. */
const tokens = oncePer(
  ({ transaction, settings }: GraphState) =>
    new DataLoader((addresses: readonly string[]) =>
      readTokens(transaction, settings.chainIds.base, addresses),
    ),
);

export const TokenRef = builder.objectRef<Token>("Token").implement({
  description:
    "A token, as its contract describes itself. The contract is a stranger's, and so are its words.",
  fields: (t) => ({
    address: t.expose("address", { type: "Address" }),
    symbol: t.exposeString("symbol", { nullable: true }),
    decimals: t.exposeInt("decimals", { nullable: true }),
  }),
});

/** The field of whatever has a `token`. */
export const tokenInfo = {
  type: TokenRef,
  description: "The token: its symbol, and the decimals of the amounts here.",
  extensions: readsRows(NOTHING),
  resolve: ({ token }: { readonly token: string }, _: unknown, { state }: GraphContext) =>
    tokens(state).load(token),
} as const;

export const TokenRevenue = builder.objectRef<Volume>("TokenRevenue").implement({
  description: "What came in, in one token.",
  fields: (t) => ({
    token: t.expose("token", { type: "Address" }),
    tokenInfo: t.field(tokenInfo),
    raw: t.expose("raw", { type: "BigInt" }),
    organic: t.expose("organic", { type: "BigInt", nullable: true }),
    effectivePayers: t.exposeFloat("effectivePayers", { nullable: true }),
  }),
});
