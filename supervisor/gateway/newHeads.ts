/**
 * Subscribes to new blocks over a WebSocket. Only the block number is used, and only as a hint: the newest block itself is
 * fetched over HTTP under the gateway's policy. So a silent, wrong or lost socket costs nothing but time.
 */
import { WebSocket } from "ws";
import { redactUrl, withoutSecretsOf } from "../../config/redact.ts";
import { toBlockNumber } from "./jsonRpc.ts";
import type { Notices } from "./notices.ts";

const MAX_MESSAGE_BYTES = 2 ** 20;
const HANDSHAKE_WITHIN_MS = 10_000;
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;
/** How long the chain may be ahead of the socket before the socket is replaced. */
const SILENT_AFTER_MS = 15_000;

export interface NewHeads {
  /** The newest block it announced; "nothing" while the socket is unreliable, undefined where none is configured. */
  readonly announced: () => number | "nothing" | undefined;
  /** Passes in the head as read over HTTP: a socket that stays behind it is replaced. */
  readonly compare: (head: number) => void;
  readonly stop: () => void;
}

export interface NewHeadsSettings {
  readonly url: string;
  readonly chainId: number;
  /** The settings that messages name. */
  readonly urlVariable: string;
  readonly pollingVariable: string;
}

/** For chains without a WebSocket. */
export const noNewHeads: NewHeads = { announced: () => undefined, compare: () => {}, stop: () => {} };

export function listenForNewHeads(
  { url, chainId, urlVariable, pollingVariable }: NewHeadsSettings,
  notices: Notices,
  now: () => number = () => Date.now(),
): NewHeads {
  const name = `${urlVariable} ${redactUrl(url)}`;
  let socket: WebSocket | undefined;
  let announced: number | undefined;
  let behindSince: number | undefined;
  let connectedAt: number | undefined;
  let pauseMs = FIRST_PAUSE_MS;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const giveUp = (from: WebSocket, reason: string) => {
    if (socket !== from) return;
    socket = undefined;
    announced = undefined;
    behindSince = undefined;
    connectedAt = undefined;
    from.terminate();
    if (stopped) return;
    notices.warn(
      "websocket",
      `${name} ${withoutSecretsOf(url, reason)}; polling ${pollingVariable}, reconnecting in ${Math.ceil(pauseMs / 1000)} s`,
    );
    timer = setTimeout(connect, pauseMs);
    pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2);
  };

  const read = (from: WebSocket, text: string) => {
    // any other shape throws below or has no number
    const message = JSON.parse(text) as {
      id?: unknown;
      result?: unknown;
      error?: { message?: unknown };
      params?: { result?: { number?: unknown } };
    };
    if (message.error !== undefined && message.error !== null)
      return giveUp(from, `refuses: ${String(message.error.message)}`);
    if (message.id === CHAIN_ID && Number(message.result) !== chainId)
      return giveUp(from, `has chain id ${Number(message.result)}, expected ${chainId}`);
    const number = toBlockNumber(message.params?.result?.number);
    if (number === undefined) return;
    if (announced === undefined) notices.recovered("websocket", `${name} announces new blocks`);
    pauseMs = FIRST_PAUSE_MS;
    announced = number;
    behindSince = undefined;
  };

  const connect = () => {
    const current = new WebSocket(url, {
      handshakeTimeout: HANDSHAKE_WITHIN_MS,
      maxPayload: MAX_MESSAGE_BYTES,
      followRedirects: false,
    });
    socket = current;
    current.on("open", () => {
      current.send(JSON.stringify({ jsonrpc: "2.0", id: CHAIN_ID, method: "eth_chainId", params: [] }));
      const subscribe = { jsonrpc: "2.0", id: SUBSCRIBE, method: "eth_subscribe", params: ["newHeads"] };
      current.send(JSON.stringify(subscribe));
    });
    current.on("message", (data) => {
      try {
        read(current, String(data));
      } catch {
        giveUp(current, "sent something other than JSON-RPC");
      }
    });
    current.on("error", (error) => giveUp(current, `cannot be used: ${error.message}`));
    current.on("close", (code) => giveUp(current, `closed the connection (${code})`));
  };

  connect();
  return {
    announced: () => (behindSince === undefined ? announced : undefined) ?? "nothing",
    compare: (head) => {
      // a new socket need not announce older blocks
      connectedAt ??= head;
      if (socket === undefined || (announced ?? connectedAt) >= head) {
        behindSince = undefined;
        return;
      }
      behindSince ??= now();
      if (now() - behindSince >= SILENT_AFTER_MS)
        giveUp(
          socket,
          `has announced no block after ${announced ?? connectedAt}, but the chain is at ${head}`,
        );
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      socket?.terminate();
    },
  };
}

const CHAIN_ID = 1;
const SUBSCRIBE = 2;
