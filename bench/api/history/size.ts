/** The size of a history: how many rows of each kind, in the proportions of a network in use, and how they are skewed. */

export interface HistorySize {
  /** Events on both chains and leaves of batches; what is derived from them comes on top. */
  readonly rows: number;
  /** From the first event to the newest block. */
  readonly days: number;
}

export const DAY = 86_400;
export const HOUR = 3_600;
/** Some day at midnight. */
export const BEGINS = 20_600 * DAY;
/** The share of everything that belongs to the largest node and to the largest payer. */
export const LARGEST_SHARE = 0.3;
export const HEARTBEAT_SECONDS = 900;
export const LEAVES_PER_BATCH = 20;
/** Payments that a payer makes in one session, to one payee. */
export const PAYMENTS_PER_SESSION = 5;
export const NODES_PER_OPERATOR = 4;

export interface Counts {
  readonly heartbeats: number;
  readonly individuals: number;
  readonly batches: number;
  readonly leaves: number;
  /** One batch is as large as the verifier allows, where the history has room for it. */
  readonly largestBatch: number;
  readonly legacy: number;
  readonly onchain: number;
  readonly payments: number;
  readonly channels: number;
  readonly channelEvents: number;
  /** As many as send the heartbeats that are not the largest node's, one every quarter of an hour. */
  readonly nodes: number;
  readonly payers: number;
}

export function countsOf({ rows, days }: HistorySize): Counts {
  const share = (part: number) => Math.round(rows * part);
  const individuals = share(0.08);
  const batches = share(0.012);
  const leaves = batches * LEAVES_PER_BATCH;
  const legacy = share(0.003);
  const onchain = share(0.03);
  const payments = share(0.3);
  const channelEvents = share(0.02);
  const heartbeats = rows - individuals - batches - leaves - legacy - onchain - payments - channelEvents;
  const beatsOfOne = (days * DAY) / HEARTBEAT_SECONDS;
  return {
    heartbeats,
    individuals,
    batches,
    leaves,
    largestBatch: Math.min(100_000, Math.floor(leaves / 10)),
    legacy,
    onchain,
    payments,
    channels: Math.ceil(channelEvents / 10),
    channelEvents,
    nodes: 1 + Math.max(NODES_PER_OPERATOR, Math.round(((1 - LARGEST_SHARE) * heartbeats) / beatsOfOne)),
    payers: Math.max(100, Math.round(rows / 100)),
  };
}

/** OpenGradient's blocks and Base's, as unix seconds to block number. */
export const OG_BLOCK_SECONDS = 3;
export const BASE_BLOCK_SECONDS = 2;
export const headTime = ({ days }: HistorySize): number => BEGINS + days * DAY;
export const ogBlockAt = (time: number): number => Math.floor((time - BEGINS) / OG_BLOCK_SECONDS);
export const baseBlockAt = (time: number): number => Math.floor((time - BEGINS) / BASE_BLOCK_SECONDS);
