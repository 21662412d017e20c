/**
 * The devnet: two chains, a blob store, and traffic on all of them. Every start is from scratch: new chains with a history
 * that ends now. Only compiled contracts and keys are kept between starts.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { readEnvironment } from "../config/environment.ts";
import { Anvil } from "./anvil.ts";
import { openBaseWorld } from "./baseTraffic.ts";
import { BlobFiles, type BlobStore, serveBlobs } from "./blobStore.ts";
import { DevChain } from "./chain.ts";
import { goLive, writeHistory } from "./clockwork.ts";
import { compileContracts } from "./compile.ts";
import {
  type ControlServer,
  type NodeControl,
  nodeControl,
  type RegistryControl,
  registryControl,
  serveControl,
} from "./control.ts";
import { openOgWorld } from "./ogTraffic.ts";
import { SeededRandom } from "./random.ts";
import { drawCast } from "./traffic/cast.ts";

export const OG_CHAIN_ID = 10740;
export const BASE_CHAIN_ID = 8453;
/**
 * The indexer reads Base from block 44 900 000 on, and Ponder asks for the block before its first: the local
 * chain begins with that one.
 */
const BASE_FIRST_BLOCK = readEnvironment({}).BASE_START_BLOCK - 1;
const DAY_SECONDS = 86_400;
const OG_BLOCK_SECONDS = 3;
const BASE_BLOCK_SECONDS = 2;

/** A restart with the same data directory makes new chains; it does not continue the old ones. */
export const RESTART_POLICY = "afresh";

export interface DevnetOptions {
  /** Same seed, days and `endAt`: the same events, to the byte. Default 1. */
  readonly seed?: number;
  /** Length of the history; may be a fraction. Default 3. */
  readonly days?: number;
  /** Directory for blobs, old states and caches; a folder `devnet` is created in it. Default `.data`. */
  readonly dataDirectory?: string;
  /** Default 8545, 8546, 8547, 8548; 0 takes a free one for blobs and control. */
  readonly ogPort?: number;
  readonly basePort?: number;
  readonly blobPort?: number;
  readonly controlPort?: number;
  /** Whether blocks continue after the history. Default true. */
  readonly live?: boolean;
  /** Unix seconds at which the history ends. Default now; live traffic needs the default. */
  readonly endAt?: number;
  /** Default 900. */
  readonly heartbeatIntervalSeconds?: number;
  /** The same for live heartbeats; shorter for tests that cannot wait. Default: as in the history. */
  readonly liveHeartbeatSeconds?: number;
  /** How many times more frequent live inferences and payments are than in the history. Default 6. */
  readonly liveRate?: number;
  /** Called with lines of text about the progress. */
  readonly onProgress?: (line: string) => void;
  /** Called when live traffic breaks off or an anvil dies; the devnet is unusable from then on. */
  readonly onFailure?: (error: Error) => void;
  /** Aborts the start; a devnet that is ready is stopped with `stop`. */
  readonly signal?: AbortSignal;
}

export interface Devnet {
  readonly ogUrl: string;
  readonly baseUrl: string;
  readonly blobUrl: string;
  readonly controlUrl: string;
  readonly nodes: NodeControl;
  readonly registry: RegistryControl;
  /** Unix seconds. */
  readonly historyFrom: number;
  readonly historyUntil: number;
  /** Of each chain, at the end of the history. */
  readonly ogBlock: number;
  readonly baseBlock: number;
  /** Environment variables that point the project's other processes to this devnet; all others keep their defaults. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/**
 * Starts both chains, writes the history, and goes live.
 * @throws {PortError} when a port is taken. @throws {HistoryStoppedError} when `signal` aborts.
 */
export async function startDevnet(options: DevnetOptions = {}): Promise<Devnet> {
  const { seed = 1, days = 3, dataDirectory = ".data", live = true, liveRate = 6 } = options;
  const { ogPort = 8545, basePort = 8546, blobPort = 8547, controlPort = 8548 } = options;
  const report = options.onProgress ?? (() => {});
  const directory = resolve(dataDirectory, "devnet");
  const cacheDirectory = join(directory, "cache");
  const until = options.endAt ?? Math.floor(Date.now() / 1000);
  const span = { from: until - Math.round(days * DAY_SECONDS), until };
  const { heartbeatIntervalSeconds = 900, liveHeartbeatSeconds = heartbeatIntervalSeconds } = options;
  const pace = { heartbeatIntervalSeconds, liveHeartbeatSeconds, liveRate };

  const stopping = new AbortController();
  options.signal?.addEventListener("abort", () => stopping.abort(), { once: true });
  const parts: { stop(): Promise<void> }[] = [];
  let running: Promise<unknown> = Promise.resolve();
  const stop = async () => {
    stopping.abort();
    await running;
    await Promise.all(parts.splice(0).map((part) => part.stop()));
  };
  try {
    rmSync(join(directory, "blobs"), { recursive: true, force: true });
    mkdirSync(cacheDirectory, { recursive: true });
    report("contracts: compiling, or taken from the cache");
    const compiled = await compileContracts(cacheDirectory);
    report("keys: drawing, or taken from the cache");
    const random = new SeededRandom(`devnet ${seed}`);
    const cast = drawCast(random, cacheDirectory, span.from - 30 * DAY_SECONDS);

    const startChain = async (port: number, chainId: number, firstBlock: number) => {
      const anvil = await Anvil.start({
        port,
        chainId,
        firstBlock,
        firstTimestamp: span.from - 60,
        stateDirectory: join(directory, "states", String(chainId)),
      });
      parts.push(anvil);
      anvil.onExit((error) => {
        if (!stopping.signal.aborted) options.onFailure?.(error);
      });
      return DevChain.open(anvil);
    };
    const ogChain = await startChain(ogPort, OG_CHAIN_ID, 0);
    const baseChain = await startChain(basePort, BASE_CHAIN_ID, BASE_FIRST_BLOCK);
    const files = new BlobFiles(join(directory, "blobs"));
    const blobStore: BlobStore = await serveBlobs(files, blobPort);
    parts.push(blobStore);

    const og = await openOgWorld(ogChain, compiled, files, cast, random.fork("og"), span, pace);
    const base = await openBaseWorld(baseChain, compiled, cast, random.fork("base"), span, pace);
    const control: ControlServer = await serveControl(nodeControl(og), registryControl(og), controlPort);
    parts.push(control);

    const { signal } = stopping;
    await Promise.all([
      writeHistory(ogChain, og.timeline, until, 5, progressLines("og", report), signal),
      writeHistory(baseChain, base.timeline, until, 2, progressLines("base", report), signal),
    ]);
    const blocks = { ogBlock: ogChain.blockNumber, baseBlock: baseChain.blockNumber };
    if (live)
      running = Promise.all([
        goLive(ogChain, og.timeline, OG_BLOCK_SECONDS, signal),
        goLive(baseChain, base.timeline, BASE_BLOCK_SECONDS, signal),
      ]).catch((cause: unknown) => {
        if (signal.aborted) return;
        options.onFailure?.(cause instanceof Error ? cause : new Error(String(cause)));
      });
    return {
      ogUrl: ogChain.anvil.url,
      baseUrl: baseChain.anvil.url,
      blobUrl: blobStore.url,
      controlUrl: control.url,
      nodes: nodeControl(og),
      registry: registryControl(og),
      historyFrom: span.from,
      historyUntil: until,
      ...blocks,
      environment: {
        OG_RPC_URL: ogChain.anvil.url,
        BASE_RPC_URL: baseChain.anvil.url,
        WALRUS_AGGREGATOR_URLS: blobStore.url,
        WALRUS_ALLOW_PRIVATE: "true",
        PROBE_ALLOW_PRIVATE: "true",
        // a subscriber to a chain without new blocks would wait forever for the existing ones
        ...(live
          ? {
              OG_WS_URL: ogChain.anvil.url.replace("http", "ws"),
              BASE_WS_URL: baseChain.anvil.url.replace("http", "ws"),
            }
          : {}),
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Reports every 10 % of progress. */
function progressLines(chain: string, report: (line: string) => void) {
  let told = 0;
  return (done: number) => {
    const tenths = Math.min(10, Math.floor(done * 10));
    if (tenths <= told) return;
    told = tenths;
    report(`${chain}: ${tenths * 10} % of the history written`);
  };
}
