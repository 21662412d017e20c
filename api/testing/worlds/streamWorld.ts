/** Two short chains that grow block by block and fork, with verdicts for their settlements. For tests only. */

import { OPG } from "../testApi.ts";
import { address, type ChainTables, hash, OG_CHAIN_ID } from "./chainTables.ts";

export const GENESIS = 1_800_000_000;

type Chain = "og" | "base";

export const timeOf = (block: number): number => GENESIS + 2 * block;

interface BlockOptions {
  /** Settlements or payments in it. */
  readonly rows?: number;
  readonly fork?: string;
  readonly payer?: string;
  readonly time?: number;
}

/** Writes chain rows alone, and nothing that depends on nodes. */
export class StreamWorld {
  #revision = 0;

  /** @param finality - `near`: blocks are final soon; `none`: never, so that a reorg may have been any. */
  constructor(
    readonly tables: ChainTables,
    private readonly finality: "near" | "none" = "near",
  ) {}

  /** Both chains ready, without a block. */
  async begin(): Promise<void> {
    await this.tables.clear();
    this.#revision = 0;
    await this.#setRevision();
    await this.head("og", 0);
    await this.head("base", 0);
  }

  /** A block with rows, as the chain's new head. */
  async grow(chain: Chain, number: number, options: BlockOptions = {}): Promise<void> {
    await this.add(chain, number, options);
    await this.head(chain, number, "ready", options.time);
  }

  /** A block with rows, without moving the chain's head. */
  async add(
    chain: Chain,
    number: number,
    { rows = 0, fork = "a", payer = "payer", time = timeOf(number) }: BlockOptions = {},
  ): Promise<void> {
    await this.tables.block(chain, number, time, fork);
    for (let logIndex = 0; logIndex < rows; logIndex++)
      await this.tables.insert(chain, chain === "og" ? "settlement" : "payment", {
        blockNumber: number,
        logIndex,
        txHash: hash(`${chain}${fork}${number}`),
        ...(chain === "og"
          ? {
              relay: address("relay"),
              kind: "individual",
              eventSignature: "IndividualSettlement",
              settledAt: time,
              relayer: address("relayer"),
              teeId: hash(`node ${logIndex}`),
              claimedPayer: address(payer),
              inputHash: hash(`in ${number} ${logIndex}`),
              outputHash: hash("out"),
              signedAt: String(time),
              signature: "0x12",
              blobIdHex: "0x",
            }
          : {
              scheme: "upto",
              method: "permit2",
              token: OPG,
              payer: address(payer),
              payee: address("payee"),
              amount: "5",
              facilitator: address("facilitator"),
              paidAt: time,
              source: "call",
            }),
      });
  }

  async head(
    chain: Chain,
    number: number,
    readiness: "ready" | "not-ready" = "ready",
    time = timeOf(number),
  ): Promise<void> {
    const { client } = this.tables;
    await client.query("begin");
    await this.tables.setHead(chain, number, time, readiness);
    if (this.finality === "none")
      await client.query(
        `update ${chain}._ponder_checkpoint
         set finalized_checkpoint = overlay(latest_checkpoint placing repeat('0', 16) from 27 for 16)`,
      );
    await client.query("commit");
  }

  /** Removes blocks, as a reorg does. */
  async rewind(chain: Chain, fromBlock: number): Promise<void> {
    const table = chain === "og" ? "settlement" : "payment";
    await this.tables.client.query(
      `delete from ${chain}.${table} where block_number >= ${fromBlock};
       delete from ${chain}.block where number >= ${fromBlock}`,
    );
  }

  /** The verifier judges the settlements of a block, all with one revision. */
  async judge(blockNumber: number, verdict: string): Promise<void> {
    this.#revision += 1;
    await this.tables.client.query(
      `insert into proofs.settled (chain_id, block_number, log_index, block_hash, tx_hash, kind, relayer, settled_at, verdict, revision)
       select s.chain_id, s.block_number, s.log_index, b.hash, s.tx_hash, s.kind, s.relayer, s.settled_at, $2, $3
       from og.settlement s join og.block b on b.number = s.block_number where s.block_number = $1
       on conflict (chain_id, block_number, log_index) do update set verdict = $2, revision = $3, block_hash = excluded.block_hash, tx_hash = excluded.tx_hash`,
      [blockNumber, verdict, this.#revision],
    );
    await this.#setRevision();
  }

  /** The verifier makes a change that no answer shows. */
  async advanceRevision(): Promise<void> {
    this.#revision += 1;
    await this.#setRevision();
  }

  async #setRevision(): Promise<void> {
    await this.tables.client.query(
      "insert into proofs.revision values (1, $1) on conflict (id) do update set value = $1",
      [this.#revision],
    );
  }
}

export { OG_CHAIN_ID };
