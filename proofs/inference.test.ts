import fc from "fast-check";
import { concatHex, encodeAbiParameters, keccak256, numberToHex } from "viem";
import { describe, expect, it } from "vitest";
import { blobIdOf } from "./blobId.ts";
import { bytesOf, hexOf } from "./hex.ts";
import {
  batchKey,
  inferenceId,
  payloadKey,
  settlementDigest,
  signatureFacts,
  signatureKey,
} from "./inference.ts";
import { keccak256Hex } from "./keccak.ts";
import { anyHex, anyLeaf } from "./testing/leaves.ts";

describe("an inference", () => {
  it("has the ids and the digest that viem's encoding and hash give", () => {
    fc.assert(
      fc.property(anyLeaf, anyHex(0, 60), (leaf, blobIdHex) => {
        const { teeId, inputHash, outputHash, timestamp, signature } = leaf;
        const id = keccak256(
          encodeAbiParameters(
            [{ type: "bytes32" }, { type: "bytes32" }, { type: "bytes32" }, { type: "uint256" }],
            [teeId, inputHash, outputHash, timestamp],
          ),
        );
        const digest = keccak256(concatHex([inputHash, outputHash, numberToHex(timestamp, { size: 32 })]));
        expect(inferenceId(leaf)).toBe(id);
        expect(hexOf(settlementDigest(inputHash, outputHash, timestamp))).toBe(digest);
        expect(signatureKey(id, signature)).toBe(keccak256(concatHex([id, signature])));
        expect(batchKey(inputHash, blobIdHex)).toBe(keccak256(concatHex([inputHash, blobIdHex])));
        expect(payloadKey(id, blobIdHex)).toBe(keccak256(concatHex([id, blobIdHex])));
        const facts = signatureFacts(leaf);
        expect({
          ...facts,
          digest: hexOf(facts.digest),
          signature: hexOf(facts.signature),
        }).toEqual({ inferenceId: id, signatureKey: signatureKey(id, signature), digest, signature });
      }),
    );
  });

  it("is refused with fields of another shape", () => {
    const [leaf] = fc.sample(anyLeaf, { numRuns: 1, seed: 3 });
    if (!leaf) throw new Error("one was asked for");
    for (const part of [{ teeId: "0x" }, { timestamp: -1n }, { timestamp: 2n ** 256n }, { signature: "0x1" }])
      expect(() => signatureFacts({ ...leaf, ...(part as object) })).toThrow(RangeError);
  });

  it("is hashed right at every length around the hash's block", () => {
    for (let length = 0; length < 300; length++) {
      const bytes = Buffer.alloc(length, length);
      expect(keccak256Hex(bytes)).toBe(keccak256(bytes));
    }
  });
});

describe("a blob id", () => {
  it("is 43 base64url characters, and nothing that could leave a path", () => {
    const id = "6jtoyFWL0iPtrGdhCUljIULzycrkVi2PH4l8kOcjqz0";
    const hexOfText = (text: string) => hexOf(Buffer.from(text));
    expect(blobIdOf(hexOfText(id))).toBe(id);
    const wrong = [
      "",
      id.slice(1),
      `${id}A`,
      `${id.slice(1)}=`,
      `${id.slice(1)}/`,
      `${id.slice(1)}\n`,
      `../${id.slice(3)}`,
      `%2e${id.slice(3)}`,
      `é${id.slice(2)}`,
    ];
    for (const text of wrong) expect(blobIdOf(hexOfText(text))).toBeNull();
    expect(blobIdOf(`0x${"ff".repeat(43)}`)).toBeNull();
    expect(blobIdOf(`0x${"ab".repeat(10_000)}`)).toBeNull();
  });
});

describe("hex", () => {
  it("goes to bytes and back, and is refused when it is not exactly hex", () => {
    fc.assert(
      fc.property(anyHex(0, 100), (hex) => {
        expect(hexOf(bytesOf(hex))).toBe(hex);
      }),
    );
    for (const text of [
      "",
      "0",
      "0x1",
      "1234",
      "0X12",
      "0xg1",
      "0x12 ",
      " 0x12",
      "0x\u0130\u0131",
      "0x1\u0662",
    ])
      expect(() => bytesOf(text), JSON.stringify(text)).toThrow(RangeError);
  });
});
