import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Abi, toEventSelector, toFunctionSelector } from "viem";
import { beforeAll, describe, expect, it } from "vitest";
import { InferenceHubAbi, InferencePrecompileAbi } from "../abis/Inference.ts";
import { InferenceSettlementRelayAbi } from "../abis/InferenceSettlementRelay.ts";
import { TEEBatchVerifierAbi } from "../abis/TEEBatchVerifier.ts";
import { TEERegistryAbi } from "../abis/TEERegistry.ts";
import {
  Erc20Abi,
  X402BatchSettlementAbi,
  X402ExactPermit2ProxyAbi,
  X402UptoPermit2ProxyAbi,
} from "../abis/X402.ts";
import { type CompiledContracts, compileContracts, compiledContract } from "./compile.ts";

/** Events by topic, functions by selector, with which arguments are indexed. */
const signatures = (abi: Abi): string[] =>
  abi.flatMap((item) => {
    if (item.type === "event")
      return [
        `event ${item.name} ${toEventSelector(item)} ${item.inputs.map(({ indexed }) => Number(indexed ?? false))}`,
      ];
    return item.type === "function" ? [`function ${item.name} ${toFunctionSelector(item)}`] : [];
  });

let compiled: CompiledContracts;

beforeAll(async () => {
  compiled = await compileContracts(join(tmpdir(), "devnet-test-contracts"));
}, 60_000);

describe("the devnet's contracts offer every event and function the indexer reads", () => {
  it.each<[string, Abi, string[]]>([
    ["TEERegistry", TEERegistryAbi, ["TEERegistry", "LegacyTEERegistry"]],
    [
      "InferenceSettlementRelay",
      InferenceSettlementRelayAbi,
      ["InferenceSettlementRelay", "LegacyInferenceSettlementRelay"],
    ],
    ["TEEBatchVerifier", TEEBatchVerifierAbi, ["TEEBatchVerifier"]],
    ["InferencePrecompile", InferencePrecompileAbi, ["InferencePrecompile"]],
    ["InferenceHub", InferenceHubAbi, ["InferenceHub"]],
    ["exact proxy", X402ExactPermit2ProxyAbi, ["X402ExactPermit2Proxy"]],
    ["upto proxy", X402UptoPermit2ProxyAbi, ["X402UptoPermit2Proxy"]],
    ["batch settlement", X402BatchSettlementAbi, ["X402BatchSettlement"]],
    ["OPG", Erc20Abi, ["OPG"]],
    ["USDC", Erc20Abi, ["USDC"]],
  ])("%s", (_, abi, names) => {
    const offered = new Set(names.flatMap((name) => signatures(compiledContract(compiled, name).abi)));
    expect(signatures(abi).filter((signature) => !offered.has(signature))).toEqual([]);
  });
});
