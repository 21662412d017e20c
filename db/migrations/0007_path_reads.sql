-- what was found out is found out anew: batches get their trees, which cannot be filled in
TRUNCATE "proofs"."job", "proofs"."dirty", "proofs"."batch", "proofs"."leaf", "proofs"."signature", "proofs"."inference", "proofs"."payload", "proofs"."settled", "proofs"."node_bucket", "proofs"."model_bucket", "proofs"."relayer_bucket";--> statement-breakpoint
ALTER TABLE "proofs"."batch" ADD COLUMN "tree" bytea;--> statement-breakpoint
-- hashes do not compress, and a part of what is not compressed can be read alone
ALTER TABLE "proofs"."batch" ALTER COLUMN "tree" SET STORAGE EXTERNAL;--> statement-breakpoint
ALTER TABLE "proofs"."settled" ADD COLUMN "signed_at" bigint;--> statement-breakpoint
CREATE INDEX "inference_node_invalid" ON "proofs"."inference" USING btree ("tee_id","signed_at","id") WHERE not "proofs"."inference"."signature_valid";--> statement-breakpoint
CREATE INDEX "inference_invalid" ON "proofs"."inference" USING btree ("signed_at","id") WHERE not "proofs"."inference"."signature_valid";--> statement-breakpoint
CREATE INDEX "settled_payer" ON "proofs"."settled" USING btree ("claimed_payer","signed_at","inference_id") WHERE "proofs"."settled"."claimed_payer" is not null;