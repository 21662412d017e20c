/** Threads that only verify signatures: the upper bound set by the runtime's RSA. */
import { once } from "node:events";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { bytesOf } from "../../proofs/hex.ts";
import { settlementDigest } from "../../proofs/inference.ts";
import { keccak256Hex } from "../../proofs/keccak.ts";
import { publicKeyOf, verifySignature } from "../../proofs/signature.ts";
import { newEnclave, signInference } from "../../proofs/testing/leaves.ts";

const AT_ONCE = 1_000;
const WARM_UP_MS = 300;
const MEASURED_MS = 3_000;

/** @returns signatures per second, of all threads together. */
export async function measureAlone(threads: number): Promise<number> {
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL(import.meta.url), { execArgv: ["--import", "tsx"] }),
  );
  await Promise.all(workers.map((worker) => once(worker, "message"))); // each is ready
  for (const worker of workers) worker.postMessage("begin");
  const rates = await Promise.all(workers.map((worker) => once(worker, "message")));
  return rates.flat().reduce((sum: number, rate) => sum + Number(rate), 0);
}

if (!isMainThread && parentPort !== null) {
  const verifyFor = makeVerifier();
  verifyFor(WARM_UP_MS);
  const port = parentPort;
  port.once("message", () => port.postMessage(verifyFor(MEASURED_MS)));
  port.postMessage("ready");
}

/** Makes a key and signatures. @returns signatures per second, over so many milliseconds. */
function makeVerifier(): (milliseconds: number) => number {
  const enclave = newEnclave();
  const made = publicKeyOf(enclave.publicKeyDer, enclave.teeId);
  if ("invalid" in made) throw new Error(made.invalid.detail);
  const signed = Array.from({ length: AT_ONCE }, (_, index) => {
    const hash = keccak256Hex(Buffer.from(String(index)));
    const timestamp = BigInt(index);
    const { signature } = signInference(enclave, { inputHash: hash, outputHash: hash, timestamp });
    return { digest: settlementDigest(hash, hash, timestamp), signature: bytesOf(signature) };
  });
  return (milliseconds) => {
    const began = performance.now();
    let verified = 0;
    while (performance.now() - began < milliseconds)
      for (const { digest, signature } of signed) {
        if (!verifySignature(made.key, digest, signature))
          throw new Error(`signature ${verified} is not valid`);
        verified++;
      }
    return (verified * 1000) / (performance.now() - began);
  };
}
