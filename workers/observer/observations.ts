/** Stores what a node's record said at a block: a new row when it changed, a confirmation otherwise. */
import { and, desc, eq, lt } from "drizzle-orm";
import type { NodePgDatabase } from "drizzle-orm/node-postgres";
import type { TeeRecord } from "../../abis/teeRecord.ts";
import { nodeRecord } from "../../db/schema/observations.ts";
import { clampToSafe } from "../../src/decode/number.ts";
import type { BlockPoint, NodeKey } from "./endpoint.ts";

export type Observation = typeof nodeRecord.$inferInsert;

/** What a record says. `lastHeartbeatAt` is left out: every heartbeat changes it, and the heartbeat's event carries it. */
type Content = Omit<
  Observation,
  | "chainId"
  | "registry"
  | "teeId"
  | "blockNumber"
  | "blockHash"
  | "blockTimestamp"
  | "lastConfirmedBlock"
  | "lastConfirmedAt"
>;

const contentOf = (record: TeeRecord): Content => ({
  owner: record.owner,
  paymentAddress: record.paymentAddress,
  endpointHex: record.endpointBytes,
  publicKey: record.publicKey,
  tlsCertificate: record.tlsCertificate,
  pcrHash: record.pcrHash,
  teeType: record.teeType,
  enabled: record.enabled,
  registeredAt: clampToSafe(record.registeredAt),
  ohttpKeyId: record.ohttp?.keyId ?? null,
  ohttpKemId: record.ohttp?.kemId ?? null,
  ohttpKdfId: record.ohttp?.kdfId ?? null,
  ohttpAeadId: record.ohttp?.aeadId ?? null,
  ohttpPublicKey: record.ohttp?.publicKey ?? null,
  ohttpKeyConfig: record.ohttp?.keyConfig ?? null,
  ohttpRegisteredAt: record.ohttp ? clampToSafe(record.ohttp.registeredAt) : null,
});

export type Outcome = "changed" | "confirmed" | "older";

/**
 * Stores one record.
 * @returns "older" when a later block was already observed (the RPC lags behind); nothing is written then.
 */
export async function store(
  database: NodePgDatabase,
  chainId: number,
  node: NodeKey,
  block: BlockPoint,
  record: TeeRecord,
): Promise<Outcome> {
  const content = contentOf(record);
  const ofNode = and(
    eq(nodeRecord.chainId, chainId),
    eq(nodeRecord.registry, node.registry),
    eq(nodeRecord.teeId, node.teeId),
  );
  const [newest] = await database
    .select()
    .from(nodeRecord)
    .where(ofNode)
    .orderBy(desc(nodeRecord.blockNumber))
    .limit(1);
  if (newest !== undefined && newest.lastConfirmedBlock >= block.number) return "older";

  const keys = Object.keys(content) as (keyof Content)[]; // an object literal's own keys
  if (newest !== undefined && keys.every((key) => newest[key] === content[key])) {
    await database
      .update(nodeRecord)
      .set({ lastConfirmedBlock: block.number, lastConfirmedAt: block.timestamp })
      .where(
        and(
          ofNode,
          eq(nodeRecord.blockNumber, newest.blockNumber),
          lt(nodeRecord.lastConfirmedBlock, block.number),
        ),
      );
    return "confirmed";
  }
  await database
    .insert(nodeRecord)
    .values({
      chainId,
      registry: node.registry,
      teeId: node.teeId,
      blockNumber: block.number,
      blockHash: block.hash,
      blockTimestamp: block.timestamp,
      ...content,
      lastConfirmedBlock: block.number,
      lastConfirmedAt: block.timestamp,
    })
    .onConflictDoNothing();
  return "changed";
}
