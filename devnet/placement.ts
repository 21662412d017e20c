/** Places the contracts at the addresses of the indexer's default configuration, and initialises them. */

import type { Address } from "viem";
import { readEnvironment } from "../config/environment.ts";
import type { DevChain, PlacedContract } from "./chain.ts";
import { type CompiledContracts, compiledContract } from "./compile.ts";

const defaults = readEnvironment({});
const first = <T>(values: readonly T[], name: string): T => {
  const [value] = values;
  if (value === undefined)
    throw new Error(`config/environment.ts: ${name} has no default to place a contract at`);
  return value;
};
const second = <T>(values: readonly T[], name: string): T => first(values.slice(1), `a second of ${name}`);

/** The contracts' addresses. Those in the indexer's configuration are its defaults. */
export const ADDRESSES = {
  registry: first(defaults.TEE_REGISTRY_ADDRESSES, "TEE_REGISTRY_ADDRESSES"),
  legacyRegistry: second(defaults.TEE_REGISTRY_ADDRESSES, "TEE_REGISTRY_ADDRESSES"),
  relay: first(defaults.SETTLEMENT_RELAY_ADDRESSES, "SETTLEMENT_RELAY_ADDRESSES"),
  verifier: first(defaults.TEE_BATCH_VERIFIER_ADDRESSES, "TEE_BATCH_VERIFIER_ADDRESSES"),
  precompile: defaults.INFERENCE_PRECOMPILE_ADDRESS,
  hub: first(defaults.INFERENCE_HUB_ADDRESSES, "INFERENCE_HUB_ADDRESSES"),
  opg: defaults.OPG_ADDRESS,
  usdc: defaults.USDC_ADDRESS,
  exactProxy: defaults.X402_EXACT_PROXY_ADDRESS,
  uptoProxy: defaults.X402_UPTO_PROXY_ADDRESS,
  batchSettlement: defaults.X402_BATCH_SETTLEMENT_ADDRESS,
  defaultPayee: first(defaults.EXTRA_PAYEE_ADDRESSES, "EXTRA_PAYEE_ADDRESSES"),
  permit2: "0x000000000022D473030F116dDEE9F6B43aC78BA3",
  erc3009Collector: "0x4020806089470a89826cB9fB1f4059150b550004",
  permit2Collector: "0x4020425FAf3B746C082C2f942b4E5159887B0005",
  /** The devnet's own: the operators' wallet contract, and the facilitators' batching contract. */
  ogMulticaller: "0xde70000000000000000000000000000000000001",
  baseMulticaller: "0xde70000000000000000000000000000000000002",
  /** A token that calls itself OPG and is not. */
  falseOpg: "0xde70000000000000000000000000000000000003",
} as const satisfies Record<string, Address>;

export interface OgContracts {
  readonly registry: PlacedContract;
  readonly legacyRegistry: PlacedContract;
  /** The relay's earlier generation, at the relay's address until `upgradeRelay`. */
  readonly legacyRelay: PlacedContract;
  readonly relay: PlacedContract;
  readonly verifier: PlacedContract;
  readonly hub: PlacedContract;
  readonly precompile: PlacedContract;
  readonly multicaller: PlacedContract;
}

export interface BaseContracts {
  readonly opg: PlacedContract;
  readonly usdc: PlacedContract;
  readonly falseOpg: PlacedContract;
  readonly permit2: PlacedContract;
  readonly exactProxy: PlacedContract;
  readonly uptoProxy: PlacedContract;
  readonly batchSettlement: PlacedContract;
  readonly erc3009Collector: PlacedContract;
  readonly permit2Collector: PlacedContract;
  readonly multicaller: PlacedContract;
}

/** Places OpenGradient's contracts. The initialising transactions go into the next block. */
export async function placeOgContracts(
  chain: DevChain,
  compiled: CompiledContracts,
  admin: Address,
): Promise<OgContracts> {
  const place = (name: string, address: Address) => chain.place(compiledContract(compiled, name), address);
  const contracts = {
    registry: await place("TEERegistry", ADDRESSES.registry),
    legacyRegistry: await place("LegacyTEERegistry", ADDRESSES.legacyRegistry),
    legacyRelay: await place("LegacyInferenceSettlementRelay", ADDRESSES.relay),
    verifier: await place("TEEBatchVerifier", ADDRESSES.verifier),
    hub: await place("InferenceHub", ADDRESSES.hub),
    precompile: await place("InferencePrecompile", ADDRESSES.precompile),
    multicaller: await place("Multicaller", ADDRESSES.ogMulticaller),
  };
  await chain.call(admin, contracts.registry, "initialize", [admin]);
  await chain.call(admin, contracts.legacyRegistry, "initialize", [admin]);
  await chain.call(admin, contracts.verifier, "initialize", [admin, ADDRESSES.registry]);
  return {
    ...contracts,
    relay: { ...compiledContract(compiled, "InferenceSettlementRelay"), address: ADDRESSES.relay },
  };
}

/** Replaces the relay's code by the current generation's, as an upgrade behind a proxy would. */
export async function upgradeRelay(chain: DevChain, contracts: OgContracts, admin: Address): Promise<void> {
  await chain.place(contracts.relay, ADDRESSES.relay);
  await chain.call(admin, contracts.relay, "initialize", [admin, ADDRESSES.verifier]);
}

/** Places Base's contracts; none needs initialising. */
export async function placeBaseContracts(
  chain: DevChain,
  compiled: CompiledContracts,
): Promise<BaseContracts> {
  const place = (name: string, address: Address) => chain.place(compiledContract(compiled, name), address);
  return {
    opg: await place("OPG", ADDRESSES.opg),
    usdc: await place("USDC", ADDRESSES.usdc),
    falseOpg: await place("OPG", ADDRESSES.falseOpg),
    permit2: await place("Permit2", ADDRESSES.permit2),
    exactProxy: await place("X402ExactPermit2Proxy", ADDRESSES.exactProxy),
    uptoProxy: await place("X402UptoPermit2Proxy", ADDRESSES.uptoProxy),
    batchSettlement: await place("X402BatchSettlement", ADDRESSES.batchSettlement),
    erc3009Collector: await place("Erc3009DepositCollector", ADDRESSES.erc3009Collector),
    permit2Collector: await place("Permit2DepositCollector", ADDRESSES.permit2Collector),
    multicaller: await place("Multicaller", ADDRESSES.baseMulticaller),
  };
}
