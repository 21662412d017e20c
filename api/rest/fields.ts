/** Field schemas that the answers share. */
import { z } from "@hono/zod-openapi";

export const hex = () => z.string().openapi({ description: "Lower-case hex with 0x." });
export const unixSeconds = () => z.int().openapi({ description: "Unix seconds." });
export const amount = () => z.string().openapi({ description: "Decimal string in base units of the token." });
export const count = () => z.int();

/** What payments in one token add up to. */
export const volumeSchema = z.strictObject({
  token: hex(),
  raw: amount(),
  organic: amount().nullable().openapi({
    description:
      "Organic payments; a payer counts for at most 1 OPG or 1 USDC per operator and UTC day. Null for other tokens.",
  }),
  effectivePayers: z.number().nullable().openapi({
    description: "(Σv)² / Σv² over the payers' organic volumes; null without any.",
  }),
});

/** Where an event is on its chain. */
export const eventFields = {
  id: z.string().openapi({ description: "chainId-txHash-logIndex" }),
  chainId: z.int(),
  txHash: hex(),
  logIndex: z.int(),
  blockNumber: z.int(),
};
