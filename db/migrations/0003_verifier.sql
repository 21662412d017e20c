CREATE TABLE "proofs"."node_key" (
	"tee_id" text PRIMARY KEY NOT NULL,
	"public_key" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "proofs"."registration" (
	"chain_id" integer NOT NULL,
	"tee_id" text NOT NULL,
	"registry" text NOT NULL,
	"block_number" bigint NOT NULL,
	"log_index" integer NOT NULL,
	CONSTRAINT "registration_chain_id_tee_id_pk" PRIMARY KEY("chain_id","tee_id")
);
--> statement-breakpoint
DROP INDEX "proofs"."leaf_signature";--> statement-breakpoint
DROP INDEX "proofs"."inference_input";--> statement-breakpoint
DROP INDEX "proofs"."inference_output";--> statement-breakpoint
DROP INDEX "proofs"."inference_model";--> statement-breakpoint
DROP INDEX "proofs"."job_due";--> statement-breakpoint
DROP INDEX "proofs"."leaf_inference";--> statement-breakpoint
DROP INDEX "proofs"."signature_inference";--> statement-breakpoint
DROP INDEX "proofs"."signature_undecided";--> statement-breakpoint
ALTER TABLE "proofs"."job" ADD COLUMN "absences" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "job_lease" ON "proofs"."job" USING btree ("leased_by") WHERE "proofs"."job"."leased_by" is not null;--> statement-breakpoint
CREATE INDEX "inference_input" ON "proofs"."inference" USING hash ("input_hash");--> statement-breakpoint
CREATE INDEX "inference_output" ON "proofs"."inference" USING hash ("output_hash");--> statement-breakpoint
CREATE INDEX "inference_model" ON "proofs"."inference" USING btree ("model","signed_at","id") WHERE "proofs"."inference"."model" is not null;--> statement-breakpoint
CREATE INDEX "job_due" ON "proofs"."job" USING btree ("kind",("attempts" > 0),"run_at","key");--> statement-breakpoint
CREATE INDEX "leaf_inference" ON "proofs"."leaf" USING hash ("inference_id");--> statement-breakpoint
CREATE INDEX "signature_inference" ON "proofs"."signature" USING hash ("inference_id");--> statement-breakpoint
CREATE INDEX "signature_undecided" ON "proofs"."signature" USING btree ("tee_id","key") WHERE "proofs"."signature"."valid" is null;