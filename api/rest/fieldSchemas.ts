/** Schemas of fields that several answers share; what they mean is described in api/fields. */
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

/** The length of the bytes beside it, which may be shown in part. */
export const byteLength = () => count().nullable();
/** The hash of bytes that are shown in part. */
export const hashOfCut = () => hash32().nullable();

export const tokenSchema = z
  .strictObject({
    address: address(),
    symbol: z.string().nullable(),
    decimals: z.int().min(0).max(255).nullable(),
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
    organic: amount().nullable(),
    effectivePayers: z.number().nullable(),
  })
  .openapi("Volume");

/** Where an event is on its chain. */
export const eventFields = {
  id: eventId(),
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
