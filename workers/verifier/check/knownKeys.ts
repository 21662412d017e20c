/** The public keys that signatures are checked with, made ready once per thread. */
import type { KeyObject } from "node:crypto";
import type { Hex } from "../../../proofs/hex.ts";
import { publicKeyOf, verifySignature } from "../../../proofs/signature.ts";

/** A key as a registry showed it. */
export interface ShownKey {
  readonly teeId: Hex;
  /** DER SPKI, or whatever an operator registered. */
  readonly publicKey: Uint8Array;
}

export class KnownKeys {
  /** Null: shown, and of no use; nothing is signed with it. */
  readonly #keys = new Map<string, KeyObject | null>();

  add(keys: readonly ShownKey[]): void {
    for (const { teeId, publicKey } of keys) {
      if (this.#keys.has(teeId)) continue;
      const made = publicKeyOf(publicKey, teeId);
      // another's key says nothing about this node's
      if ("invalid" in made && made.invalid.reason === "key-hash-mismatch") continue;
      this.#keys.set(teeId, "key" in made ? made.key : null);
    }
  }

  /**
   * @param digest - the 32 bytes that were signed.
   * @returns null while the node's key is not known.
   */
  verify(teeId: string, digest: Uint8Array, signature: Uint8Array): boolean | null {
    const key = this.#keys.get(teeId);
    if (key === undefined) return null;
    return key !== null && verifySignature(key, digest, signature);
  }
}
