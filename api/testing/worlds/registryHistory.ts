/** Hand-written registry histories, stored as the handlers would store them. For tests only. */
import { keccak256 } from "viem";
import { address, type ChainTables, hash, utf8Hex } from "./chainTables.ts";

export const REGISTRY = address("registry-one");
export const OTHER_REGISTRY = address("registry-two");
export const PCR = hash("pcr-one");
export const MAX_AGE_SECONDS = 1_800;

/** The key of a node and the id that follows from it. */
export const nodeNamed = (name: string) => {
  const publicKey = utf8Hex(`public key of ${name}`);
  return { publicKey, teeId: keccak256(publicKey) };
};

/** Writes events block by block, one event per block, and keeps the rows that follow from them. */
export class RegistryHistory {
  #block = 100;

  constructor(private readonly tables: ChainTables) {}

  get block(): number {
    return this.#block;
  }

  /** The next block, with an event at `time`. */
  async next(time: number): Promise<number> {
    this.#block += 1;
    await this.tables.block("og", this.#block, time);
    return this.#block;
  }

  /** The next block, without an event: no row has it. */
  nextWithoutEvent(): number {
    this.#block += 1;
    return this.#block;
  }

  async event(kind: string, time: number, details: Readonly<Record<string, unknown>>) {
    const blockNumber = await this.next(time);
    await this.tables.insert("og", "registryEvent", {
      blockNumber,
      logIndex: 1,
      registry: REGISTRY,
      kind,
      timestamp: time,
      txHash: hash(`tx${blockNumber}`),
      sender: address("admin"),
      signature: "Event()",
      ...details,
    });
    return blockNumber;
  }

  async teeType(typeId: number, name: string, time: number) {
    const addedBlock = await this.event("type-added", time, { teeType: typeId, label: name });
    const row = { registry: REGISTRY, typeId, name, nameHex: utf8Hex(name), addedAt: time, addedBlock };
    await this.tables.insert("og", "teeType", row);
  }

  approvePcr(time: number, pcrHash: string = PCR, version = "v1", teeType = 0) {
    return this.event("pcr-approved", time, { pcrHash, teeType, label: version, labelHex: utf8Hex(version) });
  }

  revokePcr(time: number, pcrHash: string = PCR, teeType = 0, effectiveAt = time) {
    return this.event("pcr-revoked", time, { pcrHash, teeType, effectiveAt });
  }

  /** Registers a node; `record` overrides columns of `node`, `liveness` those of `node_liveness`. */
  async register(
    name: string,
    time: number,
    record: Readonly<Record<string, unknown>> = {},
    liveness: Readonly<Record<string, unknown>> = {},
  ) {
    const { teeId, publicKey } = nodeNamed(name);
    const registry = record.registry ?? REGISTRY;
    const owner = record.owner ?? address("owner-a");
    const block = await this.event("registered", time, {
      registry,
      teeId,
      teeType: record.teeType ?? 0,
      account: owner,
    });
    const endpoint = `https://${name}.example`;
    await this.tables.insert("og", "node", {
      registry,
      teeId,
      owner,
      teeType: 0,
      registeredAt: time,
      registeredBlock: block,
      registeredLogIndex: 1,
      registeredTxHash: hash(`tx${block}`),
      paymentAddress: address(`pay-${name}`),
      endpoint,
      endpointHex: utf8Hex(endpoint),
      publicKey,
      tlsCertificate: utf8Hex("certificate"),
      pcrHash: PCR,
      recordSource: "call",
      statusBlock: block,
      statusLogIndex: 1,
      statusTxHash: hash(`tx${block}`),
      ...record,
    });
    await this.tables.insert("og", "nodeLiveness", {
      registry,
      teeId,
      enabled: true,
      removed: false,
      lastHeartbeatAt: time,
      lastSignedAt: time,
      lastSignedMaxAgeSeconds: MAX_AGE_SECONDS,
      activeFrom: time,
      activeUntil: time + MAX_AGE_SECONDS + 1,
      closedIntervals: 0,
      provedGaps: 0,
      ...liveness,
    });
    return teeId;
  }

  async heartbeat(
    name: string,
    receivedAt: number,
    signedAt = receivedAt,
    details: Readonly<Record<string, unknown>> = {},
  ) {
    const blockNumber = await this.next(receivedAt);
    await this.tables.insert("og", "heartbeat", {
      blockNumber,
      logIndex: 2,
      registry: REGISTRY,
      teeId: nodeNamed(name).teeId,
      receivedAt,
      signedAt,
      latestSignedAt: signedAt,
      repeated: false,
      relayer: address("relayer"),
      txHash: hash(`tx${blockNumber}`),
      heartbeatsSoFar: await this.#countHeartbeat(nodeNamed(name).teeId),
      ...details,
    });
  }

  /** The node's heartbeats so far, with this one. */
  async #countHeartbeat(teeId: string): Promise<number> {
    const { rows } = await this.tables.client.query<{ heartbeats: number }>(
      "update og.node_liveness set heartbeats = heartbeats + 1 where tee_id = $1 returning heartbeats::int",
      [teeId],
    );
    return rows[0]?.heartbeats ?? 0;
  }

  async interval(name: string, ordinal: number, fromAt: number, untilAt: number, endCause = "stale") {
    const { teeId } = nodeNamed(name);
    await this.tables.insert("og", "activeInterval", {
      registry: REGISTRY,
      teeId,
      ordinal,
      fromAt,
      untilAt,
      endCause,
    });
  }
}
