import { createConfig } from "ponder";
import { InferenceHubAbi, InferencePrecompileAbi } from "./abis/Inference.ts";
import { InferenceSettlementRelayAbi } from "./abis/InferenceSettlementRelay.ts";
import { TEEBatchVerifierAbi } from "./abis/TEEBatchVerifier.ts";
import { TEERegistryAbi } from "./abis/TEERegistry.ts";
import {
  Erc20Abi,
  X402BatchSettlementAbi,
  X402ExactPermit2ProxyAbi,
  X402UptoPermit2ProxyAbi,
} from "./abis/X402.ts";
import { pollingIntervalMs, rpcUrls } from "./config/indexer.ts";
import { indexedChain, readIndexingSettings } from "./config/indexing.ts";

const settings = readIndexingSettings(process.env);
const og = { chain: "og", startBlock: settings.OG_START_BLOCK } as const;
const base = { chain: "base", startBlock: settings.BASE_START_BLOCK } as const;

// An empty filter would match every transfer there is. Transfers to the token itself are few, and no payments.
const payeeFilter =
  settings.EXTRA_PAYEE_ADDRESSES.length > 0 ? settings.EXTRA_PAYEE_ADDRESSES : [settings.OPG_ADDRESS];

const chains = {
  og: {
    id: settings.OG_CHAIN_ID,
    rpc: rpcUrls("og", process.env),
    pollingInterval: pollingIntervalMs("og", process.env),
  },
  base: {
    id: settings.BASE_CHAIN_ID,
    rpc: rpcUrls("base", process.env),
    pollingInterval: pollingIntervalMs("base", process.env),
  },
} as const;

const contracts = {
  TEERegistry: { ...og, abi: TEERegistryAbi, address: settings.TEE_REGISTRY_ADDRESSES },
  InferenceSettlementRelay: {
    ...og,
    abi: InferenceSettlementRelayAbi,
    address: settings.SETTLEMENT_RELAY_ADDRESSES,
  },
  TEEBatchVerifier: { ...og, abi: TEEBatchVerifierAbi, address: settings.TEE_BATCH_VERIFIER_ADDRESSES },
  InferencePrecompile: {
    ...og,
    abi: InferencePrecompileAbi,
    address: settings.INFERENCE_PRECOMPILE_ADDRESS,
  },
  InferenceHub: { ...og, abi: InferenceHubAbi, address: settings.INFERENCE_HUB_ADDRESSES },

  X402ExactPermit2Proxy: {
    ...base,
    abi: X402ExactPermit2ProxyAbi,
    address: settings.X402_EXACT_PROXY_ADDRESS,
  },
  X402UptoPermit2Proxy: {
    ...base,
    abi: X402UptoPermit2ProxyAbi,
    address: settings.X402_UPTO_PROXY_ADDRESS,
  },
  X402BatchSettlement: {
    ...base,
    abi: X402BatchSettlementAbi,
    address: settings.X402_BATCH_SETTLEMENT_ADDRESS,
  },
  // Authorizations of OPG itself, whoever is paid.
  OPG: { ...base, abi: Erc20Abi, address: settings.OPG_ADDRESS },
  // Transfers of any token to a listed payee: USDC's own logs are far too many to read whole.
  PayeeTransfer: {
    ...base,
    abi: Erc20Abi,
    filter: { event: "Transfer", args: { to: payeeFilter } },
  },
} as const;

const blocks = {
  // `heartbeatMaxAge` changes without an event: look now and then even when the registries are silent.
  RegistryClock: { ...og, interval: 100 },
} as const;

const config = createConfig({
  database: { kind: "postgres", connectionString: process.env.DATABASE_URL },
  ordering: "multichain",
  chains,
  contracts,
  blocks,
});

/** Keeps the sources of the chain that this deployment indexes. The type keeps all: handlers are typed by it. */
const only = <T extends Record<string, { chain: string }>>(sources: T, chain: string) =>
  Object.fromEntries(Object.entries(sources).filter(([, source]) => source.chain === chain)) as T; // see above

const chain = indexedChain(process.env);
export default chain === undefined
  ? config
  : ({
      ...config,
      chains: { [chain]: chains[chain] },
      contracts: only(contracts, chain),
      blocks: only(blocks, chain),
    } as typeof config); // handlers are typed by both chains' sources
