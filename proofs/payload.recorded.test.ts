/** The payloads that the recorded individual settlements name, against what the recording says of them. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { formatLog, parseEventLogs, type RpcLog } from "viem";
import { describe, expect, it } from "vitest";
import { InferenceSettlementRelayAbi } from "../abis/InferenceSettlementRelay.ts";
import { hasRecording, ogTruth, recordingDirectory, recordingMeta } from "../test/recorded/recording.ts";
import { blobIdOf } from "./blobId.ts";
import type { Hex } from "./hex.ts";
import { readPayload } from "./payload.ts";

const READINGS: Readonly<Record<string, { readonly state: string; readonly reason: string | null }>> = {
  ok: { state: "matched", reason: null },
  missing: { state: "absent", reason: null },
  "replay-altered": { state: "absent", reason: null },
  corrupt: { state: "invalid", reason: "not-json" },
  // The content is this inference's; the blob names another second.
  mismatch: { state: "unmatched", reason: "claims-differ" },
};

const key = (tx: Hex | null, logIndex: number | null) => `${tx}-${logIndex}`;

function individualSettlements() {
  const relay = recordingMeta().og.contracts.relay.toLowerCase();
  const blocks = gunzipSync(readFileSync(path.join(recordingDirectory, "og.jsonl.gz"))).toString();
  const logs = blocks
    .split("\n")
    .filter((line) => line !== "")
    .flatMap((line) => (JSON.parse(line) as { receipts: { logs: RpcLog[] }[] }).receipts)
    .flatMap((receipt) => receipt.logs)
    .filter(({ address }) => address === relay);
  return parseEventLogs({
    abi: InferenceSettlementRelayAbi,
    eventName: "IndividualSettlement",
    logs: logs.map((log) => formatLog(log)),
  }).map(({ transactionHash, logIndex, args }) => ({ key: key(transactionHash, logIndex), ...args }));
}

describe.skipIf(!hasRecording)("the payloads of the recorded chain", () => {
  it("match where they are what was signed, and nowhere else", () => {
    const kinds = new Map(ogTruth().individual.map(({ tx, logIndex, kind }) => [key(tx, logIndex), kind]));
    const settlements = individualSettlements();
    expect(settlements.length).toBe(kinds.size);
    for (const { key, walrusBlobId, ...signed } of settlements) {
      const file = path.join(recordingDirectory, "blobs", blobIdOf(walrusBlobId) ?? "no such file");
      const found = existsSync(file) ? readPayload(readFileSync(file), signed) : undefined;
      const kind = kinds.get(key) ?? "not in the truth";
      expect({ key, kind, state: found?.state ?? "absent", reason: found?.reason ?? null }).toEqual({
        key,
        kind,
        ...READINGS[kind],
      });
    }
  });
});
