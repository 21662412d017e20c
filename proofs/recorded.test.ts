/** Every batch of the recorded chain against the recording's own verdicts. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { decodeTeeRecord } from "../abis/teeRecord.ts";
import { type BatchTruth, hasRecording, ogTruth, recordingDirectory } from "../test/recorded/recording.ts";
import { readBatchBlob } from "./batchBlob.ts";
import { blobIdOf } from "./blobId.ts";
import { bytesOf, type Hex } from "./hex.ts";
import { signatureFacts } from "./inference.ts";
import { publicKeyOf, verifySignature } from "./signature.ts";

interface RecordedCall {
  readonly fn: string;
  readonly reg?: boolean;
  readonly block: number;
  readonly data: Hex;
  readonly result: Hex;
}

/** The keys as registered, and since which block. */
function registeredKeys() {
  const file = path.join(recordingDirectory, "og-calls.json.gz");
  const { calls } = JSON.parse(gunzipSync(readFileSync(file)).toString()) as { calls: RecordedCall[] };
  return new Map(
    calls
      .filter(({ fn, reg }) => fn === "getTEE" && reg)
      .map(({ block, data, result }) => {
        const teeId: Hex = `0x${data.slice(10)}`;
        const publicKey = publicKeyOf(bytesOf(decodeTeeRecord(result).publicKey), teeId);
        if ("invalid" in publicKey) throw new Error(publicKey.invalid.detail);
        return [teeId, { block, key: publicKey.key }] as const;
      }),
  );
}

function judge(batch: BatchTruth, keys: ReturnType<typeof registeredKeys>) {
  const blobId = blobIdOf(batch.blobId);
  if (blobId === null) return { status: "bad-id", leaves: [] };
  const file = path.join(recordingDirectory, "blobs", blobId);
  if (!existsSync(file)) return { status: "blob-missing", leaves: [] };
  const blob = readBatchBlob(readFileSync(file), batch.merkleRoot);
  if ("invalid" in blob) return { status: blob.invalid.reason, leaves: [] };
  const leaves = blob.leaves.map((leaf) => {
    const node = keys.get(leaf.teeId);
    const { digest, signature } = signatureFacts(leaf);
    if (!node) return [leaf.teeId, "unknown_tee"];
    if (!verifySignature(node.key, digest, signature)) return [leaf.teeId, "bad_signature"];
    return [leaf.teeId, node.block <= batch.block ? "ok" : "registered_later"];
  });
  return { status: "ok", leaves };
}

describe.skipIf(!hasRecording)("the batches of the recorded chain", () => {
  it("have the recorded verdicts, leaf by leaf", () => {
    const keys = registeredKeys();
    const batches = ogTruth().batches;
    expect(batches.length).toBeGreaterThan(100);
    for (const batch of batches)
      expect(judge(batch, keys), `batch of block ${batch.block}`).toEqual({
        status: batch.status.replaceAll("_", "-"),
        leaves: batch.leaves.map(([teeId, , reason]) => [teeId, reason]),
      });
  });
});
