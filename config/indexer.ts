/** Where an indexer process sends its requests, and how often. It decides no row, so it is not part of a deployment's name. */
import { type ChainName, chainSettings, readEnvironment } from "./environment.ts";
import { indexedChain } from "./indexing.ts";
import type { Variables } from "./variables.ts";

/**
 * Where Ponder sends its requests: the gateway that the supervisor runs for the indexed chain, or the configured
 * endpoints when Ponder is started by hand. The gateway is listed many times because Ponder limits requests per URL
 * and the gateway has a policy of its own.
 */
export function rpcUrls(name: ChainName, variables: Variables): string[] {
  const gateway = variables.OPENGRADIENT_GATEWAY_URLS;
  if (gateway !== undefined && gateway !== "" && indexedChain(variables) === name) return gateway.split(",");
  return [...chainSettings(readEnvironment(variables), name).rpcUrls];
}

/**
 * How often Ponder asks for the newest block. It has no WebSocket of its own: a silent one would stop it for good. The
 * gateway listens to the configured one and answers from what it heard, so asking more often costs nothing then.
 */
export const pollingIntervalMs = (name: ChainName, variables: Variables): number =>
  chainSettings(readEnvironment(variables), name).wsUrl === undefined ? 1_000 : 250;
