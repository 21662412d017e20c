import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Hex, hexOf } from "./hex.ts";
import type { SignedInference } from "./inference.ts";
import { KeptTree, leafHash, MerkleTree, rootOfPath } from "./merkle.ts";
import { anyLeaf, flipByte, LEAF_ENCODING } from "./testing/leaves.ts";

const theirs = (leaves: readonly SignedInference[]) =>
  StandardMerkleTree.of(
    leaves.map((leaf) => [
      leaf.teeId,
      leaf.inputHash,
      leaf.outputHash,
      leaf.signature,
      String(leaf.timestamp),
    ]),
    [...LEAF_ENCODING],
  );
const ours = (leaves: readonly SignedInference[]) => new MerkleTree(leaves.map(leafHash));
const anyLeaves = fc.array(anyLeaf, { minLength: 1, maxLength: 40 });

describe("the tree of a batch", () => {
  it("has the root and the paths of OpenZeppelin's", () => {
    fc.assert(
      fc.property(anyLeaves, (leaves) => {
        const tree = ours(leaves);
        const other = theirs(leaves);
        expect(tree.root).toBe(other.root);
        for (const index of leaves.keys()) expect(tree.path(index)).toEqual(other.getProof(index));
      }),
    );
  });

  it("kept as bytes holds each leaf's path where its place says", () => {
    fc.assert(
      fc.property(anyLeaves, (leaves) => {
        const tree = ours(leaves);
        const kept = Buffer.from(tree.bytes);
        for (const index of leaves.keys()) {
          const place = kept.readUInt32BE(KeptTree.placeOffset(leaves.length, index));
          const path = KeptTree.siblingsOf(place).map((sibling) => {
            const offset = KeptTree.nodeOffset(sibling);
            return hexOf(kept.subarray(offset, offset + KeptTree.nodeBytes));
          });
          expect(path).toEqual(tree.path(index));
        }
      }),
    );
  });

  it("verifies each of its leaves, equal ones included", () => {
    fc.assert(
      fc.property(anyLeaves, (some) => {
        const leaves = [...some, ...some.slice(0, 2)];
        const tree = ours(leaves);
        for (const [index, leaf] of leaves.entries())
          expect(rootOfPath(leafHash(leaf), tree.path(index))).toBe(tree.root);
      }),
    );
  });

  it("is left by a path of which any byte differs, or that is shortened, lengthened or out of order", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(anyLeaf, { minLength: 3, maxLength: 20, selector: (leaf) => leaf.inputHash }),
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (leaves, leafDraw, byteDraw, mask) => {
          const tree = ours(leaves);
          const index = leafDraw % leaves.length;
          const path = tree.path(index);
          const hash = leafHash(leaves[index] as SignedInference); // index is one of theirs
          const place = byteDraw % path.length;
          const wrong: Hex[][] = [
            path.map((element, i) => (i === place ? flipByte(element, byteDraw, mask) : element)),
            path.filter((_, i) => i !== place),
            [...path, hexOf(hash)],
            ...(path.length > 1 ? [path.toReversed()] : []),
          ];
          for (const other of wrong) expect(rootOfPath(hash, other)).not.toBe(tree.root);
          expect(
            rootOfPath(leafHash({ ...(leaves[index] as SignedInference), timestamp: 2n ** 255n }), path),
          ).not.toBe(tree.root);
        },
      ),
    );
  });

  it("changes its root with any byte of any leaf", () => {
    fc.assert(
      fc.property(
        anyLeaves,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        fc.constantFrom("teeId", "inputHash", "outputHash", "signature"),
        (leaves, draw, mask, field) => {
          const index = draw % leaves.length;
          const leaf = leaves[index] as SignedInference; // index is one of theirs
          fc.pre(leaf[field] !== "0x");
          const changed = leaves.with(index, { ...leaf, [field]: flipByte(leaf[field], draw, mask) });
          expect(ours(changed).root).not.toBe(ours(leaves).root);
        },
      ),
    );
  });

  it("refuses fields that are not what they should be", () => {
    const leaf = fc.sample(anyLeaf, { numRuns: 1, seed: 7 })[0] as SignedInference; // one was asked for
    const wrong: Partial<SignedInference>[] = [
      { teeId: "0x" },
      { inputHash: `0x${"g".repeat(64)}` },
      { outputHash: `0x${"1".repeat(66)}` },
      // Node's own decoder takes these characters for "01"
      { inputHash: `0x${"\u0130\u0131".repeat(32)}` },
      { signature: "0x1" },
      { signature: "0xzz" },
      { signature: "" as Hex }, // what a type cannot keep out of JSON
      { timestamp: -1n },
      { timestamp: 2n ** 256n },
    ];
    for (const part of wrong) expect(() => leafHash({ ...leaf, ...part })).toThrow(RangeError);
    expect(() => new MerkleTree([])).toThrow(RangeError);
    expect(() => ours([leaf]).path(1)).toThrow(RangeError);
  });
});
