import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { checkReceipt } from "./checkReceipt.ts";
import { hexOf } from "./hex.ts";
import type { Receipt } from "./receipt.ts";
import { type Enclave, flipByte, newEnclave } from "./testing/leaves.ts";
import { batchReceipt, hashOf, individualReceipt, replaced, signedInferences } from "./testing/receipts.ts";

let enclave: Enclave;
let other: Enclave;
let leaves: ReturnType<typeof signedInferences>;
let batch: Receipt;
let individual: Receipt;

beforeAll(() => {
  enclave = newEnclave();
  other = newEnclave();
  leaves = signedInferences(enclave, 7);
  batch = batchReceipt(enclave, leaves, 3);
  individual = individualReceipt(enclave, batchLeaf(0));
});

function batchLeaf(index: number) {
  const leaf = leaves[index];
  if (!leaf) throw new Error(`no leaf ${index}`);
  return leaf;
}
const reasonOf = (document: unknown) => {
  const check = checkReceipt(document);
  return check.ok ? "ok" : check.reason;
};
const change = (receipt: Receipt, path: string, value: unknown) =>
  replaced(
    receipt,
    path.split(".").map((key) => (/^\d+$/.test(key) ? Number(key) : key)),
    value,
  );

describe("a receipt by itself", () => {
  it("holds for every leaf of a batch, of one leaf too, and for an individual settlement", () => {
    for (const index of leaves.keys()) expect(reasonOf(batchReceipt(enclave, leaves, index))).toBe("ok");
    expect(reasonOf(batchReceipt(enclave, leaves.slice(0, 1), 0))).toBe("ok");
    expect(reasonOf(individual)).toBe("ok");
    expect(reasonOf(JSON.parse(JSON.stringify(batch)))).toBe("ok");
  });

  it("says what it checked", () => {
    const check = checkReceipt(batch);
    expect(check.ok && check.checked.length).toBeGreaterThan(4);
  });

  it("fails with any one byte of leaf, path, key or signature changed", () => {
    const fields = ["teeId", "inputHash", "outputHash", "signature"].map((field) => `leaf.${field}`);
    const paths = batch.merkle?.path.map((_, i) => `merkle.path.${i}`) ?? [];
    fc.assert(
      fc.property(
        fc.constantFrom(...fields, ...paths, "publicKey", "settlement.merkleRoot", "inferenceId"),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (path, draw, mask) => {
          const value = path.split(".").reduce<unknown>((node, key) => Reflect.get(Object(node), key), batch);
          const hex = value as `0x${string}`; // all of these are
          expect(reasonOf(change(batch, path, flipByte(hex, draw, mask)))).not.toBe("ok");
        },
      ),
      { numRuns: 400 },
    );
    expect(reasonOf(change(batch, "leaf.timestamp", String(BigInt(batch.leaf.timestamp) + 1n)))).not.toBe(
      "ok",
    );
    for (const field of fields)
      expect(reasonOf(change(individual, field, flipByte(individual.leaf.inputHash, 3, 1))), field).not.toBe(
        "ok",
      );
  });

  it("fails with any one character of its proof spelt otherwise", () => {
    const { leaf, merkle, publicKey, inferenceId, ...rest } = batch;
    const text = JSON.stringify({ leaf, merkle, publicKey, inferenceId });
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.constantFrom(...'0159afAFxX "{}[]:,.-'), (place, character) => {
        fc.pre(text[place] !== character);
        let proof: unknown;
        try {
          proof = JSON.parse(text.slice(0, place) + character + text.slice(place + 1));
        } catch {
          return; // no longer JSON: the command says so
        }
        expect(reasonOf({ ...rest, ...(proof as object) })).not.toBe("ok");
      }),
      { numRuns: 3000 },
    );
  });

  it("fails with a path shortened, lengthened, turned round or with two elements swapped", () => {
    const path = batch.merkle?.path ?? [];
    expect(path.length).toBeGreaterThan(1);
    const wrong = [
      ...path.map((_, i) => path.toSpliced(i, 1)),
      ...path.slice(1).map((element, i) => path.with(i, element).with(i + 1, path[i] ?? element)),
      [...path, hashOf("more")],
      path.toReversed(),
      [],
    ];
    for (const other of wrong)
      expect(reasonOf(change(batch, "merkle.path", other))).toBe("merkle-root-mismatch");
  });

  it("does not pass for another settlement", () => {
    const elsewhere = batchReceipt(enclave, [...leaves, ...signedInferences(other, 2)], 3, "another");
    expect(reasonOf({ ...batch, settlement: elsewhere.settlement })).toBe("merkle-root-mismatch");
    expect(reasonOf({ ...batch, settlement: individual.settlement })).toBe("merkle-path-unexpected");
    expect(reasonOf({ ...individual, settlement: batch.settlement })).toBe("merkle-path-missing");
    expect(reasonOf(change(batch, "settlement.txHash", hashOf("another")))).toBe("settlement-id-mismatch");
    expect(reasonOf(change(batch, "settlement.chainId", 8453))).toBe("settlement-id-mismatch");
  });

  it("wants the key that the TEE id commits to, and a signature by it", () => {
    const der = hexOf(other.publicKeyDer);
    expect(reasonOf(change(batch, "publicKey", der))).toBe("key-hash-mismatch");
    expect(reasonOf(change(batch, "publicKey", null))).toBe("key-missing");
    const signature = batchLeaf(4).signature;
    const swapped = { ...batchLeaf(3), signature };
    expect(reasonOf(batchReceipt(enclave, leaves.with(3, swapped), 3))).toBe("signature-invalid");
    expect(reasonOf(change(batch, "inferenceId", hashOf("another")))).toBe("inference-id-mismatch");
  });

  it("wants a registration before the settlement, and agreeing positions and verdicts", () => {
    expect(reasonOf(change(batch, "registration", null))).toBe("not-registered");
    expect(reasonOf(change(batch, "registration.blockNumber", 42))).toBe("registered-after-settlement");
    const sameBlock = change(batch, "registration.blockNumber", 41);
    expect(reasonOf(change(sameBlock, "registration.logIndex", 4))).toBe("ok");
    expect(reasonOf(change(sameBlock, "registration.logIndex", 6))).toBe("registered-after-settlement");
    expect(reasonOf(change(batch, "asOf.blockNumber", 40))).toBe("as-of-before-settlement");
    expect(reasonOf(change(batch, "verdicts.signature", "invalid"))).toBe("verdict-mismatch");
    expect(reasonOf(change(batch, "verdicts.settlement", "invalid"))).toBe("verdict-mismatch");
  });

  it("answers to whatever it is given, without throwing", () => {
    fc.assert(
      fc.property(fc.anything(), (document) => {
        expect(reasonOf(document)).not.toBe("ok");
      }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(
          "leaf",
          "settlement",
          "merkle",
          "publicKey",
          "registration",
          "asOf",
          "leaf.timestamp",
        ),
        fc.anything(),
        (path, value) => {
          expect(["ok", "malformed", "key-missing", "merkle-path-missing", "not-registered"]).toContain(
            reasonOf(change(batch, path, value)),
          );
        },
      ),
    );
    expect(reasonOf(change(batch, "version", "opengradient-receipt-v2"))).toBe("unsupported-version");
    expect(reasonOf(change(batch, "leaf.timestamp", "1".repeat(100_000)))).toBe("malformed");
    expect(reasonOf(change(batch, "leaf.timestamp", "+5"))).toBe("malformed");
    expect(reasonOf(change(batch, "leaf.signature", "0x"))).toBe("signature-invalid");
    expect(
      reasonOf({
        get version() {
          throw new Error("trap");
        },
      }),
    ).toBe("malformed");
  });
});
