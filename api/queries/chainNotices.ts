/** What Postgres tells without being asked: new blocks of OpenGradient, and switched views. */
import pg from "pg";
import type { Log } from "../../config/log.ts";

/** The indexer's supervisor tells it when it switches the views. */
const PUBLISHED = "published";
const RECONNECT_MS = 2_000;

/** Every deployment whose tables the views show now or soon; each tells of its blocks under its own name. */
const DEPLOYMENTS = `select schema from indexer.deployments
  where chain = 'og' and dropped_at is null and superseded_at is null order by schema`;

/**
 * Listens until stopped, over a connection of its own that is made again when it breaks. Only the primary server can be
 * listened to: a replica that is read from may be a moment behind the notice.
 */
export class ChainNotices {
  readonly #url: string;
  readonly #onNews: () => void;
  readonly #log: Log;
  #client: pg.Client | undefined;
  #channels = new Set<string>();
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param onNews - something changed, or notices may have been missed. */
  constructor(url: string, onNews: () => void, log: Log) {
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
    this.#channels = new Set();
    client.on("notification", ({ channel }) => {
      if (channel === PUBLISHED) void this.#refresh();
      this.#onNews();
    });
    client.on("error", (error) => this.#log.debug(`Postgres connection lost: ${error.message}`));
    client.once("end", () => {
      if (this.#client === client) this.#client = undefined;
      if (!this.#stopped) this.#timer = setTimeout(() => void this.start(), RECONNECT_MS);
    });
    try {
      await client.connect();
      await client.query(`listen ${PUBLISHED}`);
      this.#client = client;
      await this.#refresh();
      this.#onNews();
    } catch (error) {
      this.#log.debug(`cannot listen: ${error instanceof Error ? error.message : error}`);
      await client.end().catch(() => {});
    }
  }

  /** Listens to indexers that were started since. */
  async #refresh(): Promise<void> {
    try {
      const { rows } = (await this.#client?.query<{ schema: string }>(DEPLOYMENTS)) ?? { rows: [] };
      for (const { schema } of rows) {
        const channel = `${schema}_live_query`;
        if (this.#channels.has(channel)) continue;
        await this.#client?.query(`listen ${pg.escapeIdentifier(channel)}`);
        this.#channels.add(channel);
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
