/** A gateway in front of scripted endpoints, for tests. */
import { onTestFinished } from "vitest";
import { createLog } from "../../../config/log.ts";
import { type Gateway, type GatewaySettings, startGateway } from "../gateway.ts";
import { type Sleep, sleep } from "../sleep.ts";
import { type FakeUpstream, startFakeUpstream } from "./fakeUpstream.ts";

/** For tests of what a held caller is told. */
export const HOLD_MS = 750;
/** For all other tests, however slow the machine is. */
const LONG_HOLD_MS = 60_000;
/** Pauses between attempts are this many times shorter than in production. */
const SPEED_UP = 20;

const shortened: Sleep = (ms, signal) => sleep(ms / SPEED_UP, signal);

export async function upstream(
  react: FakeUpstream["react"],
  chainId?: number,
  port?: number,
): Promise<FakeUpstream> {
  const fake = await startFakeUpstream(react, chainId, port);
  onTestFinished(fake.stop);
  return fake;
}

export interface TestGateway extends Gateway {
  /** What it logged. */
  readonly lines: string[];
}

export async function gatewayWith(
  settings: Partial<GatewaySettings> & Pick<GatewaySettings, "urls">,
): Promise<TestGateway> {
  const lines: string[] = [];
  const log = createLog({ LOG_LEVEL: "info", LOG_FORMAT: "pretty" }, "rpc", (line) => lines.push(line));
  const names = { chainId: 10740, urlVariable: "OG_RPC_URL", chainIdVariable: "OG_CHAIN_ID" };
  const patient = { holdMs: LONG_HOLD_MS, sleep: shortened };
  const started = await startGateway({ ...names, ...patient, ...settings }, log);
  onTestFinished(started.stop);
  return { ...started, lines };
}

export const gateway = (...urls: string[]): Promise<TestGateway> => gatewayWith({ urls });

/** A gateway that holds its callers for `HOLD_MS` only. */
export const impatientGateway = (...urls: string[]): Promise<TestGateway> =>
  gatewayWith({ urls, holdMs: HOLD_MS });

export interface Reply {
  readonly id: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

export async function call(
  url: string,
  method: string,
  params: readonly unknown[] = [],
  id: unknown = 7,
): Promise<Reply> {
  const body = JSON.stringify({ jsonrpc: "2.0", id, method, params });
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body });
  return (await response.json()) as Reply; // tests check what it holds
}
