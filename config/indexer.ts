/** What an indexer process is told by the supervisor, besides the settings that users choose. */
import {
  CHAIN_NAMES,
  type ChainName,
  ConfigurationError,
  chainSettings,
  type Environment,
} from "./environment.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * The chain of this deployment from `OPENGRADIENT_CHAIN`; undefined means both in one.
 * @throws {ConfigurationError} when it names no known chain.
 */
export function indexedChain(variables: Variables): ChainName | undefined {
  const value = variables.OPENGRADIENT_CHAIN;
  if (value === undefined || value === "") return undefined;
  const name = CHAIN_NAMES.find((known) => known === value);
  if (name === undefined)
    throw new ConfigurationError([
      `OPENGRADIENT_CHAIN: "${value}" is not a chain; give one of ${CHAIN_NAMES.join(", ")}`,
    ]);
  return name;
}

/**
 * Where Ponder sends its requests: the gateway that the supervisor runs for the indexed chain, or the configured
 * endpoints when Ponder is started by hand. The gateway is listed many times because Ponder limits requests per URL
 * and the gateway has a policy of its own.
 */
export function rpcUrls(name: ChainName, variables: Variables, environment: Environment): string[] {
  const gateway = variables.OPENGRADIENT_GATEWAY_URLS;
  if (gateway !== undefined && gateway !== "" && indexedChain(variables) === name) return gateway.split(",");
  return [...chainSettings(environment, name).rpcUrls];
}

/**
 * How often Ponder asks for the newest block. It has no WebSocket of its own: a silent one would stop it for good. The
 * gateway listens to the configured one and answers from what it heard, so asking more often costs nothing then.
 */
export const pollingIntervalMs = (name: ChainName, environment: Environment): number =>
  chainSettings(environment, name).wsUrl === undefined ? 1_000 : 250;
