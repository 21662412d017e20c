/** Tracks each chain's deployments: which exist, which is published, and which may be dropped. */
import { pgSchema, text, timestamp } from "drizzle-orm/pg-core";

export const indexer = pgSchema("indexer");

const moment = (name: string) => timestamp(name, { withTimezone: true });

/** One row per schema that an indexer has written. Readers see the one with `publishedAt` and without `supersededAt`. */
export const deployments = indexer.table("deployments", {
  /** The Postgres schema: `<chain>_<digest of code and settings>`. */
  schema: text("schema").primaryKey(),
  /** `og` or `base`, which is also the stable schema of its views. */
  chain: text("chain").notNull(),
  createdAt: moment("created_at").notNull(),
  /** When an indexer last started on it; the deployment started last is the one to publish. */
  startedAt: moment("started_at").notNull(),
  /** When the stable views were last switched to it. */
  publishedAt: moment("published_at"),
  /** When another deployment was published or started in its place. */
  supersededAt: moment("superseded_at"),
  droppedAt: moment("dropped_at"),
});
