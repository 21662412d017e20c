/**
 * Reads node records at the head of the chain. A new or changed node is read as soon as its event is indexed. Every node is
 * also re-read at an interval, because no event announces a new OHTTP key or an edited record.
 */
import type { NodePgDatabase } from "drizzle-orm/node-postgres";
import type pg from "pg";
import type { PublicClient } from "viem";
import type { ChainSettings } from "../../config/environment.ts";
import type { Log } from "../../config/log.ts";
import { type BlockPoint, connect, messageOf, readRecord } from "./endpoint.ts";
import { type KnownNode, listNodes, listUnread } from "./nodes.ts";
import { type Outcome, store } from "./observations.ts";
import { Retries } from "./retries.ts";

/** Records read at one block. Public endpoints are shared and keep the state of only a few blocks. */
const BATCH_NODES = 100;
const CALLS_AT_ONCE = 5;

/** The outcomes of a batch, in nodes. `absent`: the registry has no such record. `failed`: it could not be read. */
export type Observed = Readonly<Record<Outcome | "absent" | "failed", number>>;

export interface ObserverSettings {
  readonly chain: ChainSettings;
  /** Between two reads of the same unchanged node. */
  readonly intervalMs: number;
  readonly nowMs: () => number;
}

const nameOf = ({ registry, teeId }: KnownNode): string => `${registry} ${teeId}`;

export class Observer {
  readonly #retries: Retries<KnownNode>;
  #waiting: KnownNode[] = [];
  #listedAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly pool: pg.Pool,
    private readonly database: NodePgDatabase,
    private readonly settings: ObserverSettings,
    private readonly log: Log,
  ) {
    this.#retries = new Retries(settings.intervalMs, nameOf);
  }

  /**
   * Reads one batch.
   * @param advanced - called after every node.
   * @returns undefined when no node is due.
   * @throws {NoEndpointError} when no RPC is usable.
   */
  async step(signal: AbortSignal, advanced: () => void = () => {}): Promise<Observed | undefined> {
    const { chain } = this.settings;
    const nodes = await this.#nextBatch();
    if (nodes.length === 0) return undefined;
    const indexed = Math.max(...nodes.map(({ changedBlock }) => changedBlock));
    const { client, block } = await connect(chain, "OG_RPC_URL", indexed);
    // only now: without an endpoint the batch stays in the queue
    const batch = new Set(nodes.map(nameOf));
    this.#waiting = this.#waiting.filter((node) => !batch.has(nameOf(node)));

    const observed = { changed: 0, confirmed: 0, older: 0, absent: 0, failed: 0 };
    const errors: unknown[] = [];
    let next = 0;
    const worker = async () => {
      for (let node = nodes[next++]; node !== undefined && !signal.aborted; node = nodes[next++]) {
        try {
          observed[await this.#read(client, node, block)] += 1;
        } catch (error) {
          errors.push(error);
          observed.failed += 1;
          this.#retries.fail(node, this.settings.nowMs());
        }
        advanced();
      }
    };
    await Promise.all(Array.from({ length: CALLS_AT_ONCE }, worker));

    const { changed, confirmed, absent, failed } = observed;
    this.log[changed > 0 ? "info" : "debug"](
      `read ${nodes.length - failed} node records at block ${block.number}: ${changed} new or changed, ${confirmed} unchanged`,
      absent > 0 ? { absent } : {},
    );
    if (failed > 0 && !signal.aborted)
      this.log.warn(
        `${failed} node records could not be read and will be retried; first error: ${messageOf(errors[0])}`,
      );
    return observed;
  }

  /** Unread and changed nodes come first, then those due for a retry, then the periodic re-reads. */
  async #nextBatch(): Promise<readonly KnownNode[]> {
    const { chain, intervalMs, nowMs } = this.settings;
    const now = nowMs();
    if (now - this.#listedAtMs >= intervalMs) {
      this.#waiting = [...(await listNodes(this.pool, chain.chainId))];
      this.#retries.keepOnly(this.#waiting);
      // nothing is published yet: list again at the next poll, not after a whole interval
      if (this.#waiting.length > 0) this.#listedAtMs = now;
    }
    const unread = await listUnread(this.pool, chain.chainId);
    const batch = new Map<string, KnownNode>();
    for (const node of [...unread, ...this.#retries.due(now), ...this.#waiting]) {
      if (batch.size === BATCH_NODES) break;
      const name = nameOf(node);
      if (!this.#retries.waits(node, now) && !batch.has(name)) batch.set(name, node);
    }
    return [...batch.values()];
  }

  async #read(client: PublicClient, node: KnownNode, block: BlockPoint): Promise<Outcome | "absent"> {
    const record = await readRecord(client, node, block, this.log);
    const outcome =
      record === undefined
        ? "absent"
        : await store(this.database, this.settings.chain.chainId, node, block, record);
    // an endpoint behind the index has not seen the change yet
    const current = outcome !== "absent" && block.number >= node.changedBlock;
    if (current) this.#retries.succeed(node);
    else this.#retries.fail(node, this.settings.nowMs());
    return outcome;
  }
}
