/**
 * Recorded chains with the contracts' own answers. `RECORDING` points at a recording (default `../shared/replay/rec/dev`),
 * `RECORDING_SERVER` at the program that plays it (default `../shared/replay/replay.mjs`).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import type { ChainName } from "../../config/environment.ts";

const root = path.resolve(import.meta.dirname, "../..");
export const recordingDirectory = path.resolve(root, process.env.RECORDING || "../shared/replay/rec/dev");
const server = path.resolve(root, process.env.RECORDING_SERVER || "../shared/replay/replay.mjs");

/** Whether there is anything to compare with; a recording that was asked for must be there. */
export const hasRecording = existsSync(recordingDirectory);
if (process.env.RECORDING && !hasRecording)
  throw new Error(`RECORDING: ${recordingDirectory} does not exist`);

type Hex = `0x${string}`;

export interface OgTruth {
  readonly head: number;
  readonly nodes: Readonly<
    Record<
      Hex,
      {
        index: number;
        owner: Hex;
        paymentAddress: Hex;
        endpoint: { hex: Hex; utf8: string };
        pcrHash: Hex;
        teeType: number;
        registeredAt: number;
        /** Leaves of batches that are `ok`, and distinct inferences. */
        counts: Readonly<
          Record<
            "leavesValid" | "leavesInvalid" | "uniqueValid" | "uniqueIndividual" | "uniqueValidNotIndividual",
            number
          >
        >;
      }
    >
  >;
  readonly checkpoints: readonly {
    readonly tag: string;
    readonly block: number;
    readonly timestamp: number;
    readonly nodes: Readonly<Record<Hex, { active: boolean; enabled: boolean; lastHeartbeatAt: number }>>;
    readonly activeByType: Readonly<Record<string, readonly Hex[]>>;
    readonly approvedPCRs: readonly { readonly pcrHash: Hex; readonly teeType: number }[];
  }[];
  readonly hourly: readonly { timestamp: number; active: readonly number[]; enabled: readonly number[] }[];
  readonly individual: readonly {
    readonly tx: Hex;
    readonly block: number;
    readonly logIndex: number;
    readonly kind: string;
    readonly sigValid: boolean;
  }[];
  readonly batches: readonly BatchTruth[];
}

export interface BatchTruth {
  readonly block: number;
  readonly merkleRoot: Hex;
  readonly blobId: Hex;
  readonly logIndex: number;
  /** What the simulation did to it. */
  readonly kind: string;
  readonly status:
    | "ok"
    | "bad_id"
    | "blob_missing"
    | "not_json"
    | "wrong_format"
    | "malformed_values"
    | "root_mismatch";
  readonly sizeMatch: boolean;
  /** Node, whether the signature verifies, and why the leaf counts or not. */
  readonly leaves: readonly (readonly [teeId: Hex, valid: 0 | 1, state: string, ...rest: unknown[]])[];
}

interface ChannelFigures {
  readonly balance: string;
  readonly totalClaimed: string;
  readonly pendingAmount: string;
}

export interface BaseTruth {
  readonly head: number;
  readonly payments: readonly {
    readonly tx: Hex;
    readonly token: Hex;
    readonly scheme: string;
    readonly payer: Hex;
    readonly payee: Hex;
    readonly amount: string;
  }[];
  readonly opgX402Totals: Readonly<
    Record<"byPayer" | "byPayee", Readonly<Record<Hex, { n: number; amount: string }>>>
  >;
  readonly channels: readonly { readonly id: Hex; readonly head: ChannelFigures }[];
  readonly checkpoints: readonly {
    readonly tag: string;
    readonly timestamp: number;
    readonly channels: Readonly<Record<Hex, ChannelFigures>>;
    readonly receivers: Readonly<Record<string, { totalClaimed: string; totalSettled: string }>>;
  }[];
}

export interface RecordingMeta {
  readonly og: {
    readonly contracts: Readonly<Record<"registry" | "relay" | "verifier" | "batchVerifier", Hex>>;
  };
  readonly base: {
    readonly contracts: Readonly<Record<"opg" | "usdc" | "exact" | "upto" | "batchSettlement", Hex>>;
  };
}

const readTruth = <T>(chain: ChainName): T =>
  JSON.parse(
    gunzipSync(readFileSync(path.join(recordingDirectory, `truth-${chain}.json.gz`))).toString(),
  ) as T; // the recording's own format

export const ogTruth = () => readTruth<OgTruth>("og");
export const baseTruth = () => readTruth<BaseTruth>("base");
export const recordingMeta = () =>
  JSON.parse(readFileSync(path.join(recordingDirectory, "meta.json"), "utf8")) as RecordingMeta; // the recording's own format

/** The settings under which the indexer reads the recorded contracts. */
export function recordedSettings(extraPayees: readonly Hex[]): Record<string, string> {
  const { og, base } = recordingMeta();
  return {
    TEE_REGISTRY_ADDRESSES: og.contracts.registry,
    SETTLEMENT_RELAY_ADDRESSES: og.contracts.relay,
    TEE_BATCH_VERIFIER_ADDRESSES: `${og.contracts.verifier},${og.contracts.batchVerifier}`,
    OPG_ADDRESS: base.contracts.opg,
    USDC_ADDRESS: base.contracts.usdc,
    X402_EXACT_PROXY_ADDRESS: base.contracts.exact,
    X402_UPTO_PROXY_ADDRESS: base.contracts.upto,
    X402_BATCH_SETTLEMENT_ADDRESS: base.contracts.batchSettlement,
    EXTRA_PAYEE_ADDRESSES: extraPayees.join(","),
    OG_START_BLOCK: "0",
    BASE_START_BLOCK: "0",
  };
}

export interface ReplayServer {
  readonly url: string;
  readonly process: ChildProcess;
  readonly stop: () => void;
}

/** Plays one recorded chain as JSON-RPC (and `og` as a Walrus aggregator); `options` are the player's own. */
export async function startReplay(
  chain: ChainName,
  port: number,
  options: readonly string[] = [],
): Promise<ReplayServer> {
  const player = spawn(
    process.execPath,
    [server, recordingDirectory, chain, "--port", String(port), ...options],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  await new Promise<void>((resolve, reject) => {
    player.stdout.once("data", () => resolve());
    player.once("exit", (code) => reject(new Error(`${server} ended with ${code}`)));
  });
  return { url: `http://127.0.0.1:${port}`, process: player, stop: () => player.kill("SIGKILL") };
}
