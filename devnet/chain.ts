/** A local chain for traffic: transactions from any account, and blocks at chosen times. */
import { type Address, encodeFunctionData, type Hex, numberToHex } from "viem";
import { z } from "zod";
import type { Anvil } from "./anvil.ts";
import type { CompiledContract } from "./compile.ts";

/** A contract at its address. */
export interface PlacedContract extends CompiledContract {
  readonly address: Address;
}

export interface DevTransaction {
  readonly from: Address;
  readonly to: Address;
  readonly data: Hex;
  /** The transaction is expected to revert and is sent anyway: failed transactions are part of real traffic. */
  readonly reverts?: boolean;
}

/** Thrown when a transaction reverts that should succeed, or the other way round: the traffic has a rule wrong. */
export class UnexpectedOutcomeError extends Error {
  readonly code = "unexpected-outcome";
}

const receiptsSchema = z.array(z.object({ transactionHash: z.string(), status: z.string() }));
const blockSchema = z.object({ number: z.string(), timestamp: z.string() });

const GAS_LIMIT = numberToHex(15_000_000);

/** The input of a call. The names and arguments are checked against the ABI when it runs. */
export function encodeCall(contract: CompiledContract, functionName: string, args: readonly unknown[]): Hex {
  return encodeFunctionData({ abi: contract.abi, functionName, args });
}

export class DevChain {
  readonly #nonces = new Map<Address, number>();
  readonly #pending = new Map<string, DevTransaction>();

  private constructor(
    readonly anvil: Anvil,
    private latest: { number: number; timestamp: number },
  ) {}

  static async open(anvil: Anvil): Promise<DevChain> {
    return new DevChain(anvil, await latestBlock(anvil));
  }

  /** Re-reads the chain's state after a snapshot was restored. */
  async rewind(): Promise<void> {
    this.latest = await latestBlock(this.anvil);
    this.#nonces.clear();
    this.#pending.clear();
  }

  get timestamp(): number {
    return this.latest.timestamp;
  }

  get blockNumber(): number {
    return this.latest.number;
  }

  /** Transactions waiting for the next block. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Puts a contract's code at an address; no constructor runs. */
  async place(contract: CompiledContract, address: Address): Promise<PlacedContract> {
    await this.anvil.call("anvil_setCode", [address, contract.runtimeCode]);
    return { ...contract, address };
  }

  /** Sends a transaction for the next block, after those sent before. */
  async send(transaction: DevTransaction): Promise<Hex> {
    const { from, to, data } = transaction;
    const nonce =
      this.#nonces.get(from) ?? Number(await this.anvil.call("eth_getTransactionCount", [from, "latest"]));
    this.#nonces.set(from, nonce + 1);
    const hash = z
      .string()
      .parse(
        await this.anvil.call("eth_sendTransaction", [
          { from, to, data, nonce: numberToHex(nonce), gas: GAS_LIMIT, gasPrice: "0x0" },
        ]),
      );
    this.#pending.set(hash, transaction);
    // eth_sendTransaction answers with a hash by the JSON-RPC specification.
    return hash as Hex;
  }

  /** Sends one call of a contract. */
  call(
    from: Address,
    contract: PlacedContract,
    functionName: string,
    args: readonly unknown[],
    reverts = false,
  ) {
    return this.send({ from, to: contract.address, data: encodeCall(contract, functionName, args), reverts });
  }

  /**
   * Makes the next block at `timestamp`, which lies after the newest block's.
   * @throws {UnexpectedOutcomeError} when a transaction did not have the expected outcome.
   */
  async mine(timestamp: number): Promise<void> {
    await this.anvil.call("evm_mine", [timestamp]);
    this.latest = { number: this.latest.number + 1, timestamp };
    if (this.#pending.size === 0) return;
    const receipts = receiptsSchema.parse(
      await this.anvil.call("eth_getBlockReceipts", [numberToHex(this.latest.number)]),
    );
    for (const { transactionHash, status } of receipts) {
      const transaction = this.#pending.get(transactionHash);
      // sent by someone else: the node accepts transactions from anyone
      if (!transaction) continue;
      this.#pending.delete(transactionHash);
      if ((status === "0x0") !== (transaction.reverts ?? false))
        throw new UnexpectedOutcomeError(
          `block ${this.latest.number}, transaction ${transactionHash} from ${transaction.from} to ${transaction.to}: ` +
            `input ${transaction.data.slice(0, 10)} ${transaction.reverts ? "passed" : "reverted"}: ${await this.#reason(transaction)}`,
        );
    }
    if (this.#pending.size > 0)
      throw new UnexpectedOutcomeError(
        `${this.#pending.size} transactions are not in block ${this.latest.number}`,
      );
  }

  /** Why a transaction reverts: repeats the call on the state before it. */
  async #reason({ from, to, data }: DevTransaction): Promise<string> {
    try {
      await this.anvil.call("eth_call", [{ from, to, data }, numberToHex(this.latest.number - 1)]);
      return "no reason when called on the block before";
    } catch (error) {
      return error instanceof Error ? `${error.message} ${JSON.stringify(error.cause)}` : String(error);
    }
  }
}

async function latestBlock(anvil: Anvil): Promise<{ number: number; timestamp: number }> {
  const block = blockSchema.parse(await anvil.call("eth_getBlockByNumber", ["latest", false]));
  return { number: Number(block.number), timestamp: Number(block.timestamp) };
}
