/** What the OpenGradient side of the traffic shares: the chain, the plan, and what the contracts now hold. */
import type { Hex } from "viem";
import type { BlobFiles } from "../blobStore.ts";
import type { DevChain } from "../chain.ts";
import type { OgContracts } from "../placement.ts";
import type { SeededRandom } from "../random.ts";
import type { Timeline } from "../timeline.ts";
import type { Cast, Image, NodeIdentity } from "./cast.ts";

/** A node as the traffic knows it; mirrors the registry, so that outcomes are foreseen. */
export interface NodeState {
  readonly identity: NodeIdentity;
  registered: boolean;
  enabled: boolean;
  /** An outage of its own. */
  dark: boolean;
  /** Stopped through the control endpoint. */
  stopped: boolean;
  /** What it signed last; null before its first heartbeat. */
  newestHeartbeat: SignedHeartbeat | null;
}

export interface SignedHeartbeat {
  /** Unix seconds. */
  readonly signedAt: number;
  readonly signature: Hex;
}

/** The span the history covers, unix seconds. */
export interface Span {
  readonly from: number;
  readonly until: number;
}

/** How fast the traffic flows. */
export interface Pace {
  readonly heartbeatIntervalSeconds: number;
  /** The same after the history. */
  readonly liveHeartbeatSeconds: number;
  /** Inferences and payments after the history come this many times as often as in it. */
  readonly liveRate: number;
}

export interface OgWorld {
  readonly chain: DevChain;
  readonly contracts: OgContracts;
  readonly blobs: BlobFiles;
  readonly cast: Cast;
  readonly random: SeededRandom;
  readonly timeline: Timeline;
  readonly span: Span;
  readonly pace: Pace;
  readonly nodes: readonly NodeState[];
  readonly approvedImages: Set<Image>;
  heartbeatMaxAge: number;
}

/** The moment at this fraction of the history. */
export const atFraction = ({ from, until }: Span, fraction: number): number =>
  Math.floor(from + fraction * (until - from));

/** A wait whose mean is `meanSeconds` in the history and shorter, by the pace, after it. */
export const pacedWait = (
  world: { readonly random: SeededRandom; readonly span: Span; readonly pace: Pace },
  random: SeededRandom,
  now: number,
  meanSeconds: number,
): number => random.wait(now < world.span.until ? meanSeconds : meanSeconds / world.pace.liveRate);

/** Nodes that answer inference requests now. */
export const servingNodes = (world: OgWorld): NodeState[] =>
  world.nodes.filter(
    (node) => node.registered && node.enabled && !node.dark && !node.stopped && node.identity.teeType === 0,
  );

export const utf8Hex = (text: string): Hex => `0x${Buffer.from(text).toString("hex")}`;
