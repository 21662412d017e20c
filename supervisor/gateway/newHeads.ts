/**
 * Hears of new blocks over a WebSocket. All that is taken from it is a number, and that as a hint: what the newest
 * block is, is asked over HTTP under the gateway's policy. So a socket that is silent, wrong or gone costs time only.
 */
import { WebSocket } from "ws";
import { redactUrl, withoutSecretsOf } from "../../config/redact.ts";
import { toBlockNumber } from "./jsonRpc.ts";
import type { Notices } from "./notices.ts";

const MAX_MESSAGE_BYTES = 2 ** 20;
const HANDSHAKE_WITHIN_MS = 10_000;
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;
/** How long the chain may be ahead of what the socket told. */
const SILENT_AFTER_MS = 15_000;

export interface NewHeads {
  /** The newest block it told of; "nothing" while it is not to be relied on, undefined where there is none. */
  readonly told: () => number | "nothing" | undefined;
  /** Tells it where the chain is, as HTTP has it: a socket that stays behind that is given up. */
  readonly compare: (head: number) => void;
  readonly stop: () => void;
}

export interface NewHeadsSettings {
  readonly url: string;
  readonly chainId: number;
  /** The variables a user would change. */
  readonly urlVariable: string;
  readonly pollingVariable: string;
}

/** For chains without a WebSocket. */
export const noNewHeads: NewHeads = { told: () => undefined, compare: () => {}, stop: () => {} };

export function listenForNewHeads(
  { url, chainId, urlVariable, pollingVariable }: NewHeadsSettings,
  notices: Notices,
  now: () => number = () => Date.now(),
): NewHeads {
  const name = `${urlVariable} ${redactUrl(url)}`;
  let socket: WebSocket | undefined;
  let told: number | undefined;
  let behindSince: number | undefined;
  let connectedAt: number | undefined;
  let pauseMs = FIRST_PAUSE_MS;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const giveUp = (from: WebSocket, reason: string) => {
    if (socket !== from) return;
    socket = undefined;
    told = undefined;
    behindSince = undefined;
    connectedAt = undefined;
    from.terminate();
    if (stopped) return;
    notices.warn(
      "websocket",
      `${name} ${withoutSecretsOf(url, reason)}; polling ${pollingVariable}, connecting again in ${Math.ceil(pauseMs / 1000)} s`,
    );
    timer = setTimeout(connect, pauseMs);
    pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2);
  };

  const read = (from: WebSocket, text: string) => {
    const message = JSON.parse(text) as {
      id?: unknown;
      result?: unknown;
      error?: { message?: unknown };
      params?: { result?: { number?: unknown } };
    };
    if (message.error !== undefined && message.error !== null)
      return giveUp(from, `refuses: ${String(message.error.message)}`);
    if (message.id === CHAIN_ID && Number(message.result) !== chainId)
      return giveUp(from, `answers with chain id ${Number(message.result)}, but ${chainId} is expected`);
    const number = toBlockNumber(message.params?.result?.number);
    if (number === undefined) return;
    if (told === undefined) notices.over("websocket", `${name} tells of new blocks`);
    pauseMs = FIRST_PAUSE_MS;
    told = number;
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
        giveUp(current, "sends something else than JSON-RPC");
      }
    });
    current.on("error", (error) => giveUp(current, `cannot be used: ${error.message}`));
    current.on("close", (code) => giveUp(current, `closed the connection (${code})`));
  };

  connect();
  return {
    told: () => (behindSince === undefined ? told : undefined) ?? "nothing",
    compare: (head) => {
      // a socket that is new need not know older blocks
      connectedAt ??= head;
      if (socket === undefined || (told ?? connectedAt) >= head) {
        behindSince = undefined;
        return;
      }
      behindSince ??= now();
      if (now() - behindSince >= SILENT_AFTER_MS)
        giveUp(socket, `has told of no block after ${told ?? connectedAt}, while the chain is at ${head}`);
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
