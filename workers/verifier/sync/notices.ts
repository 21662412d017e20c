/** Postgres notifications: new blocks, switched views, and what other verifiers recorded. */
import pg from "pg";
import type { Log } from "../../../config/log.ts";
import { blocksChannel, PROOFS_CHANNEL, PUBLISHED_CHANNEL } from "../../../db/channels.ts";
import { noticeClient } from "../connections.ts";

const RECONNECT_MS = 2_000;

export interface Listener {
  /** The chain's tables changed. */
  readonly onBlock: () => void;
  /** The views show another deployment, or notifications may have been missed. */
  readonly onSwitch: () => void;
  readonly onProofs: () => void;
}

/** The deployments that the views show now or may show soon. */
const DEPLOYMENTS = `select schema from indexer.deployments
  where chain = 'og' and dropped_at is null and superseded_at is null order by schema`;

/**
 * Listens until stopped, over a connection of its own that is re-established when it breaks. That connection also holds the
 * lock of the verifier that synchronises.
 */
export class Notices {
  #client: pg.Client | undefined;
  #channels = new Set<string>();
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  /** The last query on the connection: queries run one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly url: string,
    private readonly listener: Listener,
    private readonly log: Log,
  ) {}

  /** Resolves when it listens, or when a reconnect is scheduled. */
  async start(): Promise<void> {
    const client = noticeClient(this.url);
    this.#channels = new Set();
    client.on("notification", ({ channel }) => {
      if (channel === PROOFS_CHANNEL) this.listener.onProofs();
      else if (channel === PUBLISHED_CHANNEL) {
        this.listener.onSwitch();
        void this.refresh();
      } else this.listener.onBlock();
    });
    client.on("error", (error) => this.log.debug(`Postgres connection lost: ${error.message}`));
    client.once("end", () => {
      if (this.#client === client) this.#client = undefined;
      if (!this.#stopped) this.#timer = setTimeout(() => void this.start(), RECONNECT_MS);
    });
    try {
      await client.connect();
      await client.query(`listen ${PUBLISHED_CHANNEL}; listen ${PROOFS_CHANNEL}`);
      this.#client = client;
      await this.refresh();
      this.listener.onSwitch();
    } catch (error) {
      this.log.debug(`cannot listen: ${error instanceof Error ? error.message : error}`);
      await client.end().catch(() => {});
    }
  }

  #query<Row extends pg.QueryResultRow>(client: pg.Client, text: string, values: unknown[] = []) {
    const result = this.#last.then(() => client.query<Row>(text, values));
    this.#last = result.catch(() => {});
    return result;
  }

  /** Also listens to deployments that were started since. */
  async refresh(): Promise<void> {
    const client = this.#client;
    if (client === undefined) return;
    try {
      const { rows } = await this.#query<{ schema: string }>(client, DEPLOYMENTS);
      for (const { schema } of rows) {
        const channel = blocksChannel(schema);
        if (this.#channels.has(channel)) continue;
        await this.#query(client, `listen ${pg.escapeIdentifier(channel)}`);
        this.#channels.add(channel);
      }
    } catch (error) {
      this.log.debug(`cannot listen to blocks: ${error instanceof Error ? error.message : error}`);
    }
  }

  /**
   * Runs `work` unless another verifier runs it.
   * @returns undefined when another one does, or while there is no connection.
   */
  async alone<T>(lock: number, work: () => Promise<T>): Promise<T | undefined> {
    const client = this.#client;
    if (client === undefined) return undefined;
    const { rows } = await this.#query<{ locked: boolean }>(
      client,
      "select pg_try_advisory_lock($1) as locked",
      [lock],
    );
    if (rows[0]?.locked !== true) return undefined;
    try {
      return await work();
    } finally {
      // a lost connection has released the lock already
      await this.#query(client, "select pg_advisory_unlock($1)", [lock]).catch(() => {});
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#client?.end().catch(() => {});
  }
}
