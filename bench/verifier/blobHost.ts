/** An aggregator that generates batches and serves them from memory, in its own process. */
import { generateKeyPairSync } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import { Worker } from "node:worker_threads";
import { type Hex, hexOf } from "../../proofs/hex.ts";
import { keccak256Hex } from "../../proofs/keccak.ts";
import type { BatchRequest, MadeBatch } from "./makeBatches.ts";

/** Nodes whose leaves stand side by side in every batch. */
const NODES = 16;

/** What the host tells its parent when it listens. */
export interface Hosted {
  readonly url: string;
  readonly keys: readonly { readonly teeId: Hex; readonly publicKey: Hex }[];
  readonly batches: readonly Omit<MadeBatch, "blob">[];
}

const [leafCount = 0, batchSize = 0, deals = 0] = process.argv.slice(2).map(Number);
const pairs = Array.from({ length: NODES }, () => generateKeyPairSync("rsa", { modulusLength: 2048 }));
const privateKeys = pairs.map(({ privateKey }) =>
  privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
);
const blobs = new Map<string, Buffer>();
const batches: Omit<MadeBatch, "blob">[] = [];

const threads = os.availableParallelism();
const batchesPerThread = Math.ceil(leafCount / batchSize / threads);
await Promise.all(
  Array.from({ length: threads }, (_, thread) => {
    const request: BatchRequest = {
      ...{ privateKeys, batchSize, deals },
      batches: batchesPerThread,
      firstLeaf: thread * batchesPerThread * batchSize,
    };
    const worker = new Worker(new URL("./makeBatches.ts", import.meta.url), {
      workerData: request,
      execArgv: ["--import", "tsx"],
    });
    worker.on("message", ({ blob, ...batch }: MadeBatch) => {
      blobs.set(batch.blobId, Buffer.from(blob));
      batches.push(batch);
    });
    return new Promise<void>((resolve, reject) => {
      worker.once("error", reject);
      worker.once("exit", () => resolve());
    });
  }),
);

const server = http.createServer((request, response) => {
  const blob = blobs.get((request.url ?? "").slice("/v1/blobs/".length));
  if (blob === undefined) response.writeHead(404).end();
  else response.writeHead(200, { "content-length": blob.length }).end(blob);
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => {
  const hosted: Hosted = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // it listens on TCP
    keys: pairs.map(({ publicKey }) => {
      const der = publicKey.export({ type: "spki", format: "der" });
      return { teeId: keccak256Hex(der), publicKey: hexOf(der) };
    }),
    batches: batches.toSorted((a, b) => (a.blobId < b.blobId ? -1 : 1)),
  };
  process.send?.(hosted);
});
