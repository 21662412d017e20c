/** Keeps the verifier's tables in sync with the published chain, one pass after the other. */
import type pg from "pg";
import type { Log } from "../../../config/log.ts";
import type { Hex } from "../../../proofs/hex.ts";
import { readChain } from "./chainView.ts";
import { collectKeys, queueSignatures } from "./keys.ts";
import { applyRegistrations, compareRegistrations } from "./registrations.ts";
import { apply, compare, ofOtherChains } from "./settlements.ts";

/** No reorg is deeper; rows that an indexer's crash recovery removes are indexed again. */
const REORG_BLOCKS = 300;

export interface SyncSettings {
  readonly chainId: number;
  /** The current registry. */
  readonly registry: Hex;
  /** Called after keys were collected, before settlements that may need them. */
  readonly onKeys: () => Promise<void>;
}

export class Synchroniser {
  /** The first block not compared yet; 0 makes the next pass a full one. */
  #nextBlock = 0;
  /** How often `startOver` was called: a pass during which it was has to be repeated. */
  #starts = 0;

  constructor(
    private readonly pool: pg.Pool,
    private readonly settings: SyncSettings,
    private readonly log: Log,
  ) {}

  /** Makes the next pass compare all of history. */
  startOver(): void {
    this.#nextBlock = 0;
    this.#starts++;
  }

  /** @returns whether anything changed; undefined while nothing is published. */
  async pass(signal: AbortSignal): Promise<boolean | undefined> {
    const { chainId, registry, onKeys } = this.settings;
    const isFull = this.#nextBlock === 0;
    const starts = this.#starts;
    const changes = await readChain(this.pool, chainId, (client, head) =>
      compareRegistrations(client, chainId, registry, head),
    );
    if (changes === undefined) return undefined;
    await applyRegistrations(this.pool, chainId, registry, changes);
    const keys = await collectKeys(this.pool);
    if (keys > 0) await onKeys();

    let arrived = 0;
    let vanished = 0;
    let fromBlock = Math.max(0, this.#nextBlock - REORG_BLOCKS);
    let headBlock = 0;
    for (let more = true; more && !signal.aborted; ) {
      const differences = await readChain(this.pool, chainId, async (client, head) => {
        headBlock = head.blockNumber;
        return await compare(client, chainId, head, fromBlock);
      });
      if (differences === undefined) return undefined;
      await apply(this.pool, differences);
      arrived += differences.arrived.length;
      vanished += differences.vanished.length;
      more = differences.lastBlock !== null;
      if (differences.lastBlock !== null) fromBlock = differences.lastBlock + 1;
    }
    if (isFull && !signal.aborted) vanished += await this.#forgetOtherChains();
    if (!signal.aborted && this.#starts === starts) this.#nextBlock = headBlock + 1;

    const queued = await queueSignatures(this.pool);
    const registrations = changes.moved.length + changes.vanished.length;
    const changed = arrived + vanished + keys + queued + registrations > 0;
    if (changed)
      this.log.debug(`in sync with block ${headBlock}`, { arrived, vanished, keys, registrations, queued });
    return changed;
  }

  async #forgetOtherChains(): Promise<number> {
    let forgotten = 0;
    for (;;) {
      const vanished = await readChain(this.pool, this.settings.chainId, (client) =>
        ofOtherChains(client, this.settings.chainId),
      );
      if (vanished === undefined || vanished.length === 0) return forgotten;
      await apply(this.pool, { arrived: [], vanished, lastBlock: null });
      forgotten += vanished.length;
    }
  }
}
