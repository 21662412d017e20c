/** Random leaves, real keys and signatures for tests. */
import { constants, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import fc from "fast-check";
import { bytesOf, type Hex, hexOf } from "../hex.ts";
import { type SignedInference, settlementDigest } from "../inference.ts";
import { keccak256Hex } from "../keccak.ts";

export const LEAF_ENCODING = ["bytes32", "bytes32", "bytes32", "bytes", "uint256"] as const;

export const anyHex = (minBytes: number, maxBytes = minBytes): fc.Arbitrary<Hex> =>
  fc.uint8Array({ minLength: minBytes, maxLength: maxBytes }).map(hexOf);

export const anyLeaf: fc.Arbitrary<SignedInference> = fc.record({
  teeId: anyHex(32),
  inputHash: anyHex(32),
  outputHash: anyHex(32),
  signature: fc.oneof(anyHex(256), anyHex(0, 70)),
  timestamp: fc.oneof(fc.bigInt(0n, 2n ** 33n), fc.bigInt(0n, 2n ** 256n - 1n)),
});

/** The same hex with one byte changed: the one at `draw` modulo the length, by exclusive or with `mask`. */
export function flipByte(hex: Hex, draw: number, mask: number): Hex {
  const bytes = bytesOf(hex);
  const place = draw % bytes.length;
  bytes[place] = (bytes[place] ?? 0) ^ mask;
  return hexOf(bytes);
}

export interface Enclave {
  readonly privateKey: KeyObject;
  readonly publicKeyDer: Buffer;
  readonly teeId: Hex;
}

export function newEnclave(): Enclave {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const publicKeyDer = publicKey.export({ type: "spki", format: "der" });
  return { privateKey, publicKeyDer, teeId: keccak256Hex(publicKeyDer) };
}

export function signInference(
  { privateKey, teeId }: Enclave,
  { inputHash, outputHash, timestamp }: Pick<SignedInference, "inputHash" | "outputHash" | "timestamp">,
): SignedInference {
  const signature = sign("sha256", settlementDigest(inputHash, outputHash, timestamp), {
    key: privateKey,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: 32,
  });
  return { teeId, inputHash, outputHash, signature: hexOf(signature), timestamp };
}
