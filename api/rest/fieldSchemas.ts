/** Field schemas that the answers share. What a name means everywhere is said once, in the documents' vocabulary. */
import { z } from "@hono/zod-openapi";

/** Bytes of any number. Hex is lower-case everywhere. */
export const hex = () => z.string().regex(/^0x([0-9a-f]{2})*$/);
/** 20 bytes. */
export const address = () => z.string().regex(/^0x[0-9a-f]{40}$/);
/** 32 bytes. */
export const hash32 = () => z.string().regex(/^0x[0-9a-f]{64}$/);
/** An event's place on its chain. */
export const eventId = () => z.string().regex(/^\d+-0x[0-9a-f]{64}-\d+$/);
/** The name says so: they end in `At`. */
export const unixSeconds = () => z.int().min(0);
/** Base units of the token beside it. */
export const amount = () => z.string().regex(/^\d+$/);
export const count = () => z.int().min(0);

/** Of bytes whose number a stranger chose: what lists show of them. */
export const firstOf = (bytes: number): string =>
  `lists show its first ${bytes.toLocaleString("en")} bytes, and the hash of the whole when it has more.`;
/** The true number of the bytes beside it. */
export const byteLength = () =>
  count()
    .nullable()
    .openapi({ description: "How many bytes it has, shown or not; null where there are none." });
/** Of bytes of which only the beginning is shown. */
export const hashOfCut = () =>
  hash32().nullable().openapi({
    description: "SHA-256 of all its bytes where only the first of them are shown; null where it is whole.",
  });

export const tokenSchema = z
  .strictObject({
    address: address(),
    symbol: z.string().nullable().openapi({
      description:
        "What its contract calls itself, sanitised: anyone can call a token anything. Null when it says nothing, or was not asked yet.",
    }),
    decimals: z.int().min(0).max(255).nullable().openapi({
      description:
        "Digits of an amount after the decimal point. Null when its contract says nothing, or was not asked yet: show base units then.",
    }),
  })
  .openapi("Token");

/** A token's address, and, when it is asked for, the token. */
export const tokenFields = {
  token: address(),
  tokenInfo: tokenSchema.optional(),
};

/** What payments in one token add up to. */
export const volumeSchema = z
  .strictObject({
    ...tokenFields,
    raw: amount(),
    organic: amount().nullable().openapi({
      description:
        "Organic payments; a payer counts for at most 1 OPG or 1 USDC per operator and UTC day. Null for other tokens.",
    }),
    effectivePayers: z.number().nullable(),
  })
  .openapi("Volume");

/** Where an event is on its chain. */
export const eventFields = {
  id: eventId().openapi({ description: "`chainId-txHash-logIndex`." }),
  chainId: z.int(),
  txHash: hash32(),
  logIndex: count(),
  blockNumber: count(),
};

/** Nodes by status. */
export const nodeCountsSchema = z.strictObject({
  total: count(),
  active: count(),
  stale: count(),
  disabled: count(),
  revoked: count(),
  removed: count(),
});
