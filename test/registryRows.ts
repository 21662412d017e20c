/**
 * Random histories of a registry, as rows that the indexer's handlers would write: heartbeats (late, repeated, relayed by
 * several), gaps, activity, status and PCR events, changes of `heartbeatMaxAge`. Written block by block, so that readers can
 * be given every state in between.
 */
import { address, type ChainTables, hash, utf8Hex } from "../api/testing/worlds/chainTables.ts";
import { nodeNamed, REGISTRY } from "../api/testing/worlds/registryHistory.ts";
import { activate, activeUntil, deactivate, reconsider, type Transition } from "../src/liveness/active.ts";
import { applyBeat, type LivenessFigures, openIntervalOf } from "../src/liveness/figures.ts";
import { type Gap, splitGap } from "../src/liveness/proved.ts";

export const PCRS = [hash("pcr-a"), hash("pcr-b")] as const;

interface KnownGap extends Gap {
  readonly ordinal: number;
  readonly knownAt: number;
  superseded: boolean;
}

interface RowNode {
  readonly name: string;
  readonly teeId: string;
  readonly owner: string;
  readonly pcrHash: string | null;
  figures: LivenessFigures;
  enabled: boolean;
  pcrApprovedUntil: number | null;
  readonly seen: Set<number>;
  readonly gaps: KnownGap[];
}

export interface RowHeartbeat {
  readonly nodeId: string;
  readonly relayer: string;
  readonly signedAt: number;
  readonly receivedAt: number;
  readonly repeated: boolean;
}

/** Numbers in [0, 1) from a seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class RegistryRows {
  readonly nodes: RowNode[] = [];
  readonly heartbeats: RowHeartbeat[] = [];
  maxAgeSeconds = 1_800;
  #block = 100;
  #logIndex = 0;
  #time: number;
  #maxAgeOrdinal = 0;
  readonly #revoked = new Set<string>();

  constructor(
    private readonly tables: ChainTables,
    time: number,
  ) {
    this.#time = time;
  }

  get time(): number {
    return this.#time;
  }

  get block(): number {
    return this.#block;
  }

  /** The first block: the value of `heartbeatMaxAge`, a TEE type, approved PCRs. */
  async begin(): Promise<void> {
    await this.#maxAgeRow();
    await this.nextBlock(0);
    await this.#event("type-added", { teeType: 0, label: "LLMProxy" });
    await this.tables.insert("og", "teeType", {
      registry: REGISTRY,
      typeId: 0,
      name: "LLMProxy",
      nameHex: utf8Hex("LLMProxy"),
      addedAt: this.#time,
      addedBlock: this.#block,
    });
    for (const pcrHash of PCRS) await this.#event("pcr-approved", { teeType: 0, pcrHash, label: "v1" });
    await this.showHead();
  }

  async nextBlock(seconds: number): Promise<void> {
    this.#block += 1;
    this.#logIndex = 0;
    this.#time += seconds;
    await this.tables.block("og", this.#block, this.#time);
  }

  /** Sets the block that readers find to be the newest. */
  async showHead(): Promise<void> {
    await this.tables.setHead("og", this.#block, this.#time);
  }

  /** @param record - overrides columns of the node's row. */
  async register(
    name: string,
    place: { owner: string; host: string; payee: string; pcrHash: string | null },
    record: Readonly<Record<string, unknown>> = {},
  ) {
    const { teeId, publicKey } = nodeNamed(name);
    const owner = address(place.owner);
    const endpoint = `https://${place.host}`;
    const { teeType = 0 } = record;
    const logIndex = await this.#event("registered", { teeId, teeType, account: owner });
    const position = { statusBlock: this.#block, statusLogIndex: logIndex, statusTxHash: hash("tx") };
    await this.tables.insert("og", "node", {
      registry: REGISTRY,
      teeId,
      owner,
      teeType: 0,
      registeredAt: this.#time,
      registeredBlock: this.#block,
      registeredLogIndex: logIndex,
      registeredTxHash: hash("tx"),
      paymentAddress: address(place.payee),
      endpoint,
      endpointHex: utf8Hex(endpoint),
      endpointHost: place.host,
      publicKey,
      tlsCertificate: utf8Hex(`certificate of ${name}`),
      pcrHash: place.pcrHash,
      recordSource: "call",
      ...position,
      ...record,
    });
    const node: RowNode = {
      name,
      teeId,
      owner,
      pcrHash: place.pcrHash,
      figures: {
        activeFrom: this.#time,
        activeUntil: this.#time + this.maxAgeSeconds + 1,
        closedIntervals: 0,
        provedGaps: 0,
        lastHeartbeatAt: this.#time,
        lastSignedAt: this.#time,
        lastSignedMaxAgeSeconds: this.maxAgeSeconds,
      },
      enabled: true,
      pcrApprovedUntil: null,
      seen: new Set([this.#time]),
      gaps: [],
    };
    this.nodes.push(node);
    await this.tables.insert("og", "nodeLiveness", {
      registry: REGISTRY,
      teeId,
      enabled: true,
      removed: false,
      maxAgeSeconds: this.maxAgeSeconds,
      ...node.figures,
    });
    return node;
  }

  /** Adds a heartbeat in the newest block, unless the registry would refuse it (`legacy` registries accept any age). */
  async heartbeat(node: RowNode, signed: number, relayer: string, registry?: "legacy"): Promise<void> {
    const receivedAt = this.#time;
    const signedAt = Math.min(signed, receivedAt);
    const tooOld = registry !== "legacy" && receivedAt - signedAt > this.maxAgeSeconds;
    if (!node.enabled || tooOld) return;
    const repeated = node.seen.has(signedAt);
    const beat = { signedAt, receivedAt, repeated };
    const { figures, ended, gap, late } = applyBeat(node.figures, node, beat, this.maxAgeSeconds);
    const before = node.figures;
    node.seen.add(signedAt);
    node.figures = figures;
    this.heartbeats.push({ nodeId: node.teeId, relayer: address(relayer), signedAt, receivedAt, repeated });
    await this.tables.insert("og", "heartbeat", {
      blockNumber: this.#block,
      logIndex: ++this.#logIndex,
      registry: REGISTRY,
      teeId: node.teeId,
      receivedAt,
      signedAt,
      latestSignedAt: figures.lastSignedAt,
      repeated,
      relayer: address(relayer),
      txHash: hash("tx"),
    });
    if (ended !== null) await this.#interval(node, before.closedIntervals, ended);
    if (gap !== null) await this.#gap(node, gap, before.provedGaps);
    if (late) await this.#lateSecond(node, signedAt);
    await this.#writeLiveness(node);
  }

  async setEnabled(node: RowNode, enabled: boolean): Promise<void> {
    // Enabling is silent on an enabled node and fails under a revoked PCR.
    if (node.enabled === enabled || (enabled && node.pcrHash !== null && this.#revoked.has(node.pcrHash)))
      return;
    node.enabled = enabled;
    const { lastHeartbeatAt } = node.figures;
    const until = activeUntil(lastHeartbeatAt, this.maxAgeSeconds, node.pcrApprovedUntil);
    const open = openIntervalOf(node.figures);
    await this.#transition(
      node,
      enabled ? activate(open, this.#time, until) : deactivate(open, this.#time, "disabled"),
    );
    await this.#event(enabled ? "enabled" : "disabled", { teeId: node.teeId, cause: "owner" });
  }

  /** @param teeType - -1 for all types, as earlier registries did. */
  async revokePcr(pcrHash: string, teeType = 0): Promise<void> {
    if (this.#revoked.has(pcrHash)) return;
    const affected = this.nodes.filter((node) => node.pcrHash === pcrHash);
    for (const node of affected) await this.setEnabled(node, false);
    this.#revoked.add(pcrHash);
    await this.#event("pcr-revoked", { teeType, pcrHash, effectiveAt: this.#time });
    for (const node of affected) node.pcrApprovedUntil = this.#time;
  }

  async approvePcr(pcrHash: string, teeType = 0): Promise<void> {
    this.#revoked.delete(pcrHash);
    await this.#event("pcr-approved", { teeType, pcrHash, label: `v${this.#block}` });
    for (const node of this.nodes) if (node.pcrHash === pcrHash) node.pcrApprovedUntil = null;
  }

  async changeMaxAge(seconds: number): Promise<void> {
    this.maxAgeSeconds = seconds;
    this.#maxAgeOrdinal += 1;
    await this.#maxAgeRow();
    for (const node of this.nodes) {
      if (!node.enabled) continue;
      const until = activeUntil(node.figures.lastHeartbeatAt, seconds, node.pcrApprovedUntil);
      await this.#transition(node, reconsider(openIntervalOf(node.figures), this.#time, until, "max-age"));
    }
  }

  async #maxAgeRow(): Promise<void> {
    await this.tables.insert("og", "heartbeatMaxAge", {
      registry: REGISTRY,
      ordinal: this.#maxAgeOrdinal,
      valueSeconds: this.maxAgeSeconds,
      value: this.maxAgeSeconds,
      fromBlock: this.#block,
      fromAt: this.#time,
      precision: "exact",
    });
  }

  async #event(kind: string, details: Readonly<Record<string, unknown>>): Promise<number> {
    this.#logIndex += 1;
    await this.tables.insert("og", "registryEvent", {
      blockNumber: this.#block,
      logIndex: this.#logIndex,
      registry: REGISTRY,
      kind,
      timestamp: this.#time,
      txHash: hash("tx"),
      sender: address("admin"),
      signature: "Event()",
      ...details,
    });
    return this.#logIndex;
  }

  async #transition(node: RowNode, { open, ended }: Transition): Promise<void> {
    const { closedIntervals } = node.figures;
    if (ended !== null) await this.#interval(node, closedIntervals, ended);
    node.figures = {
      ...node.figures,
      activeFrom: open?.from ?? null,
      activeUntil: open?.until ?? null,
      closedIntervals: closedIntervals + (ended === null ? 0 : 1),
    };
    await this.#writeLiveness(node);
  }

  async #interval(
    { teeId }: RowNode,
    ordinal: number,
    { from, until, endCause }: NonNullable<Transition["ended"]>,
  ): Promise<void> {
    await this.tables.insert("og", "activeInterval", {
      registry: REGISTRY,
      teeId,
      ordinal,
      fromAt: from,
      untilAt: until,
      endCause,
    });
  }

  async #gap(node: RowNode, gap: Gap, ordinal: number): Promise<void> {
    node.gaps.push({ ...gap, ordinal, knownAt: this.#time, superseded: false });
    await this.tables.insert("og", "provedGap", {
      registry: REGISTRY,
      teeId: node.teeId,
      ordinal,
      ...gap,
      knownAt: this.#time,
    });
  }

  async #lateSecond(node: RowNode, signedAt: number): Promise<void> {
    const gap = node.gaps.find(
      (one) => !one.superseded && one.lastSignedAt < signedAt && signedAt < one.nextSignedAt,
    );
    if (gap === undefined) return;
    gap.superseded = true;
    await this.tables.client.query(
      "update og.proved_gap set superseded_at = $1 where tee_id = $2 and ordinal = $3",
      [this.#time, node.teeId, gap.ordinal],
    );
    const { lastSignedAt, nextSignedAt, maxAgeSeconds } = gap;
    for (const part of splitGap(
      { lastSignedAt, nextSignedAt, maxAgeSeconds },
      signedAt,
      this.maxAgeSeconds,
    )) {
      await this.#gap(node, part, node.figures.provedGaps);
      node.figures = { ...node.figures, provedGaps: node.figures.provedGaps + 1 };
    }
  }

  async #writeLiveness({ teeId, enabled, figures }: RowNode): Promise<void> {
    await this.tables.client.query(
      `update og.node_liveness set enabled = $2, last_heartbeat_at = $3, last_signed_at = $4, active_from = $5,
         active_until = $6, closed_intervals = $7, proved_gaps = $8 where tee_id = $1`,
      [
        teeId,
        enabled,
        figures.lastHeartbeatAt,
        figures.lastSignedAt,
        figures.activeFrom,
        figures.activeUntil,
        figures.closedIntervals,
        figures.provedGaps,
      ],
    );
  }
}
