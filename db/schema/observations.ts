/** What the observer read from contracts outside of events. Dated; append-only, except for the last confirmation. */
import { bigint, boolean, integer, pgSchema, primaryKey, text } from "drizzle-orm/pg-core";

export const observations = pgSchema("observations");

/** 0x-prefixed lower-case hex. */
const hex = (name: string) => text(name).$type<`0x${string}`>();
const int8 = (name: string) => bigint(name, { mode: "number" });

/**
 * A node's record as `getTEE` returned it at one block: one row per change. A row is valid from its block until the node's
 * next row; the record was last seen unchanged at `lastConfirmedBlock`.
 */
export const nodeRecord = observations.table(
  "node_record",
  {
    chainId: integer("chain_id").notNull(),
    registry: hex("registry").notNull(),
    teeId: hex("tee_id").notNull(),
    blockNumber: int8("block_number").notNull(),
    blockHash: hex("block_hash").notNull(),
    /** Unix seconds. */
    blockTimestamp: int8("block_timestamp").notNull(),
    owner: hex("owner").notNull(),
    paymentAddress: hex("payment_address").notNull(),
    /** The endpoint's bytes as on chain; operators choose them. */
    endpointHex: hex("endpoint_hex").notNull(),
    /** DER SPKI. */
    publicKey: hex("public_key").notNull(),
    /** DER. */
    tlsCertificate: hex("tls_certificate").notNull(),
    pcrHash: hex("pcr_hash").notNull(),
    teeType: integer("tee_type").notNull(),
    enabled: boolean("enabled").notNull(),
    /** Unix seconds, clamped to 2^53-1. */
    registeredAt: int8("registered_at").notNull(),
    /** All null in the earlier layout and where no key was registered. */
    ohttpKeyId: integer("ohttp_key_id"),
    ohttpKemId: integer("ohttp_kem_id"),
    ohttpKdfId: integer("ohttp_kdf_id"),
    ohttpAeadId: integer("ohttp_aead_id"),
    ohttpPublicKey: hex("ohttp_public_key"),
    ohttpKeyConfig: hex("ohttp_key_config"),
    ohttpRegisteredAt: int8("ohttp_registered_at"),
    lastConfirmedBlock: int8("last_confirmed_block").notNull(),
    /** Unix seconds of that block. */
    lastConfirmedAt: int8("last_confirmed_at").notNull(),
  },
  // the newest observation of a node at or before a block
  (table) => [primaryKey({ columns: [table.chainId, table.registry, table.teeId, table.blockNumber] })],
);

/** One row. A trigger advances it with every statement that adds or removes observations, so that no writer can forget to. */
export const revision = observations.table("revision", {
  id: integer("id").primaryKey(),
  value: int8("value").notNull(),
});

/** A token's symbol and decimals as its contract returned them at one block. Both are null when the contract has neither. */
export const token = observations.table(
  "token",
  {
    chainId: integer("chain_id").notNull(),
    address: hex("address").notNull(),
    /** Sanitised and at most 32 characters; null when the contract has none that can be read. */
    symbol: text("symbol"),
    /** 0 to 255; null when the contract answers with anything else. */
    decimals: integer("decimals"),
    blockNumber: int8("block_number").notNull(),
    blockHash: hex("block_hash").notNull(),
    /** Unix seconds. */
    blockTimestamp: int8("block_timestamp").notNull(),
  },
  // look-up by token
  (table) => [primaryKey({ columns: [table.chainId, table.address] })],
);
