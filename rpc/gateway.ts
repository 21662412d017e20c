/**
 * A JSON-RPC endpoint on the loopback interface in front of one chain's configured endpoints. Ponder talks to it
 * instead of to them: Ponder limits itself to a fixed rate per URL and ends after ten failures, and it understands
 * few of the ways in which providers refuse a request. The policy is here: order of endpoints, chain id, back-off,
 * rate, range of eth_getLogs, pruned state.
 */
import http from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../config/log.ts";
import { createJobs, LATE } from "./jobs.ts";
import { isPrunedState, isPrunedStateIfOld, logLimit, type RpcError, type RpcRequest } from "./jsonRpc.ts";
import { blockRange, joinResults, smallerRange, splitRange, toBlockNumber } from "./logRanges.ts";
import { createNotices } from "./notices.ts";
import { Upstream, type UpstreamSettings } from "./upstream.ts";

const HOLD_MS = 8_000;
/** Ponder repeats a failed request after at most 64 s. */
const KEEP_MS = 75_000;
const RETRY_FIRST_MS = 100;
const RETRY_LONGEST_MS = 2_000;
/** State this close to the head is kept by every node, so a complaint about it is a passing fault. */
const STATE_KEPT_BLOCKS = 64;
const PIECES_AT_ONCE = 8;
const STATE_METHODS = new Map([
  ["eth_call", 1],
  ["eth_getBalance", 1],
  ["eth_getCode", 1],
  ["eth_getTransactionCount", 1],
  ["eth_getStorageAt", 2],
]);

/** The upstream's last word: passed on to the caller as it is. */
class FinalError extends Error {
  override readonly name = "FinalError";

  readonly error: RpcError;

  constructor(error: RpcError) {
    super(error.message);
    this.error = error;
  }
}

export interface GatewaySettings {
  readonly chainId: number;
  /** In order of preference. */
  readonly urls: readonly string[];
  /** The variables a user would change. */
  readonly urlVariable: string;
  readonly chainIdVariable: string;
  /** Any free one by default. */
  readonly port?: number;
  /** How long a caller is kept waiting; a little less than its own time-out. Ponder's is 10 s. */
  readonly holdMs?: number;
}

export interface Gateway {
  readonly url: string;
  /** Resolves when an endpoint answers with the right chain id; says what is wrong until then. @throws the signal's reason. */
  readonly waitUntilReachable: (signal: AbortSignal) => Promise<void>;
  /** Number of the newest block. @throws when it cannot be had before `signal`. */
  readonly headBlock: (signal: AbortSignal) => Promise<number>;
  readonly stop: () => Promise<void>;
}

export async function startGateway(settings: GatewaySettings, log: Log): Promise<Gateway> {
  const notices = createNotices(log);
  const upstreams = settings.urls.map((url): Upstream => {
    const { chainId, urlVariable, chainIdVariable } = settings;
    return new Upstream({ url, chainId, urlVariable, chainIdVariable } satisfies UpstreamSettings, notices);
  });
  if (upstreams.length === 0)
    throw new Error(`${settings.urlVariable} names no endpoint; give at least one URL`);
  const jobs = createJobs<Buffer>(settings.holdMs ?? HOLD_MS, KEEP_MS);
  let newestHead = 0;

  /** The first endpoint that can be used, but for those `tried`; waits for one. Undefined when all were tried. */
  const pick = async (
    tried: ReadonlySet<Upstream>,
    skip: (upstream: Upstream) => boolean,
    signal: AbortSignal,
  ): Promise<Upstream | undefined> => {
    for (;;) {
      signal.throwIfAborted();
      const candidates = upstreams.filter((upstream) => !skip(upstream));
      const open = candidates.filter((upstream) => !tried.has(upstream));
      const ready = open.find((upstream) => upstream.isReady());
      // those before it are looked at again without keeping anyone waiting
      for (const upstream of open) {
        if (upstream === ready) return ready;
        const checked = upstream.check();
        if (ready === undefined && (await checked)) return upstream;
      }
      if (candidates.some((upstream) => tried.has(upstream)) || candidates.length === 0) return undefined;
      const pauseMs = Math.min(...candidates.map((upstream) => upstream.pausedForMs()));
      await sleep(Math.max(20, pauseMs), undefined, { signal });
    }
  };

  /** Asks one endpoint after the other, again and again, until one has the last word. */
  const ask = async (request: RpcRequest, signal: AbortSignal): Promise<Buffer> => {
    const stateBlock = toBlockNumber(request.params[STATE_METHODS.get(request.method) ?? -1]);
    const lacksState = (upstream: Upstream) => stateBlock !== undefined && upstream.isPruned(stateBlock);
    let final: RpcError | undefined;
    for (let round = 0; ; round += 1) {
      const tried = new Set<Upstream>();
      for (;;) {
        if (
          stateBlock !== undefined &&
          upstreams.every((upstream) => lacksState(upstream) || upstream.isDown())
        )
          if (upstreams.some(lacksState)) throw new FinalError(stateNotKept(stateBlock));
        const upstream = await pick(tried, lacksState, signal);
        if (upstream === undefined) break;
        tried.add(upstream);
        const answer = await upstream.send(request, signal);
        if (answer.kind === "result") return answer.body;
        if (answer.kind === "fault")
          notices.warn(
            "fault",
            `the RPC reports passing faults (${answer.reason}); repeating requests`,
            300_000,
          );
        if (answer.kind !== "error") continue;
        const { error } = answer;
        if (stateBlock !== undefined && (await isGone(error, stateBlock, signal))) {
          upstream.learnPruned(stateBlock);
          continue;
        }
        if (stateBlock !== undefined && isPrunedState(error.message)) continue; // of a recent block: passing
        if (request.method === "eth_getLogs") {
          const pieces = await askInPieces(upstream, request, error, signal);
          if (pieces !== undefined) return pieces;
        }
        // a revert is the same everywhere; anything else another endpoint may know better, once
        if (/revert/i.test(error.message) || upstreams.length === 1) throw new FinalError(error);
        final = error;
      }
      if (final !== undefined) throw new FinalError(final);
      const jitter = 0.75 + Math.random() / 2;
      await sleep(Math.min(RETRY_LONGEST_MS, RETRY_FIRST_MS * 2 ** round) * jitter, undefined, { signal });
    }
  };

  const isGone = async (error: RpcError, block: number, signal: AbortSignal): Promise<boolean> => {
    if (!isPrunedState(error.message) && !isPrunedStateIfOld(error.message)) return false;
    if (block < newestHead - STATE_KEPT_BLOCKS) return true;
    newestHead = await headBlock(signal);
    return block < newestHead - STATE_KEPT_BLOCKS;
  };

  /** Undefined when the error is about something else than the amount of blocks or logs. */
  const askInPieces = async (
    upstream: Upstream,
    request: RpcRequest,
    error: RpcError,
    signal: AbortSignal,
  ): Promise<Buffer | undefined> => {
    const limit = logLimit(error.message);
    const range = blockRange(request);
    if (limit === undefined || range === undefined || range.from === range.to) return undefined;
    const refused = range.to - range.from + 1;
    const blocks = smallerRange(refused, limit.kind === "range" ? limit.maxBlocks : undefined);
    // how many logs a range holds differs from place to place, so only limits on blocks are worth remembering
    if (limit.kind === "range") upstream.learnLogBlocks(blocks);
    return askPieces(splitRange(request, blocks), signal);
  };

  const askPieces = async (pieces: readonly RpcRequest[], signal: AbortSignal): Promise<Buffer> => {
    const bodies: Buffer[] = [];
    let next = 0;
    const worker = async () => {
      for (let index = next++; index < pieces.length; index = next++) {
        const piece = pieces[index];
        if (piece !== undefined) bodies[index] = await ask(piece, signal);
      }
    };
    await Promise.all(Array.from({ length: Math.min(PIECES_AT_ONCE, pieces.length) }, worker));
    return joinResults(bodies);
  };

  /** Spares the question whose refusal is known beforehand. */
  const answer = (request: RpcRequest, signal: AbortSignal): Promise<Buffer> => {
    const range = request.method === "eth_getLogs" ? blockRange(request) : undefined;
    const blocks = upstreams.find((upstream) => upstream.pausedForMs() === 0)?.logBlocks;
    return range !== undefined && blocks !== undefined && range.to - range.from + 1 > blocks
      ? askPieces(splitRange(request, blocks), signal)
      : ask(request, signal);
  };

  const headBlock = async (signal: AbortSignal): Promise<number> => {
    const body = await ask({ method: "eth_blockNumber", params: [] }, signal);
    const head = toBlockNumber((JSON.parse(body.toString()) as { result: unknown }).result);
    if (head === undefined)
      throw new Error(`${settings.urlVariable}: eth_blockNumber answered without a number`);
    newestHead = Math.max(newestHead, head);
    return head;
  };

  const respond = async (request: RpcRequest): Promise<Buffer | RpcError> => {
    const key = JSON.stringify([request.method, request.params]);
    try {
      const outcome = await jobs.run(key, isLasting(request), (signal) => answer(request, signal));
      return outcome === LATE ? NOT_YET : outcome;
    } catch (error) {
      if (error instanceof FinalError) return error.error;
      return { code: -32603, message: error instanceof Error ? error.message : String(error) };
    }
  };

  const server = http.createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", async () => {
      const { id, request } = parseRequest(Buffer.concat(chunks));
      const reply =
        request === undefined
          ? { code: -32600, message: "one JSON-RPC request is expected" }
          : await respond(request);
      outgoing.setHeader("content-type", "application/json");
      outgoing.end(
        Buffer.isBuffer(reply) ? withId(reply, id) : JSON.stringify({ jsonrpc: "2.0", id, error: reply }),
      );
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(settings.port ?? 0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo; // listening on a host, so not a pipe

  return {
    url: `http://127.0.0.1:${port}`,
    headBlock,
    waitUntilReachable: async (signal) => {
      await pick(new Set(), () => false, signal);
    },
    stop: async () => {
      jobs.stop();
      for (const upstream of upstreams) upstream.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Worded so that Ponder neither takes it for a revert nor for a limit on eth_getLogs. */
const NOT_YET: RpcError = { code: -32603, message: "the chain's endpoints have not answered yet; ask again" };

/** Code and first words make Ponder and viem take it for a revert, which they do not repeat. */
const stateNotKept = (block: number): RpcError => ({
  code: 3,
  message: `execution reverted: state of block ${block} is not kept by the RPC`,
});

/** Whether the answer stays true: nothing in the question means "now". */
const isLasting = ({ method, params }: RpcRequest) =>
  method !== "eth_blockNumber" && !/"(?:latest|pending|safe|finalized)"/.test(JSON.stringify(params));

function parseRequest(body: Buffer): { id: unknown; request: RpcRequest | undefined } {
  try {
    const { id, method, params } = JSON.parse(body.toString()) as Record<string, unknown>;
    if (typeof method !== "string" || !Array.isArray(params ?? []))
      return { id: id ?? null, request: undefined };
    return { id: id ?? null, request: { method, params: (params as unknown[] | undefined) ?? [] } };
  } catch {
    return { id: null, request: undefined };
  }
}

const USUAL_BEGINNING = Buffer.from('{"jsonrpc":"2.0","id":1,');

/** The upstream was asked with id 1; the caller expects its own. */
function withId(body: Buffer, id: unknown): Buffer {
  if (id === 1) return body;
  if (body.subarray(0, USUAL_BEGINNING.length).equals(USUAL_BEGINNING))
    return Buffer.concat([
      Buffer.from(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},`),
      body.subarray(USUAL_BEGINNING.length),
    ]);
  return Buffer.from(JSON.stringify({ ...(JSON.parse(body.toString()) as object), id }));
}
