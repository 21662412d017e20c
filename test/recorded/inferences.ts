/** Computes which inferences a recording settled, and when, from its logs, blobs and labels alone. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { ogTruth, recordingDirectory, recordingMeta } from "./recording.ts";

type Hex = `0x${string}`;

interface RecordedBlock {
  readonly block: { readonly number: Hex; readonly timestamp: Hex };
  readonly receipts: readonly {
    readonly logs: readonly {
      readonly address: Hex;
      readonly topics: readonly Hex[];
      readonly data: Hex;
      readonly logIndex: Hex;
    }[];
  }[];
}

export interface SettledInference {
  readonly id: string;
  readonly teeId: string;
  readonly signedAt: number;
  /** Where it was settled, with a valid signature, after its node was registered. */
  readonly block: number;
  readonly time: number;
}

/** Every settlement of an inference that counts, in chain order. */
export function settledInferences(): SettledInference[] {
  const truth = ogTruth();
  const times = new Map<number, number>();
  const individual = new Set(
    truth.individual.filter(({ sigValid }) => sigValid).map(({ block, logIndex }) => `${block} ${logIndex}`),
  );
  const found: (SettledInference & { logIndex: number })[] = [];
  const relay = recordingMeta().og.contracts.relay.toLowerCase();
  for (const line of gunzipSync(readFileSync(path.join(recordingDirectory, "og.jsonl.gz")))
    .toString()
    .split("\n")) {
    if (line === "") continue;
    const { block, receipts } = JSON.parse(line) as RecordedBlock; // the recording's own format
    const number = Number(block.number);
    times.set(number, Number(block.timestamp));
    for (const { address, topics, data, logIndex } of receipts.flatMap(({ logs }) => logs)) {
      if (address.toLowerCase() !== relay || !individual.has(`${number} ${Number(logIndex)}`)) continue;
      const word = (index: number) => data.slice(2 + 64 * index, 66 + 64 * index);
      const teeId = topics[1] ?? "0x";
      const signedAt = Number(`0x${word(2)}`);
      found.push({
        id: `${teeId} ${word(0)} ${word(1)} ${signedAt}`,
        teeId,
        signedAt,
        block: number,
        time: Number(block.timestamp),
        logIndex: Number(logIndex),
      });
    }
  }
  for (const { block, logIndex, status, blobId, leaves } of truth.batches) {
    if (status !== "ok") continue;
    const blob = JSON.parse(
      readFileSync(
        path.join(recordingDirectory, "blobs", Buffer.from(blobId.slice(2), "hex").toString()),
        "utf8",
      ),
    ) as { values: { value: string[] }[] }; // a dump of OpenZeppelin's
    const time = times.get(block) ?? Number.NaN;
    for (const [index, [teeId, valid, state]] of leaves.entries()) {
      if (valid !== 1 || state !== "ok") continue;
      const [tee = "", input = "", output = "", , timestamp = ""] = blob.values[index]?.value ?? [];
      if (tee.toLowerCase() !== teeId.toLowerCase())
        throw new Error(`leaf ${index} of ${block} ${tee} ${teeId}`);
      const signedAt = Number(timestamp);
      found.push({
        id: `${teeId} ${input.slice(2).toLowerCase()} ${output.slice(2).toLowerCase()} ${signedAt}`,
        teeId,
        signedAt,
        block,
        time,
        logIndex,
      });
    }
  }
  return found.sort((a, b) => a.block - b.block || a.logIndex - b.logIndex);
}
