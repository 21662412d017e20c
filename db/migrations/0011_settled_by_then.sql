CREATE TABLE "proofs"."bucket_part" (
	"tee_id" text NOT NULL,
	"start_at" bigint NOT NULL,
	"model" text,
	"from_block" bigint NOT NULL,
	"until_block" bigint,
	"from_at" bigint NOT NULL,
	"until_at" bigint,
	"inferences" bigint NOT NULL,
	"prompt_tokens" bigint,
	"completion_tokens" bigint
);
--> statement-breakpoint
CREATE TABLE "proofs"."uncounted" (
	"inference_id" text PRIMARY KEY NOT NULL,
	"tee_id" text NOT NULL,
	"signed_at" bigint NOT NULL
);
--> statement-breakpoint
DROP INDEX "proofs"."inference_node_invalid";--> statement-breakpoint
DROP INDEX "proofs"."inference_invalid";--> statement-breakpoint
CREATE INDEX "bucket_part_changing" ON "proofs"."bucket_part" USING gist (int8range("start_at", greatest("start_at", "from_at", "until_at"), '[]'));--> statement-breakpoint
CREATE INDEX "bucket_part_node" ON "proofs"."bucket_part" USING btree ("tee_id","start_at");--> statement-breakpoint
CREATE INDEX "bucket_part_model" ON "proofs"."bucket_part" USING btree ("model","start_at") WHERE "proofs"."bucket_part"."model" is not null;--> statement-breakpoint
CREATE INDEX "bucket_part_ahead" ON "proofs"."bucket_part" USING btree ("start_at") WHERE "proofs"."bucket_part"."from_at" < "proofs"."bucket_part"."start_at";--> statement-breakpoint
CREATE INDEX "uncounted_node" ON "proofs"."uncounted" USING btree ("tee_id","signed_at","inference_id");--> statement-breakpoint
CREATE INDEX "uncounted_time" ON "proofs"."uncounted" USING btree ("signed_at","inference_id");--> statement-breakpoint
CREATE INDEX "inference_node_not_valid" ON "proofs"."inference" USING btree ("tee_id","signature_valid","signed_at","id") WHERE "proofs"."inference"."signature_valid" is not true;--> statement-breakpoint
CREATE INDEX "inference_not_valid" ON "proofs"."inference" USING btree ("signature_valid","signed_at","id") WHERE "proofs"."inference"."signature_valid" is not true;--> statement-breakpoint
-- How hours came about was not kept: those with anything to count are summed anew.
insert into "proofs"."dirty" ("kind", "key", "start_at")
select distinct 'node', "tee_id", "signed_at" - "signed_at" % 3600 from "proofs"."inference" where "signature_valid"
on conflict do nothing;--> statement-breakpoint
-- Comes after all of them: until it is taken, the parts of some hours are missing (PARTS_MISSING in db/schema/proofs.ts).
insert into "proofs"."dirty" ("kind", "key", "start_at")
select 'node', 'zz-parts-missing', 0 where exists (select from "proofs"."inference" where "signature_valid")
on conflict do nothing;
