/** What Postgres tells without being asked: new blocks, findings of the verifier, and switched views. */
import pg from "pg";
import type { ChainName } from "../../../config/environment.ts";
import type { Log } from "../../../config/log.ts";
import { blocksChannel, PROOFS_CHANNEL, PUBLISHED_CHANNEL } from "../../../db/channels.ts";

const RECONNECT_MS = 2_000;

/** Every deployment whose tables the views show now or soon; each tells of its blocks under its own name. */
const DEPLOYMENTS = `select schema, chain from indexer.deployments
  where chain in ('og', 'base') and dropped_at is null and superseded_at is null order by schema`;

/** What may have changed; `anything` when views were switched, or notices may have been missed. */
export type News = ChainName | "proofs" | "anything";

/**
 * Listens until stopped, over a connection of its own that is made again when it breaks. Only the primary server can be
 * listened to: a replica that is read from may be a moment behind the notice.
 */
export class ChainNotices {
  readonly #url: string;
  readonly #onNews: (news: News) => void;
  readonly #log: Log;
  #client: pg.Client | undefined;
  #channels = new Map<string, News>();
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(url: string, onNews: (news: News) => void, log: Log) {
    this.#url = url;
    this.#onNews = onNews;
    this.#log = log;
  }

  /** Resolves when it listens, or will try to again. */
  async start(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: "api notices",
      keepAlive: true,
    });
    this.#channels = new Map([[PROOFS_CHANNEL, "proofs"]]);
    client.on("notification", ({ channel }) => {
      if (channel === PUBLISHED_CHANNEL) void this.#refresh();
      this.#onNews(this.#channels.get(channel) ?? "anything");
    });
    client.on("error", (error) => this.#log.debug(`Postgres connection lost: ${error.message}`));
    client.once("end", () => {
      if (this.#client === client) this.#client = undefined;
      if (!this.#stopped) this.#timer = setTimeout(() => void this.start(), RECONNECT_MS);
    });
    try {
      await client.connect();
      await client.query(`listen ${PUBLISHED_CHANNEL}; listen ${PROOFS_CHANNEL}`);
      this.#client = client;
      await this.#refresh();
      this.#onNews("anything");
    } catch (error) {
      this.#log.debug(`cannot listen: ${error instanceof Error ? error.message : error}`);
      await client.end().catch(() => {});
    }
  }

  /** Listens to indexers that were started since. */
  async #refresh(): Promise<void> {
    try {
      const { rows } = (await this.#client?.query<{ schema: string; chain: ChainName }>(DEPLOYMENTS)) ?? {
        rows: [],
      };
      for (const { schema, chain } of rows) {
        const channel = blocksChannel(schema);
        if (this.#channels.has(channel)) continue;
        await this.#client?.query(`listen ${pg.escapeIdentifier(channel)}`);
        this.#channels.set(channel, chain);
      }
    } catch (error) {
      this.#log.debug(`cannot listen to blocks: ${error instanceof Error ? error.message : error}`);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#client?.end().catch(() => {});
  }
}
