/**
 * The enclaves' signatures: RSA-2048 PSS with SHA-256, MGF1-SHA-256 and a salt of 32 bytes, over 32 bytes.
 * Keys, like all else, come from strangers: nothing here throws.
 */
import { constants, createPublicKey, type KeyObject, verify } from "node:crypto";
import type { Hex } from "./hex.ts";
import { keccak256Hex } from "./keccak.ts";

const MODULUS_BITS = 2048;
const SIGNATURE_BYTES = 256;
/** With the largest exponent there can be, a SubjectPublicKeyInfo of RSA-2048 is shorter than this. */
const MAX_KEY_BYTES = 600;
/**
 * Verification takes time in proportion to the exponent's length: one of 2048 bits would cost as much as a hundred of
 * the usual 65537. OpenSSL itself refuses more than 64 bits for longer moduli.
 */
const MAX_EXPONENT = 2n ** 64n;

/** Why a public key cannot be used; stable. */
export type KeyProblem = "key-hash-mismatch" | "key-malformed" | "key-not-rsa-2048";

export type PublicKey =
  | { readonly key: KeyObject }
  | { readonly invalid: { readonly reason: KeyProblem; readonly detail: string } };

/**
 * A node's key, ready to verify with.
 * @param der - SubjectPublicKeyInfo; exactly its DER, with nothing before, after or spelt otherwise.
 * @param teeId - what the key must hash to, lower-case.
 */
export function publicKeyOf(der: Uint8Array, teeId: Hex): PublicKey {
  const hash = keccak256Hex(der);
  if (hash !== teeId)
    return invalid("key-hash-mismatch", `the key hashes to ${hash}; the node's id is ${teeId}`);
  const key = der.length > MAX_KEY_BYTES ? undefined : parsed(der);
  if (!key)
    return invalid("key-malformed", `the ${der.length} bytes of the key are not the DER of a public key`);
  const { modulusLength, publicExponent } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType !== "rsa" || modulusLength !== MODULUS_BITS || publicExponent === undefined)
    return invalid(
      "key-not-rsa-2048",
      `the key is ${key.asymmetricKeyType} of ${modulusLength ?? "no"} bits; enclaves sign with rsa of ${MODULUS_BITS}`,
    );
  if (publicExponent < 3n || publicExponent % 2n === 0n || publicExponent >= MAX_EXPONENT)
    return invalid("key-not-rsa-2048", "the key's exponent is not an odd number from 3 to 2^64");
  return { key };
}

const invalid = (reason: KeyProblem, detail: string): PublicKey => ({ invalid: { reason, detail } });

function parsed(der: Uint8Array): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(der), format: "der", type: "spki" });
    // OpenSSL reads past trailing bytes and other spellings of the same key.
    return key.export({ format: "der", type: "spki" }).equals(der) ? key : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether a signature is by this key.
 * @param digest - the 32 bytes that were signed; the scheme hashes them once more.
 * @param signature - any bytes.
 */
export function verifySignature(key: KeyObject, digest: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false;
  try {
    return verify(
      "sha256",
      digest,
      // MGF1 takes the message's hash unless told otherwise.
      { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
      signature,
    );
  } catch {
    // OpenSSL throws instead of answering for some keys no honest generator makes.
    return false;
  }
}
