import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BatchLimits, DEFAULT_BATCH_LIMITS, readBatchBlob } from "./batchBlob.ts";
import type { Hex } from "./hex.ts";
import type { SignedInference } from "./inference.ts";
import { anyLeaf, LEAF_ENCODING } from "./testing/leaves.ts";

const sampleLeaves = fc.sample(anyLeaf, { numRuns: 5, seed: 7 });

function dumpOf(leaves: readonly SignedInference[]) {
  const tree = StandardMerkleTree.of(
    leaves.map((leaf) => [
      leaf.teeId,
      leaf.inputHash,
      leaf.outputHash,
      leaf.signature,
      String(leaf.timestamp),
    ]),
    [...LEAF_ENCODING],
  );
  return { root: tree.root as Hex, dump: tree.dump() }; // hex by the library's own type
}
const { root, dump } = dumpOf(sampleLeaves);

const bytesOf = (document: unknown) => Buffer.from(JSON.stringify(document));
const reasonOf = (bytes: Uint8Array, limits?: BatchLimits) => {
  const blob = readBatchBlob(bytes, root, limits);
  return "invalid" in blob ? blob.invalid.reason : "ok";
};
/** The dump with its first leaf's values changed. */
const withValue = (edit: (value: unknown[]) => unknown) => ({
  ...dump,
  values: dump.values.map((entry, i) => (i === 0 ? { ...entry, value: edit([...entry.value]) } : entry)),
});

describe("a batch blob", () => {
  it("yields the leaves of any tree of OpenZeppelin's, in their order", () => {
    fc.assert(
      fc.property(fc.array(anyLeaf, { minLength: 1, maxLength: 20 }), (leaves) => {
        const { root, dump } = dumpOf(leaves);
        expect(readBatchBlob(bytesOf(dump), root)).toEqual({ leaves });
      }),
    );
  });

  it("proves nothing once any byte of it that matters is another", () => {
    const bytes = bytesOf({ format: dump.format, leafEncoding: dump.leafEncoding, values: dump.values });
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (place, mask) => {
        const changed = Buffer.from(bytes);
        changed[place] = (changed[place] ?? 0) ^ mask;
        const blob = readBatchBlob(changed, root);
        // Only spellings survive: a hint of a place in the tree, an upper-case digit.
        if ("leaves" in blob) expect(blob.leaves).toEqual(sampleLeaves);
      }),
      { numRuns: 2000 },
    );
  });

  it("is judged by the root of its values, not by the tree it shows", () => {
    const forged = withValue((value) => value.with(2, `0x${"11".repeat(32)}`));
    expect(forged.tree[0]).toBe(root);
    expect(reasonOf(bytesOf(forged))).toBe("root-mismatch");
    expect(reasonOf(bytesOf({ ...dump, tree: ["0x00"] }))).toBe("ok");
  });

  it("must be strict UTF-8 and JSON", () => {
    const bytes = bytesOf(dump);
    expect(reasonOf(Buffer.alloc(0))).toBe("not-json");
    expect(reasonOf(bytes.subarray(0, -1))).toBe("not-json");
    expect(reasonOf(Buffer.concat([bytes, Buffer.from("x")]))).toBe("not-json");
    expect(reasonOf(Buffer.from("<html>404</html>"))).toBe("not-json");
    expect(reasonOf(Buffer.from(JSON.stringify({ ...dump, note: "é" }), "latin1"))).toBe("not-json");
  });

  it("must have the format and the leaf encoding", () => {
    for (const document of [
      null,
      7,
      "x",
      [],
      [dump],
      {},
      { ...dump, format: "standard-v2" },
      { ...dump, format: ["standard-v1"] },
      { ...dump, leafEncoding: ["bytes32", "bytes32", "bytes32", "bytes32", "uint256"] },
      { ...dump, leafEncoding: [...LEAF_ENCODING, "bytes"] },
      { ...dump, leafEncoding: LEAF_ENCODING.join() },
    ])
      expect(reasonOf(bytesOf(document)), JSON.stringify(document)?.slice(0, 80)).toBe("wrong-format");
  });

  it("must have values of the right shape", () => {
    for (const document of [
      { ...dump, values: [] },
      { ...dump, values: undefined },
      { ...dump, values: { length: 1 } },
      { ...dump, values: [null] },
      { ...dump, values: [dump.values[0]?.value] },
      withValue((value) => value.slice(1)),
      withValue((value) => [...value, "0x"]),
      withValue((value) => value.with(0, 5)),
      withValue((value) => value.with(0, null)),
      withValue((value) => value.with(0, String(value[0]).slice(2))),
      withValue((value) => value.with(0, `0X${String(value[0]).slice(2)}`)),
      withValue((value) => value.with(1, String(value[1]).slice(0, -2))),
      withValue((value) => value.with(1, `${value[1]}00`)),
      withValue((value) => value.with(1, String(value[1]).replace(/.$/, "g"))),
      withValue((value) => value.with(1, `0x${"\u0130".repeat(64)}`)),
      withValue((value) => value.with(3, "0x123")),
      withValue((value) => value.with(3, "")),
      withValue((value) => value.with(3, { length: 4 })),
      ...["-1", "", " 1", "1e3", "1.0", "0x", `${2n ** 256n}`, "9".repeat(79), null, -1, 1.5, 2 ** 53].map(
        (timestamp) => withValue((value) => value.with(4, timestamp)),
      ),
    ])
      expect(reasonOf(bytesOf(document)), JSON.stringify(document.values)?.slice(0, 500)).toBe(
        "malformed-values",
      );
  });

  it("may spell its values otherwise, as the decision page says", () => {
    const leaf = { ...(sampleLeaves[0] as SignedInference), timestamp: 1_793_500_000n }; // five were drawn
    const { root, dump } = dumpOf([leaf]);
    const [teeId, inputHash, outputHash, signature] = dump.values[0]?.value ?? [];
    const read = (text: string) => readBatchBlob(Buffer.from(text), root);
    const spelt = (hash: unknown, timestamp: unknown) =>
      JSON.stringify({
        format: dump.format,
        leafEncoding: LEAF_ENCODING,
        values: [{ value: [teeId, hash, outputHash, signature, timestamp] }],
      });
    const upper = `0x${String(inputHash).slice(2).toUpperCase()}`;
    for (const text of [
      spelt(inputHash, "1793500000"),
      spelt(inputHash, 1_793_500_000),
      spelt(inputHash, "01793500000"),
      spelt(inputHash, `0x${(1_793_500_000).toString(16).toUpperCase()}`),
      spelt(upper, "1793500000"),
      `\uFEFF${spelt(inputHash, "1793500000")}`,
      spelt(inputHash, "1793500000").replace("{", '{"format":"another","values":[],'),
    ])
      expect(read(text), text.slice(0, 80)).toEqual({ leaves: [leaf] });
  });

  it("is not read beyond its limits", () => {
    const bytes = bytesOf(dump);
    expect(reasonOf(bytes, { ...DEFAULT_BATCH_LIMITS, maxBytes: bytes.length })).toBe("ok");
    expect(reasonOf(bytes, { ...DEFAULT_BATCH_LIMITS, maxBytes: bytes.length - 1 })).toBe("too-large");
    expect(reasonOf(bytes, { ...DEFAULT_BATCH_LIMITS, maxLeaves: 5 })).toBe("ok");
    expect(reasonOf(bytes, { ...DEFAULT_BATCH_LIMITS, maxLeaves: 4 })).toBe("too-many-leaves");
  });

  it("is not parsed when parsing it would build too much", () => {
    const deep = Buffer.from(`${"[".repeat(8_000_000)}${"]".repeat(8_000_000)}`);
    const objects = Buffer.from(`[${"{},".repeat(5_000_000)}0]`);
    const numbers = Buffer.from(`[${"1,".repeat(8_000_000)}0]`);
    expect(reasonOf(deep)).toBe("too-deep");
    expect(reasonOf(objects)).toBe("too-many-leaves");
    expect(reasonOf(numbers)).toBe("too-many-leaves");
    const brackets = { ...dump, note: `\\"${"[{,".repeat(1_000_000)}` };
    expect(reasonOf(bytesOf(brackets))).toBe("ok");
  });

  it("is described in words that are fit to print", () => {
    const blob = readBatchBlob(bytesOf({ ...dump, format: "\u001b[31m\u0000\u202e".repeat(100) }), root);
    expect("invalid" in blob && blob.invalid.detail).toMatch(/^[ -~]{1,300}$/);
  });
});
