/** Hand-made histories of a registry, written as the handlers would write them. For tests only. */
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
      statusBlock: block,
      statusLogIndex: 1,
      statusTxHash: hash(`tx${block}`),
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
      ...details,
    });
    await this.#countHeartbeat(nodeNamed(name).teeId, receivedAt);
  }

  /**
   * As the indexer does: a heartbeat in a later hour moves the running hour to the buckets and into the running day, and one
   * in a later day moves that to the buckets too.
   */
  async #countHeartbeat(teeId: string, receivedAt: number) {
    const { client } = this.tables;
    const hourStart = receivedAt - (receivedAt % 3_600);
    const dayStart = receivedAt - (receivedAt % 86_400);
    const move = (name: "hour" | "day", width: number, startAt: number) =>
      client.query(
        `insert into og.node_bucket (chain_id, registry, tee_id, interval_seconds, start_at, heartbeats, distinct_heartbeats, lateness_seconds, max_lateness_seconds)
         select chain_id, registry, tee_id, $2, ${name}_start_at, ${name}_heartbeats, 0, 0, 0 from og.node_liveness
         where tee_id = $1 and ${name}_start_at < $3 and ${name}_heartbeats > 0`,
        [teeId, width, startAt],
      );
    await move("hour", 3_600, hourStart);
    await client.query(
      `update og.node_liveness set day_heartbeats = day_heartbeats + hour_heartbeats, hour_heartbeats = 0,
         hour_start_at = $2 where tee_id = $1 and hour_start_at < $2`,
      [teeId, hourStart],
    );
    await move("day", 86_400, dayStart);
    await client.query(
      "update og.node_liveness set day_heartbeats = 0, day_start_at = $2 where tee_id = $1 and day_start_at < $2",
      [teeId, dayStart],
    );
    await client.query(
      "update og.node_liveness set hour_heartbeats = hour_heartbeats + 1 where tee_id = $1",
      [teeId],
    );
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
