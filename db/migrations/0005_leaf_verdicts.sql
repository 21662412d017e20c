-- what was found out is found out anew: leaves get columns that cannot be filled in
TRUNCATE "proofs"."job", "proofs"."dirty", "proofs"."batch", "proofs"."leaf", "proofs"."signature", "proofs"."inference", "proofs"."payload", "proofs"."settled", "proofs"."node_bucket", "proofs"."model_bucket", "proofs"."relayer_bucket";--> statement-breakpoint
ALTER TABLE "proofs"."leaf" ADD COLUMN "tee_id" text NOT NULL;--> statement-breakpoint
ALTER TABLE "proofs"."leaf" ADD COLUMN "valid" boolean;