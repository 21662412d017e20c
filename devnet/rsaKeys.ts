/**
 * Generates RSA-2048 keys from a seed. Node's own generator takes none, so the primes are searched here: a sieve from a
 * seeded starting point, then OpenSSL's primality check. About 0.2 s per key.
 */
import { checkPrimeSync, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { type Hex, keccak256 } from "viem";
import type { SeededRandom } from "./random.ts";

const EXPONENT = 65537n;
const PRIME_BITS = 1024;
const SIEVE_LENGTH = 20_000;
const SMALL_PRIMES = primesBelow(65_536);

export interface SigningKey {
  readonly privateKey: KeyObject;
  /** DER SubjectPublicKeyInfo, 294 bytes. */
  readonly publicKeyDer: Hex;
  /** `keccak256(publicKeyDer)`, the node's id. */
  readonly teeId: Hex;
}

/** The private key as JSON Web Key text: what a cache keeps. */
export function generateRsaJwk(random: SeededRandom): string {
  const p = nextPrime(random);
  const q = nextPrime(random);
  const d = modularInverse(EXPONENT, (p - 1n) * (q - 1n));
  return JSON.stringify({
    kty: "RSA",
    n: base64url(p * q),
    e: base64url(EXPONENT),
    d: base64url(d),
    p: base64url(p),
    q: base64url(q),
    dp: base64url(d % (p - 1n)),
    dq: base64url(d % (q - 1n)),
    qi: base64url(modularInverse(q, p)),
  });
}

export function signingKey(jwk: string): SigningKey {
  const privateKey = createPrivateKey({ key: JSON.parse(jwk), format: "jwk" });
  const der = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  const publicKeyDer: Hex = `0x${der.toString("hex")}`;
  return { privateKey, publicKeyDer, teeId: keccak256(publicKeyDer) };
}

/** The first prime p at or after a random start, of full length, with the exponent invertible modulo p − 1. */
function nextPrime(random: SeededRandom): bigint {
  for (;;) {
    const bytes = random.bytes(PRIME_BITS / 8);
    // Both top bits set, so that the product of two has 2048 bits; odd.
    bytes.writeUInt8(bytes.readUInt8(0) | 0xc0, 0);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) | 1, bytes.length - 1);
    const start = BigInt(`0x${bytes.toString("hex")}`);
    const composite = new Uint8Array(SIEVE_LENGTH);
    for (const prime of SMALL_PRIMES) {
      const remainder = Number(start % BigInt(prime));
      for (let i = (prime - remainder) % prime; i < SIEVE_LENGTH; i += prime) composite[i] = 1;
    }
    for (let i = 0; i < SIEVE_LENGTH; i++) {
      const candidate = start + BigInt(i);
      if (composite[i] || (candidate - 1n) % EXPONENT === 0n || candidate >> BigInt(PRIME_BITS)) continue;
      if (checkPrimeSync(candidate)) return candidate;
    }
  }
}

function primesBelow(limit: number): number[] {
  const composite = new Uint8Array(limit);
  const primes: number[] = [];
  for (let i = 2; i < limit; i++) {
    if (composite[i]) continue;
    primes.push(i);
    for (let j = i * i; j < limit; j += i) composite[j] = 1;
  }
  return primes;
}

function modularInverse(value: bigint, modulus: bigint): bigint {
  let [r0, r1, s0, s1] = [modulus, ((value % modulus) + modulus) % modulus, 0n, 1n];
  while (r1 !== 0n) {
    const quotient = r0 / r1;
    [r0, r1] = [r1, r0 - quotient * r1];
    [s0, s1] = [s1, s0 - quotient * s1];
  }
  return ((s0 % modulus) + modulus) % modulus;
}

function base64url(value: bigint): string {
  const digits = value.toString(16);
  return Buffer.from(digits.length % 2 ? `0${digits}` : digits, "hex").toString("base64url");
}
