/**
 * What decides the rows that an indexer writes: chains, contracts, start blocks. A deployment's schema is named after this
 * file and the values of these settings (supervisor/deployment.ts); src/ reads no other setting, so that changing another
 * one reindexes nothing.
 */
import { z } from "zod";
import {
  address,
  addresses,
  ConfigurationError,
  integer,
  readVariables,
  type Variables,
} from "./variables.ts";

/** The settings of each chain. */
export const INDEXING_SETTINGS = {
  og: {
    OG_CHAIN_ID: integer(10740, 1, 2 ** 31 - 1),
    OG_START_BLOCK: integer(0, 0, Number.MAX_SAFE_INTEGER),
    TEE_REGISTRY_ADDRESSES: addresses([
      "0x703cB174AEadB35D611858369B4b1111dC9Abda6",
      "0x4e72238852f3c918f4E4e57AeC9280dDB0c80248",
    ]),
    SETTLEMENT_RELAY_ADDRESSES: addresses(["0xf1dc0d5Dcf2A01924faC78185B9227CF3EC839A5"]),
    TEE_BATCH_VERIFIER_ADDRESSES: addresses(["0x626D71947f59E6574bDfAdA8eE48E4C96FF4203b"]),
    INFERENCE_PRECOMPILE_ADDRESS: address("0x00000000000000000000000000000000000000F4"),
    INFERENCE_HUB_ADDRESSES: addresses(["0x8383C9bD7462F12Eb996DD02F78234C0421A6FaE"]),
  },
  base: {
    BASE_CHAIN_ID: integer(8453, 1, 2 ** 31 - 1),
    BASE_START_BLOCK: integer(44_900_000, 0, Number.MAX_SAFE_INTEGER),
    OPG_ADDRESS: address("0xFbC2051AE2265686a469421b2C5A2D5462FbF5eB"),
    USDC_ADDRESS: address("0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"),
    X402_EXACT_PROXY_ADDRESS: address("0x402085c248EeA27D92E8b30b2C58ed07f9E20001"),
    X402_UPTO_PROXY_ADDRESS: address("0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002"),
    X402_BATCH_SETTLEMENT_ADDRESS: address("0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003"),
    EXTRA_PAYEE_ADDRESSES: addresses(["0x9deEBB5D1b22e4a6e027977CeAd13893A7E4cC1a"]),
  },
} as const;

const schema = z.object({ ...INDEXING_SETTINGS.og, ...INDEXING_SETTINGS.base });
export type IndexingSettings = z.output<typeof schema>;

/** @throws {ConfigurationError} naming every unusable variable, its value and the rule it breaks. */
export const readIndexingSettings = (variables: Variables): IndexingSettings =>
  readVariables(schema, variables);

/**
 * The chain of this deployment from `OPENGRADIENT_CHAIN`; undefined means both in one.
 * @throws {ConfigurationError} when it names no known chain.
 */
export function indexedChain(variables: Variables): keyof typeof INDEXING_SETTINGS | undefined {
  const name = variables.OPENGRADIENT_CHAIN;
  if (name === undefined || name === "") return undefined;
  if (name !== "og" && name !== "base")
    throw new ConfigurationError([`OPENGRADIENT_CHAIN: "${name}" is not a chain; give og or base`]);
  return name;
}
