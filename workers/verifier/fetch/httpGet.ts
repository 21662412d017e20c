/** GETs from untrusted servers, bounded in bytes, time, and the hosts that redirects may lead to. */
import http from "node:http";
import https from "node:https";
import type { LookupFunction } from "node:net";
import { codeOf } from "../../../db/sqlState.ts";
import { PrivateAddressError, publicLookup, refusePrivateLiteral } from "./lookup.ts";
import type { MemoryHold } from "./memoryHold.ts";

export interface GetLimits {
  readonly maxBytes: number;
  /** To establish the connection, TLS included. */
  readonly connectMs: number;
  /** Without receiving anything. */
  readonly stallMs: number;
  readonly totalMs: number;
}

/** Why a fetch failed; stable. All but the last two concern the server, those this response alone. */
export type GetFailure =
  | "unreachable"
  | "no-answer"
  | "server-error"
  | "private-address"
  | "redirect-refused"
  | "slow-body"
  | "broken-body";

export type GetOutcome =
  /** The whole body, in a buffer of its own. */
  | { readonly kind: "found"; readonly bytes: Uint8Array<ArrayBuffer> }
  /** The server says that it does not exist. */
  | { readonly kind: "absent"; readonly detail: string }
  | { readonly kind: "too-large"; readonly detail: string }
  | { readonly kind: "failed"; readonly reason: GetFailure; readonly detail: string };

const MAX_REDIRECTS = 3;
const ABSENT = new Set([
  400, // not a valid Walrus id: 43 characters carry 258 bits, of which an id uses 256
  404,
  410,
  451,
]);
/** An error's body is read up to this size so that its connection can be reused; beyond it the connection is closed. */
const MAX_ERROR_BODY_BYTES = 64 * 1024;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export interface HttpGetOptions {
  /** Whether private, loopback and link-local addresses may be connected to. */
  readonly allowPrivate: boolean;
  readonly lookup?: LookupFunction;
}

/** A GET client that keeps connections alive. */
export class HttpGet {
  readonly #agents: { readonly "http:": http.Agent; readonly "https:": https.Agent };
  readonly #allowPrivate: boolean;
  readonly #lookup: LookupFunction | undefined;

  constructor({ allowPrivate, lookup }: HttpGetOptions) {
    this.#allowPrivate = allowPrivate;
    this.#lookup = lookup ?? (allowPrivate ? undefined : publicLookup());
    const settings = { keepAlive: true, maxFreeSockets: 32, timeout: 60_000 };
    this.#agents = { "http:": new http.Agent(settings), "https:": new https.Agent(settings) };
  }

  /**
   * Never rejects.
   * @param hold - accounts for the body's memory.
   */
  async get(url: URL, limits: GetLimits, hold: MemoryHold, signal: AbortSignal): Promise<GetOutcome> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(limits.totalMs)]);
    let target = url;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const outcome = await this.#once(target, limits, hold, deadline);
      if (!("location" in outcome)) return outcome;
      const next = redirectTarget(target, outcome.location);
      if (next === undefined)
        return failed(
          "redirect-refused",
          `${target.host} redirects to another host; such redirects are not followed`,
        );
      target = next;
    }
    return failed("redirect-refused", `${url.host} redirects more than ${MAX_REDIRECTS} times`);
  }

  close(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  async #once(
    url: URL,
    limits: GetLimits,
    hold: MemoryHold,
    signal: AbortSignal,
  ): Promise<GetOutcome | { readonly location: string }> {
    try {
      if (!this.#allowPrivate) refusePrivateLiteral(url.hostname);
    } catch (error) {
      return refusal(error);
    }
    const opened = await this.#open(url, limits, signal);
    if ("kind" in opened) return opened;
    const { response, silence } = opened;
    const outcome = await readResponse(response, limits, hold, silence, signal);
    silence.stop();
    // once its body is read to the end, the connection can serve the next request
    if (!response.complete) response.destroy();
    return outcome;
  }

  /** Sends the request and waits for the response's head. */
  async #open(
    url: URL,
    limits: GetLimits,
    signal: AbortSignal,
  ): Promise<{ readonly response: http.IncomingMessage; readonly silence: Silence } | GetOutcome> {
    // settings and redirects allow only these two
    const protocol = url.protocol as "http:" | "https:";
    for (;;) {
      const request = (protocol === "https:" ? https : http).get(url, {
        agent: this.#agents[protocol],
        headers: { accept: "application/octet-stream, */*;q=0.1", "accept-encoding": "identity" },
        ...(this.#lookup === undefined ? {} : { lookup: this.#lookup }),
      });
      const silence = new Silence(limits.connectMs, () => request.destroy());
      const abort = () => request.destroy();
      signal.addEventListener("abort", abort, { once: true });
      if (signal.aborted) abort();
      request.once("socket", (socket) => {
        const connected = () => silence.restart(limits.stallMs);
        if (!socket.connecting) connected();
        else socket.once(protocol === "https:" ? "secureConnect" : "connect", connected);
      });
      try {
        const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
          request.once("response", resolve);
          request.once("error", reject);
          request.once("close", () => reject(new Error("the connection was closed")));
        });
        request.on("error", () => {}); // the response reports it too
        silence.restart(limits.stallMs);
        response.once("close", () => signal.removeEventListener("abort", abort));
        return { response, silence };
      } catch (error) {
        signal.removeEventListener("abort", abort);
        silence.stop();
        const code = codeOf(error);
        // the server closed a kept-alive connection just as we reused it
        if (request.reusedSocket && code === "ECONNRESET" && !signal.aborted) continue;
        if (error instanceof PrivateAddressError) return refusal(error);
        const waited = silence.over || signal.aborted;
        return waited
          ? failed("no-answer", `${url.host} does not answer in time`)
          : failed("unreachable", `${url.host}: ${code ?? (error instanceof Error ? error.message : error)}`);
      }
    }
  }
}

/** A timer that ends a request which has been silent for too long. */
class Silence {
  #timer: NodeJS.Timeout;
  over = false;

  constructor(
    ms: number,
    private readonly end: () => void,
  ) {
    this.#timer = this.#start(ms);
  }

  restart(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = this.#start(ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #start(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.over = true;
      this.end();
    }, ms);
  }
}

async function readResponse(
  response: http.IncomingMessage,
  limits: GetLimits,
  hold: MemoryHold,
  silence: Silence,
  signal: AbortSignal,
): Promise<GetOutcome | { readonly location: string }> {
  const { statusCode = 0, headers } = response;
  if (statusCode !== 200) {
    await skipBody(response);
    if (REDIRECTS.has(statusCode)) return { location: headers.location ?? "" };
    const detail = `the aggregator answered with HTTP ${statusCode}`;
    return ABSENT.has(statusCode) ? { kind: "absent", detail } : failed("server-error", detail);
  }
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity")
    return failed(
      "broken-body",
      `the aggregator sent content-encoding ${encoding} although identity was requested`,
    );

  const declared = Number(headers["content-length"] ?? 0);
  if (declared > limits.maxBytes) return tooLarge(`declares ${declared} bytes`, limits);
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    if (hold.mustWait(declared)) await waitForSlot(hold, silence, limits, signal);
    for await (const chunk of chunksOf(response)) {
      length += chunk.length;
      if (length > limits.maxBytes) return tooLarge("is too large", limits);
      if (hold.mustWait(length)) await waitForSlot(hold, silence, limits, signal);
      silence.restart(limits.stallMs);
      chunks.push(chunk);
    }
  } catch {
    return silence.over || signal.aborted
      ? failed("slow-body", `the blob stalled after ${length} bytes`)
      : failed("broken-body", `the blob broke off after ${length} bytes`);
  }
  if (!response.complete) return failed("broken-body", `the blob broke off after ${length} bytes`);
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return { kind: "found", bytes };
}

const chunksOf = (response: http.IncomingMessage) => response as AsyncIterable<Buffer>; // no encoding was set

async function skipBody(response: http.IncomingMessage): Promise<void> {
  let length = 0;
  try {
    for await (const chunk of chunksOf(response)) {
      length += chunk.length;
      if (length > MAX_ERROR_BODY_BYTES) return;
    }
  } catch {} // the status is enough
}

/** Stops the stall timer while we wait: the server is not at fault. @throws when the whole request takes too long. */
async function waitForSlot(
  hold: MemoryHold,
  silence: Silence,
  limits: GetLimits,
  signal: AbortSignal,
): Promise<void> {
  silence.stop();
  await new Promise<void>((resolve, reject) => {
    const abort = () => reject(new Error("too late"));
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    hold.wait().then(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, reject);
  });
  silence.restart(limits.stallMs);
}

/** A redirect within the same origin, or from http to https of the same host; undefined for any other. */
function redirectTarget(from: URL, location: string): URL | undefined {
  if (location === "" || !URL.canParse(location, from.href)) return undefined;
  const to = new URL(location, from);
  const upgraded = from.protocol === "http:" && to.protocol === "https:" && to.hostname === from.hostname;
  return (to.origin === from.origin || upgraded) && to.username === "" && to.password === "" ? to : undefined;
}

const failed = (reason: GetFailure, detail: string): GetOutcome => ({ kind: "failed", reason, detail });

const tooLarge = (how: string, { maxBytes }: GetLimits): GetOutcome => ({
  kind: "too-large",
  detail: `the blob ${how}; at most ${maxBytes} bytes are read`,
});

function refusal(error: unknown): GetOutcome {
  if (error instanceof PrivateAddressError) return failed("private-address", error.message);
  throw error;
}
