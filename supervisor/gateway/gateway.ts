/**
 * Starts the RPC gateway: a JSON-RPC endpoint on the loopback interface in front of one chain's configured endpoints. Ponder
 * uses it instead of them, because Ponder limits itself to a fixed rate per URL, exits after ten failures, understands few of
 * the ways in which providers refuse a request, and trusts every answer. The gateway holds the policy: order of endpoints,
 * chain id, back-off, rate, eth_getLogs ranges, pruned state, and which head is trusted.
 */
import type { Log } from "../../config/log.ts";
import { toBody } from "./answer.ts";
import { ChainHeads } from "./chainHeads.ts";
import { Failover, FinalError } from "./failover.ts";
import { createJobs, LATE } from "./jobs.ts";
import type { RpcError, RpcRequest } from "./jsonRpc.ts";
import { LatestBlock } from "./latestBlock.ts";
import { LogQueries } from "./logQueries.ts";
import { startLoopbackServer } from "./loopbackServer.ts";
import { listenForNewHeads, noNewHeads } from "./newHeads.ts";
import { createNotices } from "./notices.ts";
import { type Sleep, sleep } from "./sleep.ts";
import { MAX_ANSWER_BYTES, Upstream } from "./upstream.ts";

const HOLD_MS = 8_000;
/** Ponder retries a failed request after at most 64 s. */
const KEEP_MS = 75_000;

export interface GatewaySettings {
  readonly chainId: number;
  /** In order of preference. */
  readonly urls: readonly string[];
  /** Announces new blocks sooner than polling finds them. */
  readonly wsUrl?: string | undefined;
  /** The settings that messages name. */
  readonly urlVariable: string;
  readonly wsUrlVariable?: string;
  readonly chainIdVariable: string;
  /** Any free one by default. */
  readonly port?: number;
  /** How long a caller is held; a little less than its own time-out. Ponder's is 10 s. */
  readonly holdMs?: number;
  /** The limit for an endpoint's answer, and for the gateway's own. */
  readonly maxAnswerBytes?: number;
  /** For an endpoint's whole answer. */
  readonly requestTimeoutMs?: number;
  /** How pauses between attempts are waited for; tests shorten them. */
  readonly sleep?: Sleep;
}

export interface Gateway {
  readonly url: string;
  /** Resolves when an endpoint answers with the right chain id; logs what is wrong until then. @throws the signal's reason. */
  readonly waitUntilReachable: (signal: AbortSignal) => Promise<void>;
  /** Number of the newest block. @throws the signal's reason. */
  readonly headBlock: (signal: AbortSignal) => Promise<number>;
  /** The endpoints and their heads, for messages. */
  readonly describe: () => string;
  readonly stop: () => Promise<void>;
}

export async function startGateway(settings: GatewaySettings, log: Log): Promise<Gateway> {
  const { chainId, urlVariable, chainIdVariable, requestTimeoutMs, wsUrl } = settings;
  const { maxAnswerBytes = MAX_ANSWER_BYTES, wsUrlVariable = "the WebSocket" } = settings;
  const notices = createNotices(log);
  const shared = { chainId, urlVariable, chainIdVariable, maxAnswerBytes, requestTimeoutMs };
  const upstreams = settings.urls.map((url) => new Upstream({ ...shared, url }, notices));
  if (upstreams.length === 0) throw new Error(`${urlVariable}: no URL is given; give at least one`);
  const heads = new ChainHeads<Upstream>();
  const failover = new Failover(upstreams, heads, settings.sleep ?? sleep);
  const logs = new LogQueries(failover, heads, maxAnswerBytes);
  const latest = new LatestBlock(upstreams, failover, heads, notices);
  const newHeads =
    wsUrl === undefined
      ? noNewHeads
      : listenForNewHeads(
          { url: wsUrl, chainId, urlVariable: wsUrlVariable, pollingVariable: urlVariable },
          notices,
        );
  const jobs = createJobs<Buffer>(settings.holdMs ?? HOLD_MS, KEEP_MS);

  const headBlock = async (signal: AbortSignal): Promise<number> => {
    const head = await latest.number(signal);
    newHeads.compare(head);
    return head;
  };

  const answer = async ({ method, params }: RpcRequest, signal: AbortSignal): Promise<Buffer> => {
    if (method === "eth_blockNumber") return toBody(`0x${(await headBlock(signal)).toString(16)}`);
    if (method === "eth_getLogs") return logs.ask({ method, params }, signal);
    if (method === "eth_getBlockByNumber" && params[0] === "latest") {
      const body = await latest.get(params[1] === true, newHeads.announced(), signal);
      newHeads.compare(latest.shown());
      return body;
    }
    return (await failover.ask({ method, params }, signal)).body;
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

  const server = await startLoopbackServer(settings.port ?? 0, respond);
  return {
    url: server.url,
    headBlock,
    describe: () => latest.describe(),
    waitUntilReachable: async (signal) => {
      await failover.pick(new Set(), () => false, signal);
    },
    stop: async () => {
      jobs.stop();
      newHeads.stop();
      for (const upstream of upstreams) upstream.close();
      await server.stop();
    },
  };
}

/** The wording keeps Ponder from taking it for a revert or for a limit on eth_getLogs. */
const NOT_YET: RpcError = { code: -32603, message: "the chain's endpoints have not answered yet; ask again" };

/** Whether the answer stays valid: nothing in the request means "now". */
const isLasting = ({ method, params }: RpcRequest) =>
  method !== "eth_blockNumber" && !/"(?:latest|pending|safe|finalized)"/.test(JSON.stringify(params));
