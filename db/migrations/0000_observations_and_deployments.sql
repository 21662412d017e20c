CREATE SCHEMA "indexer";
--> statement-breakpoint
CREATE SCHEMA "observations";
--> statement-breakpoint
CREATE TABLE "indexer"."deployments" (
	"schema" text PRIMARY KEY NOT NULL,
	"chain" text NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"started_at" timestamp with time zone NOT NULL,
	"published_at" timestamp with time zone,
	"superseded_at" timestamp with time zone,
	"dropped_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "observations"."node_record" (
	"chain_id" integer NOT NULL,
	"registry" text NOT NULL,
	"tee_id" text NOT NULL,
	"block_number" bigint NOT NULL,
	"block_hash" text NOT NULL,
	"block_timestamp" bigint NOT NULL,
	"owner" text NOT NULL,
	"payment_address" text NOT NULL,
	"endpoint_hex" text NOT NULL,
	"public_key" text NOT NULL,
	"tls_certificate" text NOT NULL,
	"pcr_hash" text NOT NULL,
	"tee_type" integer NOT NULL,
	"enabled" boolean NOT NULL,
	"registered_at" bigint NOT NULL,
	"ohttp_key_id" integer,
	"ohttp_kem_id" integer,
	"ohttp_kdf_id" integer,
	"ohttp_aead_id" integer,
	"ohttp_public_key" text,
	"ohttp_key_config" text,
	"ohttp_registered_at" bigint,
	"last_confirmed_block" bigint NOT NULL,
	"last_confirmed_at" bigint NOT NULL,
	CONSTRAINT "node_record_chain_id_registry_tee_id_block_number_pk" PRIMARY KEY("chain_id","registry","tee_id","block_number")
);
