/** The row that every registry event but a heartbeat leaves behind. */
import type { Context } from "ponder:registry";
import { registryEvent, role } from "ponder:schema";
import { type Hex, zeroHash } from "viem";
import { lowerHex } from "../abis/lowerHex.ts";
import { type LogEvent, positionOf, recordBlock, timeOf } from "./counters.ts";

type RegistryEventRow = typeof registryEvent.$inferInsert;
type Kind =
  | "registered"
  | "enabled"
  | "disabled"
  | "removed"
  | "type-added"
  | "type-deactivated"
  | "pcr-approved"
  | "pcr-revoked"
  | "role-granted"
  | "role-revoked"
  | "role-admin-changed"
  | "certificate-updated";
type Details = Partial<
  Omit<
    RegistryEventRow,
    | "chainId"
    | "blockNumber"
    | "logIndex"
    | "registry"
    | "kind"
    | "timestamp"
    | "txHash"
    | "sender"
    | "signature"
  >
>;

/** The registry an event comes from, lower-case. */
export const registryOf = (event: { readonly log: { readonly address: Hex } }): Hex =>
  lowerHex(event.log.address);

/** Stores the event; `signature` is its name and types, which tell the generations apart. */
export async function recordRegistryEvent(
  context: Context,
  event: LogEvent & { readonly log: { readonly address: Hex } },
  kind: Kind,
  signature: string,
  details: Details = {},
): Promise<void> {
  await recordBlock(context, event);
  await context.db.insert(registryEvent).values({
    ...positionOf(context, event),
    registry: registryOf(event),
    kind,
    timestamp: timeOf(event),
    txHash: event.transaction.hash,
    sender: event.transaction.from,
    signature,
    ...details,
  });
}

/**
 * Who a voluntary status change comes from. The contract lets only the owner or an admin do it; a call that reaches it
 * through another contract shows neither, unless that contract is the owner or admin itself.
 */
export async function causeOf(
  context: Context,
  event: LogEvent,
  registry: Hex,
  owner: Hex,
): Promise<"owner" | "admin" | null> {
  const { from, to } = event.transaction;
  const callers = [from, to].filter((account) => account !== null).map(lowerHex);
  if (callers.includes(owner)) return "owner";
  for (const account of callers) {
    const admin = await context.db.find(role, {
      chainId: context.chain.id,
      registry,
      role: zeroHash,
      account,
    });
    if (admin?.granted) return "admin";
  }
  return null;
}
