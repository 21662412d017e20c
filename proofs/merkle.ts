/**
 * The Merkle tree of a batch, as OpenZeppelin's StandardMerkleTree (format `standard-v1`) makes it: a leaf is
 * keccak256(keccak256(abi.encode(bytes32 teeId, bytes32 inputHash, bytes32 outputHash, bytes signature, uint256 timestamp))),
 * leaves are sorted by hash, and a node is keccak256 of its two children, the smaller first.
 */
import { type Hex, hexByteLength, hexOf, notHex, writeHex } from "./hex.ts";
import type { SignedInference } from "./inference.ts";
import { keccak256 } from "./keccak.ts";
import { WORD, writeBytes32, writeUint256 } from "./words.ts";

/** The three hashes, the signature's offset, the timestamp; then the signature's length. */
const HEAD_BYTES = 6 * WORD;
const SIGNATURE_OFFSET = BigInt(5 * WORD);

// Grows to the longest signature seen; every leaf is written over the last one.
let encoding = Buffer.alloc(1024);

/** @throws {RangeError} when a field has another shape. */
export function leafHash({
  teeId,
  inputHash,
  outputHash,
  signature,
  timestamp,
}: SignedInference): Uint8Array {
  const signatureBytes = hexByteLength(signature);
  const length = HEAD_BYTES + Math.ceil(signatureBytes / WORD) * WORD;
  if (encoding.length < length) encoding = Buffer.alloc(2 * length);
  writeBytes32(teeId, encoding, 0);
  writeBytes32(inputHash, encoding, WORD);
  writeBytes32(outputHash, encoding, 2 * WORD);
  writeUint256(SIGNATURE_OFFSET, encoding, 3 * WORD);
  writeUint256(timestamp, encoding, 4 * WORD);
  writeUint256(BigInt(signatureBytes), encoding, 5 * WORD);
  encoding.fill(0, Math.max(HEAD_BYTES, length - WORD), length);
  if (!writeHex(signature, encoding, HEAD_BYTES, signatureBytes)) throw notHex(signature, "0x-prefixed hex");
  return keccak256(keccak256(encoding.subarray(0, length)));
}

const pair = Buffer.alloc(2 * WORD);

function parentHash(a: Uint8Array, b: Uint8Array): Uint8Array {
  const [first, second] = Buffer.compare(a, b) <= 0 ? [a, b] : [b, a];
  pair.set(first);
  pair.set(second, WORD);
  return keccak256(pair);
}

/** A tree over leaves that keep their indexes: `path(i)` is the path of the i-th leaf given. */
export class MerkleTree {
  /** As in a heap: the root first, the children of i at 2i+1 and 2i+2, the leaves last, in descending order. */
  readonly #nodes: Uint8Array[];
  /** The index in #nodes of each leaf. */
  readonly #places: Uint32Array;

  /**
   * @param leafHashes - 32 bytes each, at least one.
   * @throws {RangeError} when there is none.
   */
  constructor(leafHashes: readonly Uint8Array[]) {
    const count = leafHashes.length;
    if (count === 0) throw new RangeError("a Merkle tree has at least one leaf");
    const nodes = new Array<Uint8Array>(2 * count - 1);
    this.#places = new Uint32Array(count);
    for (const [rank, index] of ascending(leafHashes).entries()) {
      const place = nodes.length - 1 - rank;
      this.#places[index] = place;
      nodes[place] = at(leafHashes, index);
    }
    for (let i = count - 2; i >= 0; i--) nodes[i] = parentHash(at(nodes, 2 * i + 1), at(nodes, 2 * i + 2));
    this.#nodes = nodes;
  }

  /** All of it, to be kept: see `KeptTree`. */
  get bytes(): Uint8Array<ArrayBuffer> {
    const count = this.#places.length;
    const kept = new Uint8Array(new ArrayBuffer(KeptTree.placeOffset(count, count)));
    const view = new DataView(kept.buffer);
    for (const [place, node] of this.#nodes.entries()) kept.set(node, KeptTree.nodeOffset(place));
    for (const [index, place] of this.#places.entries())
      view.setUint32(KeptTree.placeOffset(count, index), place);
    return kept;
  }

  get root(): Hex {
    return hexOf(at(this.#nodes, 0));
  }

  /**
   * The siblings from a leaf up to the root's children: what `rootOfPath` needs.
   * @throws {RangeError} when there is no such leaf.
   */
  path(leafIndex: number): Hex[] {
    return siblingsOf(at(this.#places, leafIndex)).map((place) => hexOf(at(this.#nodes, place)));
  }
}

/** The indexes of the siblings of a node and of its ancestors, from the leaves to the root's children. */
function siblingsOf(node: number): number[] {
  const siblings: number[] = [];
  for (let place = node; place > 0; place = (place - 1) >> 1)
    siblings.push(place % 2 === 1 ? place + 1 : place - 1);
  return siblings;
}

/**
 * A tree's bytes, of which a path takes a few: its nodes as in a heap, the root first, 32 bytes each, and then the place of
 * each leaf among them, in the order the leaves were given, as big-endian uint32.
 */
export const KeptTree = {
  nodeBytes: WORD,
  placeBytes: 4,
  nodeOffset: (place: number): number => WORD * place,
  /** Of the four bytes that hold the place of a leaf. */
  placeOffset: (leafCount: number, leafIndex: number): number => WORD * (2 * leafCount - 1) + 4 * leafIndex,
  siblingsOf,
} as const;

/**
 * The root that a leaf and its path lead to: in the tree when it is the tree's.
 * @throws {RangeError} when an element of the path is not 32 bytes.
 */
export function rootOfPath(leafHash: Uint8Array, path: readonly Hex[]): Hex {
  const sibling = Buffer.alloc(WORD);
  let node = leafHash;
  for (const element of path) {
    writeBytes32(element, sibling, 0);
    node = parentHash(node, sibling);
  }
  return hexOf(node);
}

/** Indexes by ascending hash; equal leaves in their order. */
function ascending(hashes: readonly Uint8Array[]): Uint32Array {
  // The first six bytes decide nearly always, and comparing numbers is ten times faster.
  const prefixes = Float64Array.from(hashes, (hash) =>
    Buffer.from(hash.buffer, hash.byteOffset).readUIntBE(0, 6),
  );
  return Uint32Array.from(hashes.keys()).sort(
    (a, b) => at(prefixes, a) - at(prefixes, b) || Buffer.compare(at(hashes, a), at(hashes, b)) || a - b,
  );
}

function at<T>(list: ArrayLike<T>, index: number): T {
  const item = list[index];
  if (item === undefined) throw new RangeError(`no element ${index} among ${list.length}`);
  return item;
}
