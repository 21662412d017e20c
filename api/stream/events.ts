/** The events of the stream. */
import type { ChainName } from "../../config/environment.ts";
import type { Payment } from "../queries/payments/payments.ts";
import type { Settlement } from "../queries/settlements/settlements.ts";
import type { StreamNode } from "./streamNode.ts";
import type { ChainOffset, ProofsOffset, StreamPosition } from "./streamPosition.ts";

/** The types that a subscriber can select; `reset` is always delivered. */
export const SELECTABLE_TYPES = ["node", "settlement", "payment", "block"] as const;
export type SelectableType = (typeof SELECTABLE_TYPES)[number];

/** An indexed block. */
export interface BlockData {
  readonly chain: ChainName;
  readonly chainId: number;
  readonly number: number;
  /** Null when the block carried no event of ours. */
  readonly hash: string | null;
  /** Unix seconds. */
  readonly timestamp: number;
}

export const RESET_REASONS = ["reorg", "replaced", "too-old", "begun", "verdicts-missed"] as const;
export type ResetReason = (typeof RESET_REASONS)[number];

/** A block with an event of ours. */
export interface BlockPoint {
  readonly blockNumber: number;
  /** Unix seconds. */
  readonly blockTime: number;
}

/** Some of the delivered rows are void, or some rows will not be delivered. */
export interface ResetData {
  readonly chain: ChainName;
  readonly chainId: number;
  readonly reason: ResetReason;
  /** Rows up to this block are still valid; null when none are. */
  readonly validThrough: BlockPoint | null;
  /** Delivery continues with the rows after this block; null when it starts from the chain's first block. */
  readonly continuesAfter: BlockPoint | null;
  /** What happened and what to do about it. */
  readonly detail: string;
}

type AtChain = { readonly source: ChainName; readonly at: ChainOffset };
type AtProofs = { readonly source: "proofs"; readonly at: ProofsOffset };
type AtNodes = { readonly source: "nodes"; readonly at: string | null };

/** An event and its offset in the source that it comes from. */
export type StreamEvent =
  | { readonly type: "node"; readonly data: StreamNode; readonly offset: AtNodes }
  | { readonly type: "settlement"; readonly data: Settlement; readonly offset: AtChain | AtProofs }
  | { readonly type: "payment"; readonly data: Payment; readonly offset: AtChain }
  | { readonly type: "block"; readonly data: BlockData; readonly offset: AtChain }
  | { readonly type: "reset"; readonly data: ResetData; readonly offset: AtChain | AtProofs };

/** An event as it is sent to subscribers. */
export interface DeliveredEvent {
  readonly event: StreamEvent;
  /** Its data as JSON. */
  readonly json: string;
  /** The id of the subscriber's position once it has received the event. */
  readonly id: string;
}

/** An event and the position of a subscriber that has received everything up to and including it. */
export interface PositionedEvent {
  readonly event: StreamEvent;
  readonly position: StreamPosition;
}
