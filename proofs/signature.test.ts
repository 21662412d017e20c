import { constants, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { type Hex, hexOf } from "./hex.ts";
import { settlementDigest } from "./inference.ts";
import { keccak256Hex } from "./keccak.ts";
import { publicKeyOf, verifySignature } from "./signature.ts";
import { type Enclave, newEnclave } from "./testing/leaves.ts";
import { hashOf } from "./testing/receipts.ts";

let enclave: Enclave;
beforeAll(() => {
  enclave = newEnclave();
});

const digest = settlementDigest(hashOf("input"), hashOf("output"), 1_793_500_000n);
const reasonOf = (der: Uint8Array, teeId: Hex = keccak256Hex(der)) => {
  const key = publicKeyOf(der, teeId);
  return "invalid" in key ? key.invalid.reason : "ok";
};
function keyOf({ publicKeyDer, teeId }: Enclave) {
  const publicKey = publicKeyOf(publicKeyDer, teeId);
  if ("invalid" in publicKey) throw new Error(publicKey.invalid.detail);
  return publicKey.key;
}
const signed = (options: { padding?: number; saltLength?: number }, algorithm = "sha256", message = digest) =>
  sign(algorithm, message, {
    key: enclave.privateKey,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: 32,
    ...options,
  });
/** SubjectPublicKeyInfo of an RSA key that nobody can sign with. */
function rsaKey(modulusBytes: number, exponent: bigint): Buffer {
  const n = Buffer.alloc(modulusBytes, 0xd3).toString("base64url");
  const digits = exponent.toString(16);
  const e = Buffer.from(digits.length % 2 ? `0${digits}` : digits, "hex").toString("base64url");
  return createPublicKey({ key: { kty: "RSA", n, e }, format: "jwk" }).export({
    type: "spki",
    format: "der",
  });
}

describe("an enclave's public key", () => {
  it("is RSA of 2048 bits whose DER hashes to the TEE id", () => {
    expect(reasonOf(rsaKey(256, 65537n))).toBe("ok");
    expect(reasonOf(rsaKey(256, 3n))).toBe("ok");
    expect(reasonOf(enclave.publicKeyDer)).toBe("ok");
    expect(reasonOf(enclave.publicKeyDer, hashOf("another"))).toBe("key-hash-mismatch");
  });

  it("is nothing else, however it hashes", () => {
    const pem = createPublicKey(enclave.privateKey).export({ type: "spki", format: "pem" });
    const pkcs1 = createPublicKey(enclave.privateKey).export({ type: "pkcs1", format: "der" });
    // the same key, its outer length spelt in three bytes instead of two
    const longLength = Buffer.concat([Buffer.from([0x30, 0x83, 0x00]), enclave.publicKeyDer.subarray(2)]);
    for (const der of [
      Buffer.alloc(0),
      Buffer.from(pem),
      pkcs1,
      longLength,
      Buffer.concat([enclave.publicKeyDer, Buffer.from([0])]),
      enclave.publicKeyDer.subarray(0, -1),
      Buffer.alloc(100_000, 0x30),
    ])
      expect(reasonOf(der)).toBe("key-malformed");
    const others = [
      rsaKey(128, 65537n),
      rsaKey(255, 65537n),
      rsaKey(384, 65537n),
      generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ type: "spki", format: "der" }),
      generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "der" }),
      generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).publicKey.export({
        type: "spki",
        format: "der",
      }),
      rsaKey(256, 1n),
      rsaKey(256, 65536n),
      rsaKey(256, 2n ** 64n + 1n),
      rsaKey(256, 2n ** 2000n + 1n),
    ];
    for (const der of others) expect(["key-not-rsa-2048", "key-malformed"]).toContain(reasonOf(der));
  });

  it("is refused, never thrown at, for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (der) => {
        expect(reasonOf(der)).not.toBe("ok");
      }),
    );
    fc.assert(
      fc.property(fc.nat(293), fc.integer({ min: 1, max: 255 }), (place, mask) => {
        const der = Buffer.from(enclave.publicKeyDer);
        der[place] = (der[place] ?? 0) ^ mask;
        expect(reasonOf(der, enclave.teeId)).toBe("key-hash-mismatch");
        const key = publicKeyOf(der, keccak256Hex(der));
        // Another key, perhaps a strange one: it has not signed this.
        if ("key" in key) expect(verifySignature(key.key, digest, signed({}))).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

describe("a signature", () => {
  it("is RSA-PSS with SHA-256 and a salt of 32 bytes over the digest, and nothing like it", () => {
    const key = keyOf(enclave);
    expect(verifySignature(key, digest, signed({}))).toBe(true);
    expect(verifySignature(key, digest, signed({ saltLength: 20 }))).toBe(false);
    expect(verifySignature(key, digest, signed({ padding: constants.RSA_PKCS1_PADDING }))).toBe(false);
    expect(verifySignature(key, digest, signed({}, "sha512"))).toBe(false);
    expect(verifySignature(key, hashBytes("another"), signed({}))).toBe(false);
    expect(verifySignature(keyOf(newEnclave()), digest, signed({}))).toBe(false);
  });

  it("fails with any byte changed, and with any other length", () => {
    const key = keyOf(enclave);
    const signature = signed({});
    fc.assert(
      fc.property(fc.nat(255), fc.integer({ min: 1, max: 255 }), (place, mask) => {
        const changed = Buffer.from(signature);
        changed[place] = (changed[place] ?? 0) ^ mask;
        expect(verifySignature(key, digest, changed)).toBe(false);
      }),
      { numRuns: 300 },
    );
    for (const other of [
      Buffer.alloc(0),
      Buffer.alloc(256),
      Buffer.alloc(256, 0xff),
      signature.subarray(1),
      Buffer.concat([Buffer.alloc(1), signature]),
      Buffer.alloc(1_000_000),
    ])
      expect(verifySignature(key, digest, other)).toBe(false);
  });

  it("has no second spelling: adding the modulus does not verify", () => {
    const { n = "" } = createPublicKey(enclave.privateKey).export({ format: "jwk" });
    const modulus = BigInt(hexOf(Buffer.from(n, "base64url")));
    const sum = BigInt(hexOf(signed({}))) + modulus;
    const bytes = Buffer.from(sum.toString(16).padStart(512, "0").slice(-512), "hex");
    expect(verifySignature(keyOf(enclave), digest, bytes)).toBe(false);
  });
});

const hashBytes = (what: string) => Buffer.from(hashOf(what).slice(2), "hex");
