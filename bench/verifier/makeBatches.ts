/** A thread that makes batch blobs as facilitators do: real keys, real signatures, OpenZeppelin's dump. */
import { createHash, createPrivateKey, createPublicKey } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import { type Hex, hexOf } from "../../proofs/hex.ts";
import type { SignedInference } from "../../proofs/inference.ts";
import { keccak256Hex } from "../../proofs/keccak.ts";
import { LEAF_ENCODING, signInference } from "../../proofs/testing/leaves.ts";

/** A day of leaves lies in as many hours of as many nodes. */
const FIRST_SECOND = 1_800_000_000;
const SECONDS = 86_400;

export interface BatchRequest {
  /** PKCS #8, PEM. */
  readonly privateKeys: readonly string[];
  readonly firstLeaf: number;
  readonly batches: number;
  readonly batchSize: number;
  /** Times that the leaves are dealt out anew, into batches with other roots. */
  readonly deals: number;
}

export interface MadeBatch {
  readonly deal: number;
  readonly root: Hex;
  readonly blobId: string;
  readonly blob: Buffer<ArrayBuffer>;
}

const { privateKeys, firstLeaf, batches, batchSize, deals } = workerData as BatchRequest; // by run.ts
const enclaves = privateKeys.map((pem) => {
  const privateKey = createPrivateKey(pem);
  const publicKeyDer = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  return { privateKey, publicKeyDer, teeId: keccak256Hex(publicKeyDer) };
});
const hash = (text: string): Hex => hexOf(createHash("sha256").update(text).digest());

const leaves = Array.from({ length: batches * batchSize }, (_, index): SignedInference => {
  const n = firstLeaf + index;
  const enclave = enclaves[n % enclaves.length];
  if (enclave === undefined) throw new Error("no keys were given");
  const timestamp = BigInt(FIRST_SECOND + (n % SECONDS));
  return signInference(enclave, {
    inputHash: hash(`input ${n}`),
    outputHash: hash(`output ${n}`),
    timestamp,
  });
});

for (let deal = 0; deal < deals; deal++)
  for (let batch = 0; batch < batches; batch++) {
    // every so many-th leaf from another place: no two deals share a batch
    const dealt = Array.from({ length: batchSize }, (_, place) => {
      const leaf = leaves[(batch * batchSize + place * (1 + deal * batches)) % leaves.length];
      if (leaf === undefined) throw new Error("a place without a leaf");
      const { teeId, inputHash, outputHash, signature, timestamp } = leaf;
      return [teeId, inputHash, outputHash, signature, timestamp.toString()];
    });
    const tree = StandardMerkleTree.of(dealt, [...LEAF_ENCODING]);
    const text = JSON.stringify(tree.dump());
    const blob = Buffer.from(new ArrayBuffer(text.length));
    blob.write(text, "latin1"); // a dump is ASCII
    const blobId = createHash("sha256").update(blob).digest("base64url");
    // a hex string by the library's own type
    const made: MadeBatch = { deal, root: tree.root as Hex, blobId, blob };
    parentPort?.postMessage(made, [blob.buffer]);
  }
