CREATE SCHEMA "proofs";
--> statement-breakpoint
CREATE TABLE "proofs"."batch" (
	"key" text PRIMARY KEY NOT NULL,
	"merkle_root" text NOT NULL,
	"blob_id_hex" text NOT NULL,
	"state" text NOT NULL,
	"reason" text,
	"detail" text,
	"leaf_count" integer,
	"checked_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "proofs"."dirty" (
	"kind" text NOT NULL,
	"key" text NOT NULL,
	"start_at" bigint NOT NULL,
	CONSTRAINT "dirty_kind_key_start_at_pk" PRIMARY KEY("kind","key","start_at")
);
--> statement-breakpoint
CREATE TABLE "proofs"."inference" (
	"id" text PRIMARY KEY NOT NULL,
	"tee_id" text NOT NULL,
	"input_hash" text NOT NULL,
	"output_hash" text NOT NULL,
	"timestamp" numeric(78, 0) NOT NULL,
	"signed_at" bigint NOT NULL,
	"signature_valid" boolean,
	"model" text,
	"prompt_tokens" bigint,
	"completion_tokens" bigint
);
--> statement-breakpoint
CREATE TABLE "proofs"."job" (
	"kind" text NOT NULL,
	"key" text NOT NULL,
	"run_at" timestamp with time zone NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"leased_by" text,
	"leased_until" timestamp with time zone,
	"last_error" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "job_kind_key_pk" PRIMARY KEY("kind","key")
);
--> statement-breakpoint
CREATE TABLE "proofs"."leaf" (
	"batch_key" text NOT NULL,
	"leaf_index" integer NOT NULL,
	"inference_id" text NOT NULL,
	"signature_key" text NOT NULL,
	CONSTRAINT "leaf_batch_key_leaf_index_pk" PRIMARY KEY("batch_key","leaf_index")
);
--> statement-breakpoint
CREATE TABLE "proofs"."model_bucket" (
	"model" text NOT NULL,
	"start_at" bigint NOT NULL,
	"inferences" bigint NOT NULL,
	"prompt_tokens" bigint,
	"completion_tokens" bigint,
	CONSTRAINT "model_bucket_model_start_at_pk" PRIMARY KEY("model","start_at")
);
--> statement-breakpoint
CREATE TABLE "proofs"."node_bucket" (
	"tee_id" text NOT NULL,
	"start_at" bigint NOT NULL,
	"inferences" bigint NOT NULL,
	"prompt_tokens" bigint,
	"completion_tokens" bigint,
	CONSTRAINT "node_bucket_tee_id_start_at_pk" PRIMARY KEY("tee_id","start_at")
);
--> statement-breakpoint
CREATE TABLE "proofs"."payload" (
	"key" text PRIMARY KEY NOT NULL,
	"inference_id" text NOT NULL,
	"blob_id_hex" text NOT NULL,
	"state" text NOT NULL,
	"reason" text,
	"detail" text,
	"model" text,
	"prompt_tokens" bigint,
	"completion_tokens" bigint,
	"input_matches" boolean,
	"output_matches" boolean,
	"checked_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "proofs"."relayer_bucket" (
	"relayer" text NOT NULL,
	"start_at" bigint NOT NULL,
	"individuals" bigint NOT NULL,
	"batches" bigint NOT NULL,
	"pending" bigint NOT NULL,
	"verified" bigint NOT NULL,
	"partial" bigint NOT NULL,
	"invalid" bigint NOT NULL,
	"unavailable" bigint NOT NULL,
	"valid_leaves" bigint NOT NULL,
	"invalid_leaves" bigint NOT NULL,
	"unknown_leaves" bigint NOT NULL,
	CONSTRAINT "relayer_bucket_relayer_start_at_pk" PRIMARY KEY("relayer","start_at")
);
--> statement-breakpoint
CREATE TABLE "proofs"."revision" (
	"id" integer PRIMARY KEY NOT NULL,
	"value" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "proofs"."settled" (
	"chain_id" integer NOT NULL,
	"block_number" bigint NOT NULL,
	"log_index" integer NOT NULL,
	"block_hash" text NOT NULL,
	"tx_hash" text NOT NULL,
	"kind" text NOT NULL,
	"relayer" text NOT NULL,
	"settled_at" bigint NOT NULL,
	"batch_key" text,
	"batch_size" numeric(78, 0),
	"inference_id" text,
	"signature_key" text,
	"payload_key" text,
	"claimed_payer" text,
	"verdict" text NOT NULL,
	"reason" text,
	"leaf_count" integer,
	"valid_leaves" integer,
	"invalid_leaves" integer,
	"unknown_leaves" integer,
	CONSTRAINT "settled_chain_id_block_number_log_index_pk" PRIMARY KEY("chain_id","block_number","log_index")
);
--> statement-breakpoint
CREATE TABLE "proofs"."signature" (
	"key" text PRIMARY KEY NOT NULL,
	"inference_id" text NOT NULL,
	"tee_id" text NOT NULL,
	"signature" text NOT NULL,
	"valid" boolean
);
--> statement-breakpoint
CREATE INDEX "batch_root" ON "proofs"."batch" USING btree ("merkle_root");--> statement-breakpoint
CREATE INDEX "inference_node" ON "proofs"."inference" USING btree ("tee_id","signed_at","id");--> statement-breakpoint
CREATE INDEX "inference_time" ON "proofs"."inference" USING btree ("signed_at","id");--> statement-breakpoint
CREATE INDEX "inference_input" ON "proofs"."inference" USING btree ("input_hash");--> statement-breakpoint
CREATE INDEX "inference_output" ON "proofs"."inference" USING btree ("output_hash");--> statement-breakpoint
CREATE INDEX "inference_model" ON "proofs"."inference" USING btree ("model","signed_at","id");--> statement-breakpoint
CREATE INDEX "job_due" ON "proofs"."job" USING btree ("run_at");--> statement-breakpoint
CREATE INDEX "leaf_inference" ON "proofs"."leaf" USING btree ("inference_id");--> statement-breakpoint
CREATE INDEX "leaf_signature" ON "proofs"."leaf" USING btree ("signature_key");--> statement-breakpoint
CREATE INDEX "node_bucket_time" ON "proofs"."node_bucket" USING btree ("start_at");--> statement-breakpoint
CREATE INDEX "payload_inference" ON "proofs"."payload" USING btree ("inference_id");--> statement-breakpoint
CREATE INDEX "settled_verdict" ON "proofs"."settled" USING btree ("verdict","block_number","log_index");--> statement-breakpoint
CREATE INDEX "settled_batch" ON "proofs"."settled" USING btree ("batch_key");--> statement-breakpoint
CREATE INDEX "settled_inference" ON "proofs"."settled" USING btree ("inference_id");--> statement-breakpoint
CREATE INDEX "settled_signature" ON "proofs"."settled" USING btree ("signature_key");--> statement-breakpoint
CREATE INDEX "settled_payload" ON "proofs"."settled" USING btree ("payload_key");--> statement-breakpoint
CREATE INDEX "settled_relayer" ON "proofs"."settled" USING btree ("relayer","settled_at");--> statement-breakpoint
CREATE INDEX "signature_inference" ON "proofs"."signature" USING btree ("inference_id");--> statement-breakpoint
CREATE INDEX "signature_undecided" ON "proofs"."signature" USING btree ("tee_id","valid");--> statement-breakpoint
INSERT INTO "proofs"."revision" ("id", "value") VALUES (1, 0);
