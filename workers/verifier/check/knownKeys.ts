/** The public keys that signatures are checked against, parsed once per thread. */
import type { KeyObject } from "node:crypto";
import type { Hex } from "../../../proofs/hex.ts";
import { publicKeyOf, verifySignature } from "../../../proofs/signature.ts";

/** A key as published in a registry. */
export interface ShownKey {
  readonly teeId: Hex;
  /** DER SPKI, or whatever an operator registered. */
  readonly publicKey: Uint8Array;
}

export class KnownKeys {
  /** Null for a published key that is not a usable RSA key: no signature is valid under it. */
  readonly #keys = new Map<string, KeyObject | null>();

  add(keys: readonly ShownKey[]): void {
    for (const { teeId, publicKey } of keys) {
      if (this.#keys.has(teeId)) continue;
      const made = publicKeyOf(publicKey, teeId);
      // another node's key: this node's may still be published
      if ("invalid" in made && made.invalid.reason === "key-hash-mismatch") continue;
      this.#keys.set(teeId, "key" in made ? made.key : null);
    }
  }

  /**
   * @param digest - the 32 signed bytes.
   * @returns null while the node's key is not known.
   */
  verify(teeId: string, digest: Uint8Array, signature: Uint8Array): boolean | null {
    const key = this.#keys.get(teeId);
    if (key === undefined) return null;
    return key !== null && verifySignature(key, digest, signature);
  }
}
