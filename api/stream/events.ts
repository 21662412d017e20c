/** What the stream tells of. */
import type { ChainName } from "../../config/environment.ts";
import type { Payment } from "../queries/payments/payments.ts";
import type { Settlement } from "../queries/settlements/settlements.ts";
import type { NodeState } from "./nodeState.ts";
import type { ChainPlace, PartPlace, ProofsPlace, StreamPlace } from "./place.ts";

/** What a listener may choose from; `reset` comes in any case. */
export const CHOSEN_TYPES = ["node", "settlement", "payment", "block"] as const;
export type ChosenType = (typeof CHOSEN_TYPES)[number];

/** A block that was indexed. */
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

/** A block with an event of ours, and its time. */
export interface BlockPoint {
  readonly blockNumber: number;
  /** Unix seconds. */
  readonly blockTime: number;
}

/** Something of what was told does not hold, or something was not told. */
export interface ResetData {
  readonly chain: ChainName;
  readonly chainId: number;
  readonly reason: ResetReason;
  /** Rows up to this block stay as they were told; null when none does. */
  readonly validThrough: BlockPoint | null;
  /** Rows after this block follow; null when it is the chain's beginning. */
  readonly continuesAfter: BlockPoint | null;
  /** What happened and what to do about it. */
  readonly detail: string;
}

type At<Part extends PartPlace["part"]> = Extract<PartPlace, { readonly part: Part }>;
type AtChain = { readonly part: ChainName; readonly at: ChainPlace };
type AtProofs = { readonly part: "proofs"; readonly at: ProofsPlace };

/** An event and its place in what it is part of. */
export type StreamEvent =
  | { readonly type: "node"; readonly data: NodeState; readonly place: At<"nodes"> }
  | { readonly type: "settlement"; readonly data: Settlement; readonly place: AtChain | AtProofs }
  | { readonly type: "payment"; readonly data: Payment; readonly place: AtChain }
  | { readonly type: "block"; readonly data: BlockData; readonly place: AtChain }
  | { readonly type: "reset"; readonly data: ResetData; readonly place: AtChain | AtProofs };

/** An event and where a listener is who was told of everything up to it. */
export interface PlacedEvent {
  readonly event: StreamEvent;
  readonly place: StreamPlace;
}
