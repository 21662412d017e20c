/** For tests of the contracts: a fresh anvil in a temporary directory, with blocks at chosen times. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Address,
  decodeErrorResult,
  decodeEventLog,
  decodeFunctionResult,
  encodeFunctionData,
  type Hex,
  numberToHex,
} from "viem";
import { z } from "zod";
import { Anvil, RpcError } from "./anvil.ts";
import { DevChain, type PlacedContract } from "./chain.ts";
import { type CompiledContracts, compileContracts } from "./compile.ts";
import { closeServer, listen } from "./listen.ts";

export const FIRST_TIMESTAMP = 1_800_000_000;

export interface TestChain {
  readonly chain: DevChain;
  readonly compiled: CompiledContracts;
  readonly directory: string;
  /** A view's answer at a block, the newest by default. @throws {RpcError} when it reverts. */
  read(
    contract: PlacedContract,
    functionName: string,
    args: readonly unknown[],
    block?: number,
  ): Promise<unknown>;
  /** The newest block's logs of these contracts, as `Contract.Event`, in order. */
  events(contracts: Readonly<Record<string, PlacedContract>>): Promise<string[]>;
  stop(): Promise<void>;
}

/** A port nobody listens on just now. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  const url = await listen(probe, 0);
  await closeServer(probe);
  return Number(new URL(url).port);
}

export async function startTestChain(chainId: number): Promise<TestChain> {
  const directory = mkdtempSync(join(tmpdir(), "devnet-test-"));
  // Shared between runs: it is keyed by the sources' hash.
  const compiled = await compileContracts(join(tmpdir(), "devnet-test-contracts"));
  const anvil = await Anvil.start({
    port: await freePort(),
    chainId,
    firstBlock: 0,
    firstTimestamp: FIRST_TIMESTAMP,
    stateDirectory: join(directory, "states"),
  });
  const chain = await DevChain.open(anvil);
  return {
    chain,
    compiled,
    directory,
    read: (contract, functionName, args, block) => read(chain, contract, functionName, args, block),
    events: (contracts) => events(chain, contracts),
    stop: async () => {
      await anvil.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function read(
  chain: DevChain,
  { abi, address }: PlacedContract,
  functionName: string,
  args: readonly unknown[],
  block = chain.blockNumber,
): Promise<unknown> {
  const data = encodeFunctionData({ abi, functionName, args });
  const result = await chain.anvil.call("eth_call", [{ to: address, data }, numberToHex(block)]);
  // eth_call answers with hex data by the JSON-RPC specification.
  return decodeFunctionResult({ abi, functionName, args, data: result as Hex });
}

const logsSchema = z.array(z.object({ address: z.string(), topics: z.array(z.string()), data: z.string() }));

async function events(
  chain: DevChain,
  contracts: Readonly<Record<string, PlacedContract>>,
): Promise<string[]> {
  const block = numberToHex(chain.blockNumber);
  const logs = logsSchema.parse(
    await chain.anvil.call("eth_getLogs", [{ fromBlock: block, toBlock: block }]),
  );
  return logs.flatMap(({ address, topics, data }) => {
    const [name, contract] =
      Object.entries(contracts).find(([, { address: at }]) => at.toLowerCase() === address.toLowerCase()) ??
      [];
    if (!name || !contract) return [];
    // Log fields are hex by the JSON-RPC specification, and every log has a first topic here.
    const { eventName } = decodeEventLog({
      abi: contract.abi,
      topics: topics as [Hex, ...Hex[]], // see above
      data: data as Hex, // see above
    });
    return [`${name}.${eventName}`];
  });
}

/** The name of the contract's own error a call reverts with; undefined when it passes. */
export async function revertName(
  chain: DevChain,
  contract: PlacedContract,
  from: Address,
  data: Hex,
): Promise<string | undefined> {
  try {
    await chain.anvil.call("eth_call", [{ from, to: contract.address, data }, "latest"]);
    return undefined;
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    const { data: reason } = z.object({ data: z.string() }).parse(error.cause);
    // Revert data is hex by the JSON-RPC specification.
    return decodeErrorResult({ abi: contract.abi, data: reason as Hex }).errorName;
  }
}
