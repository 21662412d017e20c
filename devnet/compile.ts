/**
 * Compiles `contracts/*.sol` with solc from npm. The result is cached under the hash of all inputs.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Abi, Hex } from "viem";
import { z } from "zod";

/** A compiled contract. */
export interface CompiledContract {
  readonly abi: Abi;
  /** Runtime code without immutables or libraries to link: it works at any address. */
  readonly runtimeCode: Hex;
}

/** Contracts by name, as in `contract Name`. */
export type CompiledContracts = ReadonlyMap<string, CompiledContract>;

/** Thrown when a contract does not compile; the message is solc's. */
export class ContractCompilationError extends Error {
  readonly code = "contract-compilation";
}

const CONTRACTS_DIRECTORY = new URL("./contracts/", import.meta.url);
const SETTINGS = {
  optimizer: { enabled: true, runs: 200 },
  evmVersion: "cancun",
  // Without it the metadata hash would differ between machines that keep the sources elsewhere.
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: { "*": { "*": ["abi", "evm.deployedBytecode.object"] } },
};

const require = createRequire(import.meta.url);

const solcOutput = z.object({
  errors: z.array(z.object({ severity: z.string(), formattedMessage: z.string() })).optional(),
  contracts: z
    .record(
      z.string(),
      z.record(
        z.string(),
        z.object({
          abi: z.array(z.unknown()),
          evm: z.object({ deployedBytecode: z.object({ object: z.string() }) }),
        }),
      ),
    )
    .optional(),
});

const cached = z.array(
  z.tuple([z.string(), z.object({ abi: z.array(z.unknown()), runtimeCode: z.string() })]),
);

/**
 * The devnet's contracts, from the cache when the sources are unchanged.
 * @param cacheDirectory - made when absent.
 * @throws {ContractCompilationError} with solc's messages.
 */
export async function compileContracts(cacheDirectory: string): Promise<CompiledContracts> {
  const sources = readSources();
  const key = createHash("sha256")
    .update(JSON.stringify([solcVersion(), SETTINGS, Object.entries(sources)]))
    .digest("hex");
  const cacheFile = join(cacheDirectory, `contracts-${key.slice(0, 32)}.json`);
  const known = readCache(cacheFile);
  if (known) return known;

  const contracts = await compile(sources);
  mkdirSync(cacheDirectory, { recursive: true });
  // Two processes may compile at once: a rename never shows half a file.
  const draft = `${cacheFile}.${process.pid}`;
  writeFileSync(draft, JSON.stringify([...contracts]));
  renameSync(draft, cacheFile);
  return contracts;
}

/** A contract by its name. @throws {ContractCompilationError} when no source defines it. */
export function compiledContract(contracts: CompiledContracts, name: string): CompiledContract {
  const contract = contracts.get(name);
  if (!contract) throw new ContractCompilationError(`no contract "${name}" in devnet/contracts`);
  return contract;
}

function readSources(): Record<string, { content: string }> {
  return Object.fromEntries(
    readdirSync(CONTRACTS_DIRECTORY)
      .filter((file) => file.endsWith(".sol"))
      .sort()
      .map((file) => [file, { content: readFileSync(new URL(file, CONTRACTS_DIRECTORY), "utf8") }]),
  );
}

function solcVersion(): string {
  return z.object({ version: z.string() }).parse(require("solc/package.json")).version;
}

function readCache(file: string): CompiledContracts | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
  return new Map(cached.parse(JSON.parse(text)).map(([name, contract]) => [name, toContract(contract)]));
}

async function compile(sources: Record<string, { content: string }>): Promise<CompiledContracts> {
  // Loaded only when there is something to compile: the compiler is 8 MB of WebAssembly.
  const { default: solc } = await import("solc");
  const input = JSON.stringify({ language: "Solidity", sources, settings: SETTINGS });
  const output = solcOutput.parse(
    JSON.parse(
      solc.compile(input, {
        import: (path: string) => ({ contents: readFileSync(require.resolve(path), "utf8") }),
      }),
    ),
  );
  const errors = output.errors?.filter(({ severity }) => severity === "error") ?? [];
  if (errors.length > 0)
    throw new ContractCompilationError(errors.map(({ formattedMessage }) => formattedMessage).join("\n"));
  const contracts = new Map<string, CompiledContract>();
  for (const file of Object.keys(sources))
    for (const [name, { abi, evm }] of Object.entries(output.contracts?.[file] ?? {}))
      contracts.set(name, toContract({ abi, runtimeCode: `0x${evm.deployedBytecode.object}` }));
  return contracts;
}

const toContract = ({ abi, runtimeCode }: { abi: unknown[]; runtimeCode: string }): CompiledContract => ({
  abi: abi as Abi, // solc's own output is well-formed
  runtimeCode: runtimeCode as Hex, // likewise
});
