/** Measures fetching and checking: from a blob on an aggregator to the verdict on each signature, without recording it. */
import { bytesOf } from "../../proofs/hex.ts";
import { Checkers } from "../../workers/verifier/check/checkers.ts";
import { Aggregators } from "../../workers/verifier/fetch/aggregators.ts";
import { HttpGet } from "../../workers/verifier/fetch/httpGet.ts";
import { LargeBlobSlots, MemoryHold } from "../../workers/verifier/fetch/memoryHold.ts";
import type { Hosted } from "./blobHost.ts";

const LIMITS = { maxBytes: 16 * 1024 * 1024, maxLeaves: 100_000 };
const BLOBS_AT_ONCE = 16;

/** @returns signatures per second. @throws when one of them is not valid. */
export async function measureChecking(
  { url, keys, batches }: Hosted,
  batchSize: number,
  threads: number,
): Promise<number> {
  const http = new HttpGet({ allowPrivate: true });
  const time = { connectMs: 5_000, stallMs: 10_000, totalMs: 30_000 };
  const aggregators = new Aggregators(
    [url],
    http,
    { maxBytes: LIMITS.maxBytes, ...time },
    {
      nowMs: Date.now,
      random: Math.random,
    },
  );
  const slots = new LargeBlobSlots(4);
  const checkers = new Checkers(threads);
  checkers.addKeys(keys.map(({ teeId, publicKey }) => ({ teeId, publicKey: bytesOf(publicKey) })));
  const signal = new AbortController().signal;
  const work = [...batches];
  const lane = async () => {
    for (let batch = work.pop(); batch !== undefined; batch = work.pop()) {
      const hold = new MemoryHold(slots);
      for await (const answer of aggregators.ask(batch.blobId, hold, signal)) {
        if (answer.kind !== "found") throw new Error(`${batch.blobId}: ${JSON.stringify(answer)}`);
        const { bytes } = answer;
        const found = await checkers.perform({
          ...{ kind: "batch" as const, bytes, limits: LIMITS },
          merkleRoot: batch.root,
        });
        if (found.state !== "proven" || found.leaves.validity.some((valid) => valid !== 1))
          throw new Error(`${batch.blobId} is not valid`);
      }
      hold.release();
    }
  };
  // start threads and connections before the clock starts
  const warmUp = work.splice(-Math.min(work.length >> 2, 2 * threads));
  const rest = work.splice(0);
  work.push(...warmUp);
  await Promise.all(Array.from({ length: BLOBS_AT_ONCE }, lane));
  work.push(...rest);
  const began = performance.now();
  await Promise.all(Array.from({ length: BLOBS_AT_ONCE }, lane));
  const seconds = (performance.now() - began) / 1000;
  await checkers.close();
  http.close();
  return (rest.length * batchSize) / seconds;
}
