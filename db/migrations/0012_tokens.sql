CREATE TABLE "observations"."token" (
	"chain_id" integer NOT NULL,
	"address" text NOT NULL,
	"symbol" text,
	"decimals" integer,
	"block_number" bigint NOT NULL,
	"block_hash" text NOT NULL,
	"block_timestamp" bigint NOT NULL,
	CONSTRAINT "token_chain_id_address_pk" PRIMARY KEY("chain_id","address")
);

--> statement-breakpoint
CREATE TRIGGER "count_revision" AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "observations"."token"
FOR EACH STATEMENT EXECUTE FUNCTION "observations"."count_revision"();
