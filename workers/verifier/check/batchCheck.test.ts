import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEFAULT_BATCH_LIMITS, readBatchBlob } from "../../../proofs/batchBlob.ts";
import type { Hex } from "../../../proofs/hex.ts";
import { signatureFacts } from "../../../proofs/inference.ts";
import { publicKeyOf, verifySignature } from "../../../proofs/signature.ts";
import { anyHex, LEAF_ENCODING, newEnclave, signInference } from "../../../proofs/testing/leaves.ts";
import { checkBatch } from "./batchCheck.ts";
import { readCanonicalDump } from "./canonicalDump.ts";
import { KnownKeys } from "./knownKeys.ts";
import { INVALID, type LeafRecords, RECORD, UNDECIDED, VALID } from "./leafRecords.ts";

const LIMITS = { ...DEFAULT_BATCH_LIMITS, maxLeaves: 50 };
const enclave = newEnclave();
const keys = new KnownKeys();
keys.add([{ teeId: enclave.teeId, publicKey: enclave.publicKeyDer }]);

type Values = readonly (readonly [Hex, Hex, Hex, Hex, string])[];

const anySignature = fc.oneof(
  { weight: 4, arbitrary: anyHex(256) },
  { weight: 1, arbitrary: anyHex(0, 300) },
);
const anyTimestamp = fc.oneof(
  fc.nat({ max: 2 ** 31 - 1 }).map(String),
  fc.bigInt(0n, 2n ** 256n - 1n).map(String),
  fc.constantFrom("0", "007", String(2 ** 53), "999999999999999", "1000000000000000"),
);
const anyValues: fc.Arbitrary<Values> = fc.array(
  fc.tuple(anyHex(32), anyHex(32), anyHex(32), anySignature, anyTimestamp),
  { minLength: 1, maxLength: 12 },
);

const dumpOf = (values: Values) => {
  const tree = StandardMerkleTree.of(
    values.map((value) => [...value]),
    [...LEAF_ENCODING],
  );
  // a hex string by the library's own type
  return { root: tree.root as Hex, dump: tree.dump() };
};

/** The same dump in other spellings, some of which are no JSON or other values. */
const spellings: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => JSON.stringify(JSON.parse(text), null, 2),
  (text) => text.replaceAll(",", ", ").replaceAll(":", ": "),
  (text) => ` \r\n\t${text}\n`,
  (text) => text.replace(/0x[0-9a-f]{64}/g, (hex) => `0x${hex.slice(2).toUpperCase()}`),
  (text) => text.replaceAll("0x", "0X"),
  (text) => `\ufeff${text}`,
  (text) => `${text}x`,
  (text) => text.slice(0, -1),
  (text) => text.replace('"treeIndex":', '"treeIndex":-'),
  (text) => text.replace(/"treeIndex":(\d+)/, '"treeIndex":0$1'),
  (text) => text.replace(/"treeIndex":(\d+)/, '"treeIndex":$1.5e1'),
  (text) => text.replace('"treeIndex"', '"value":[],"treeIndex"'),
  (text) => text.replace('"format"', '"tree":[],"format"'),
  (text) => text.replace(/"(\d+)"\]/, '" $1"]'),
  (text) => text.replace(/"(\d+)"\]/, "$1]"),
  (text) => text.replace(/"(\d+)"\]/, '"$1 "]'),
  (text) => text.replace('"tree":[', '"tree":["0x00",'),
  (text) => text.replace(/"tree":\[[^\]]*\]/, '"tree":[]'),
  (text) => text.replace("standard-v1", "standard-v2"),
  (text) => text.replace(/0x[0-9a-f]/, "0xg"),
  (text) => text.replace(/,"values":\[.*/, ',"values":[]}'),
  (text) => text.replaceAll(",{", ",\u00a0{"),
];

const asRead = (leaves: LeafRecords) =>
  Array.from({ length: leaves.count }, (_, index) => {
    const record = Buffer.from(leaves.bytes.slice(leaves.offsets[index], leaves.offsets[index + 1]));
    const hex = (from: number, to: number) => `0x${record.toString("hex", from, to)}`;
    return {
      teeId: hex(RECORD.teeId, RECORD.inputHash),
      inputHash: hex(RECORD.inputHash, RECORD.outputHash),
      outputHash: hex(RECORD.outputHash, RECORD.timestamp),
      signature: hex(RECORD.signature, record.length - 32),
      timestamp: BigInt(leaves.timestamps[index] ?? -1),
      timestampWord: BigInt(hex(RECORD.timestamp, RECORD.inferenceId)),
      inferenceId: hex(RECORD.inferenceId, RECORD.signature),
      signatureKey: hex(record.length - 32, record.length),
    };
  });

/** What proofs/ alone says, leaf by leaf. */
function expected(bytes: Uint8Array, root: Hex) {
  const blob = readBatchBlob(bytes, root, LIMITS);
  if ("invalid" in blob) return { state: "invalid", ...blob.invalid };
  return {
    state: "proven",
    leaves: blob.leaves.map((leaf) => {
      const { inferenceId, signatureKey } = signatureFacts(leaf);
      return { ...leaf, timestampWord: leaf.timestamp, inferenceId, signatureKey };
    }),
  };
}

function found(bytes: Uint8Array, root: Hex) {
  const check = checkBatch(bytes, root, LIMITS, keys);
  return check.state === "proven" ? { state: check.state, leaves: asRead(check.leaves) } : check;
}

describe("whatever the spelling, the finding is that of proofs/batchBlob.ts", () => {
  test.each(spellings.map((spell, index) => [index, spell] as const))("spelling %i", (_index, spell) => {
    fc.assert(
      fc.property(anyValues, (values) => {
        const { root, dump } = dumpOf(values);
        const bytes = Buffer.from(spell(JSON.stringify(dump)));
        expect(found(bytes, root)).toEqual(expected(bytes, root));
      }),
      { numRuns: 25 },
    );
  });

  test("with any one byte changed", () => {
    fc.assert(
      fc.property(anyValues, fc.nat(), fc.integer({ min: 0, max: 255 }), (values, place, byte) => {
        const { root, dump } = dumpOf(values);
        const bytes = Buffer.from(JSON.stringify(dump));
        bytes[place % bytes.length] = byte;
        expect(found(bytes, root)).toEqual(expected(bytes, root));
      }),
      { numRuns: 300 },
    );
  });

  test("beyond the limits", () => {
    const values = Array.from({ length: 51 }, (_, n) => signed(n));
    const { root, dump } = dumpOf(values);
    const bytes = Buffer.from(JSON.stringify(dump));
    expect(found(bytes, root)).toMatchObject({ state: "invalid", reason: "too-many-leaves" });
    expect(checkBatch(bytes, root, { maxBytes: bytes.length - 1, maxLeaves: 100 }, keys)).toMatchObject({
      reason: "too-large",
    });
    expect(checkBatch(bytes, root, { maxBytes: bytes.length, maxLeaves: 51 }, keys)).toMatchObject({
      state: "proven",
    });
  });
});

const signed = (n: number): Values[number] => {
  const { teeId, inputHash, outputHash, signature, timestamp } = signInference(enclave, {
    inputHash: `0x${"11".repeat(32)}`,
    outputHash: `0x${"22".repeat(32)}`,
    timestamp: 1_700_000_000n + BigInt(n),
  });
  return [teeId, inputHash, outputHash, signature, String(timestamp)];
};

test("the usual spelling takes the short way", () => {
  const { dump } = dumpOf([signed(1), signed(2)]);
  for (const spell of spellings.slice(0, 5))
    expect(readCanonicalDump(Buffer.from(spell(JSON.stringify(dump))), LIMITS)?.count).toBe(2);
});

test("signatures are valid, invalid, or undecided without a key, and valid ones name their hours", () => {
  const [good, other] = [signed(1), signed(2)];
  const stranger = newEnclave().teeId;
  const values: Values = [
    good,
    [good[0], good[1], good[2], other[3], good[4]],
    [stranger, good[1], good[2], good[3], good[4]],
    signed(3600),
  ];
  const { root, dump } = dumpOf(values);
  const check = checkBatch(Buffer.from(JSON.stringify(dump)), root, LIMITS, keys);
  if (check.state !== "proven") throw new Error(check.reason);
  expect([...check.leaves.validity]).toEqual([VALID, INVALID, UNDECIDED, VALID]);
  expect(check.leaves.nodeHours).toEqual([
    { teeId: enclave.teeId, startAt: 1_699_999_200 },
    { teeId: enclave.teeId, startAt: 1_700_002_800 },
  ]);
  const key = publicKeyOf(enclave.publicKeyDer, enclave.teeId);
  if (!("key" in key)) throw new Error("no key");
  const facts = signatureFacts({
    ...{ teeId: good[0], inputHash: good[1], outputHash: good[2], signature: good[3] },
    timestamp: BigInt(good[4]),
  });
  expect(verifySignature(key.key, facts.digest, facts.signature)).toBe(true);
});
