/**
 * How far a listener was told, and the name of that: an event's id. It holds everything that is needed to go on from there,
 * at any process of this API.
 */
import type { ChainName } from "../../config/environment.ts";

/** The newest block with an event that a listener was told of. */
export interface ChainPlace {
  /** -1 before the first one. */
  readonly block: number;
  /** The beginning of its hash; empty before the first one. */
  readonly hash: string;
  /** Of the last event told of; null when all of the block were. */
  readonly logIndex: number | null;
}

export interface ProofsPlace {
  readonly revision: number;
  /** The last of the revision's settlements that was told of; null when all were. */
  readonly within: { readonly block: number; readonly logIndex: number } | null;
}

/** Null for what has not begun to be told. */
export interface StreamPlace extends Readonly<Record<ChainName, ChainPlace | null>> {
  readonly proofs: ProofsPlace | null;
  /** Names the snapshot that nodes were told from. */
  readonly nodes: string | null;
}

/** A place in one of the four things that are told of independently. */
export type PartPlace =
  | { readonly part: ChainName; readonly at: ChainPlace }
  | { readonly part: "proofs"; readonly at: ProofsPlace }
  | { readonly part: "nodes"; readonly at: string | null };

export const NOWHERE: StreamPlace = { og: null, base: null, proofs: null, nodes: null };

/** What is told of in an order of its own, whatever the others do. Verdicts are told in one order with og's rows. */
export const LINES = ["og", "base", "nodes"] as const;
export type Line = (typeof LINES)[number];

export const lineOf = (part: PartPlace["part"]): Line => (part === "proofs" ? "og" : part);

/** A place that is on one line where another one is. */
export const withLine = (place: StreamPlace, line: Line, other: StreamPlace): StreamPlace =>
  line === "og" ? { ...place, og: other.og, proofs: other.proofs } : { ...place, [line]: other[line] };

/** 8 bytes: enough to tell forks apart. */
const HASH_DIGITS = 16;

/** @param block - null when the chain has none with an event. */
export const placeAfter = (
  block: { readonly number: number; readonly hash: string } | null,
  logIndex: number | null = null,
): ChainPlace =>
  block === null
    ? { block: -1, hash: "", logIndex: null }
    : { block: block.number, hash: shortHash(block.hash), logIndex };

export const shortHash = (hash: string): string => hash.slice(2, 2 + HASH_DIGITS);

export const moveTo = (place: StreamPlace, { part, at }: PartPlace): StreamPlace => ({
  ...place,
  [part]: at,
});

/** No log has a higher index. */
export const MAX_LOG_INDEX = 2 ** 31 - 1;

const PART = /^(og|base|p|n)(.*)$/;
const CHAIN = /^(\d{1,15})\.([0-9a-f]{16})(?:\.(\d{1,9}))?$/;
const PROOFS = /^(\d{1,15})(?:\.(\d{1,15})\.(\d{1,9}))?$/;
const NODES = /^[A-Za-z0-9_-]{11}$/;
const LONGEST = 200;

const chainText = (name: ChainName, place: ChainPlace | null): readonly string[] => {
  if (place === null) return [];
  const { block, hash, logIndex } = place;
  if (block < 0) return [name];
  return [`${name}${block}.${hash}${logIndex === null ? "" : `.${logIndex}`}`];
};

/** The id of an event after which a listener is at this place: letters, digits and `.~_-`. Empty when it is nowhere. */
export function encodePlace({ og, base, proofs, nodes }: StreamPlace): string {
  const { revision, within } = proofs ?? {};
  const inside = within == null ? "" : `.${within.block}.${within.logIndex}`;
  return [
    ...chainText("og", og),
    ...chainText("base", base),
    ...(revision === undefined ? [] : [`p${revision}${inside}`]),
    ...(nodes === null ? [] : [`n${nodes}`]),
  ].join("~");
}

/** Names a place on one line. */
export const encodeLine = (line: Line, place: StreamPlace): string =>
  encodePlace(withLine(NOWHERE, line, place));

/** Reads an id; null when it is none. */
export function decodePlace(id: string): StreamPlace | null {
  if (id.length > LONGEST) return null;
  let place = NOWHERE;
  for (const text of id.split("~")) {
    const [, name, rest = ""] = PART.exec(text) ?? [];
    const part = partOf(name, rest);
    if (part === null || place[part.part] !== null) return null;
    place = moveTo(place, part);
  }
  // One spelling for one place: what reads otherwise was not written here.
  return encodePlace(place) === id ? place : null;
}

function partOf(name: string | undefined, text: string): PartPlace | null {
  if (name === "n") return NODES.test(text) ? { part: "nodes", at: text } : null;
  if (name === "p") {
    const [, revision, block, logIndex] = PROOFS.exec(text) ?? [];
    if (revision === undefined) return null;
    const within =
      block === undefined || logIndex === undefined
        ? null
        : { block: Number(block), logIndex: Number(logIndex) };
    return { part: "proofs", at: { revision: Number(revision), within } };
  }
  if (name !== "og" && name !== "base") return null;
  if (text === "") return { part: name, at: placeAfter(null) };
  const [, block, hash, logIndex] = CHAIN.exec(text) ?? [];
  if (block === undefined || hash === undefined) return null;
  const at = {
    block: Number(block),
    hash,
    logIndex: logIndex === undefined ? null : Number(logIndex),
  };
  return { part: name, at };
}
