/** Reads a node's record at its registration: from the registry's view, else from the transaction, else not at all. */
import type { Context } from "ponder:registry";
import type { node } from "ponder:schema";
import { type Hex, keccak256 } from "viem";
import { decodeTeeRecord, encodeGetTee, type OhttpConfig } from "../abis/teeRecord.ts";
import { isUnreadable } from "./chainState.ts";
import type { LogEvent } from "./counters.ts";
import { endpointHost, endpointText } from "./decode/endpoint.ts";
import { clampToSafe } from "./decode/number.ts";
import { decodeRegistration } from "./decode/registration.ts";

type NodeRow = typeof node.$inferInsert;
export type RecordColumns = Pick<
  NodeRow,
  | "paymentAddress"
  | "endpoint"
  | "endpointHex"
  | "endpointHost"
  | "publicKey"
  | "tlsCertificate"
  | "pcrHash"
  | "ohttpKeyId"
  | "ohttpKemId"
  | "ohttpKdfId"
  | "ohttpAeadId"
  | "ohttpPublicKey"
  | "ohttpKeyConfig"
  | "ohttpRegisteredAt"
  | "recordSource"
>;

const unread: RecordColumns = {
  paymentAddress: null,
  endpoint: null,
  endpointHex: null,
  endpointHost: null,
  publicKey: null,
  tlsCertificate: null,
  pcrHash: null,
  ohttpKeyId: null,
  ohttpKemId: null,
  ohttpKdfId: null,
  ohttpAeadId: null,
  ohttpPublicKey: null,
  ohttpKeyConfig: null,
  ohttpRegisteredAt: null,
  recordSource: null,
};

const ohttpColumns = (ohttp: OhttpConfig) => ({
  ohttpKeyId: ohttp.keyId,
  ohttpKemId: ohttp.kemId,
  ohttpKdfId: ohttp.kdfId,
  ohttpAeadId: ohttp.aeadId,
  ohttpPublicKey: ohttp.publicKey,
  ohttpKeyConfig: ohttp.keyConfig,
  ohttpRegisteredAt: clampToSafe(ohttp.registeredAt),
});

const endpointColumns = (endpointBytes: Hex) => {
  const text = endpointText(endpointBytes);
  return { endpoint: text, endpointHex: endpointBytes, endpointHost: endpointHost(text) };
};

async function readView(context: Context, registry: Hex, teeId: Hex): Promise<RecordColumns | null> {
  let answer: Hex | undefined;
  try {
    const call = { to: registry, data: encodeGetTee(teeId), retryEmptyResponse: false } as const;
    answer = (await context.client.call(call)).data;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
  }
  if (answer === undefined) return null;
  try {
    const record = decodeTeeRecord(answer);
    return {
      ...unread,
      paymentAddress: record.paymentAddress,
      ...endpointColumns(record.endpointBytes),
      publicKey: record.publicKey,
      tlsCertificate: record.tlsCertificate,
      pcrHash: record.pcrHash,
      ...(record.ohttp === null ? {} : ohttpColumns(record.ohttp)),
      recordSource: "call",
    };
  } catch {
    return null;
  }
}

/**
 * The record of a node that `event` registers. A public key that does not hash to the node's id is left out, because
 * everything that verifies signatures trusts it.
 */
export async function readRecord(
  context: Context,
  event: LogEvent,
  registry: Hex,
  teeId: Hex,
): Promise<RecordColumns> {
  const { to, input } = event.transaction;
  let record = await readView(context, registry, teeId);
  if (record === null && to?.toLowerCase() === registry) {
    const call = decodeRegistration(input);
    if (call !== null)
      record = {
        ...unread,
        paymentAddress: call.paymentAddress,
        ...endpointColumns(call.endpointBytes),
        publicKey: call.publicKey,
        tlsCertificate: call.tlsCertificate,
        recordSource: "calldata",
      };
  }
  if (record === null) return unread;
  const keyMatches = typeof record.publicKey === "string" && keccak256(record.publicKey) === teeId;
  return keyMatches ? record : { ...record, publicKey: null };
}
