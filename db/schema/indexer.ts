/** Which deployment of each chain's indexer exists, is published, and may be dropped. */
import { pgSchema, text, timestamp } from "drizzle-orm/pg-core";

export const indexer = pgSchema("indexer");

const moment = (name: string) => timestamp(name, { withTimezone: true });

/** One row per schema that an indexer ever wrote. The one with `publishedAt` and without `supersededAt` is what readers see. */
export const deployments = indexer.table("deployments", {
  /** The Postgres schema: `<chain>_<digest of code and settings>`. */
  schema: text("schema").primaryKey(),
  /** `og` or `base`: also the stable schema of its views. */
  chain: text("chain").notNull(),
  createdAt: moment("created_at").notNull(),
  /** Newest start of an indexer on it; the latest started one is the one to publish. */
  startedAt: moment("started_at").notNull(),
  /** When the stable views were last switched to it. */
  publishedAt: moment("published_at"),
  /** When another one took its place, published or started. */
  supersededAt: moment("superseded_at"),
  droppedAt: moment("dropped_at"),
});
