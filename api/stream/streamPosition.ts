/**
 * A subscriber's position in the stream, and its text form, which is an event's id. The id holds everything that is needed to
 * resume from there, at any process of this API.
 */
import type { ChainName } from "../../config/environment.ts";

/** How far a chain's rows were delivered. */
export interface ChainOffset {
  /** The newest delivered block with an event of ours; -1 before the first one. */
  readonly block: number;
  /** The first digits of the block's hash; empty before the first block. */
  readonly hash: string;
  /** The last delivered event of the block; null when the whole block was delivered. */
  readonly logIndex: number | null;
}

/** How far the verifier's changes were delivered. */
export interface ProofsOffset {
  readonly revision: number;
  /** The last delivered settlement of the revision; null when all were delivered. */
  readonly within: { readonly block: number; readonly logIndex: number } | null;
}

/** One offset for each source; null where nothing was delivered yet. */
export interface StreamPosition extends Readonly<Record<ChainName, ChainOffset | null>> {
  readonly proofs: ProofsOffset | null;
  /** The name of the snapshot whose nodes were delivered. */
  readonly nodes: string | null;
}

/** An offset in one of the four sources of events. */
export type SourceOffset =
  | { readonly source: ChainName; readonly at: ChainOffset }
  | { readonly source: "proofs"; readonly at: ProofsOffset }
  | { readonly source: "nodes"; readonly at: string | null };

export type Source = SourceOffset["source"];

export const EMPTY_POSITION: StreamPosition = { og: null, base: null, proofs: null, nodes: null };

/**
 * A topic is a sequence with an order of its own, independent of the other topics. Verdicts share the topic of og's rows, because
 * a verdict and its settlement are delivered in one order.
 */
export const TOPICS = ["og", "base", "nodes"] as const;
export type Topic = (typeof TOPICS)[number];

export const topicOf = (source: Source): Topic => (source === "proofs" ? "og" : source);

/** `position` with one topic's offsets taken from `other`. */
export const withTopic = (position: StreamPosition, topic: Topic, other: StreamPosition): StreamPosition =>
  topic === "og"
    ? { ...position, og: other.og, proofs: other.proofs }
    : { ...position, [topic]: other[topic] };

export const withOffset = (position: StreamPosition, { source, at }: SourceOffset): StreamPosition => ({
  ...position,
  [source]: at,
});

/** 8 bytes are enough to distinguish forks. */
const HASH_DIGITS = 16;

export const shortHash = (hash: string): string => hash.slice(2, 2 + HASH_DIGITS);

/** @param block - null when the chain has no block with an event. */
export const offsetAfter = (
  block: { readonly number: number; readonly hash: string } | null,
  logIndex: number | null = null,
): ChainOffset =>
  block === null
    ? { block: -1, hash: "", logIndex: null }
    : { block: block.number, hash: shortHash(block.hash), logIndex };

/** No log has a higher index. */
export const MAX_LOG_INDEX = 2 ** 31 - 1;

const SOURCE = /^(og|base|p|n)(.*)$/;
const CHAIN = /^(\d{1,15})\.([0-9a-f]{16})(?:\.(\d{1,9}))?$/;
const PROOFS = /^(\d{1,15})(?:\.(\d{1,15})\.(\d{1,9}))?$/;
const NODES = /^[A-Za-z0-9_-]{11}$/;
const MAX_ID_LENGTH = 200;

const encodeChain = (name: ChainName, offset: ChainOffset | null): readonly string[] => {
  if (offset === null) return [];
  const { block, hash, logIndex } = offset;
  if (block < 0) return [name];
  return [`${name}${block}.${hash}${logIndex === null ? "" : `.${logIndex}`}`];
};

/** The id of the event that leads to this position: letters, digits and `.~_-`. Empty for the empty position. */
export function encodePosition({ og, base, proofs, nodes }: StreamPosition): string {
  const { revision, within } = proofs ?? {};
  const inside = within == null ? "" : `.${within.block}.${within.logIndex}`;
  return [
    ...encodeChain("og", og),
    ...encodeChain("base", base),
    ...(revision === undefined ? [] : [`p${revision}${inside}`]),
    ...(nodes === null ? [] : [`n${nodes}`]),
  ].join("~");
}

/** The text form of a position in one topic. */
export const encodeTopic = (topic: Topic, position: StreamPosition): string =>
  encodePosition(withTopic(EMPTY_POSITION, topic, position));

/** @returns null when the text is not an id. */
export function decodePosition(id: string): StreamPosition | null {
  if (id.length > MAX_ID_LENGTH) return null;
  let position = EMPTY_POSITION;
  for (const text of id.split("~")) {
    const [, name, rest = ""] = SOURCE.exec(text) ?? [];
    const offset = decodeOffset(name, rest);
    if (offset === null || position[offset.source] !== null) return null;
    position = withOffset(position, offset);
  }
  // A position has one spelling; any other one was not written by us.
  return encodePosition(position) === id ? position : null;
}

function decodeOffset(name: string | undefined, text: string): SourceOffset | null {
  if (name === "n") return NODES.test(text) ? { source: "nodes", at: text } : null;
  if (name === "p") {
    const [, revision, block, logIndex] = PROOFS.exec(text) ?? [];
    if (revision === undefined) return null;
    const within =
      block === undefined || logIndex === undefined
        ? null
        : { block: Number(block), logIndex: Number(logIndex) };
    return { source: "proofs", at: { revision: Number(revision), within } };
  }
  if (name !== "og" && name !== "base") return null;
  if (text === "") return { source: name, at: offsetAfter(null) };
  const [, block, hash, logIndex] = CHAIN.exec(text) ?? [];
  if (block === undefined || hash === undefined) return null;
  const at = {
    block: Number(block),
    hash,
    logIndex: logIndex === undefined ? null : Number(logIndex),
  };
  return { source: name, at };
}
