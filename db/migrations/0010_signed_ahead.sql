ALTER TABLE "proofs"."batch" ADD COLUMN "latest_signed_at" bigint;--> statement-breakpoint
UPDATE "proofs"."batch" b SET "latest_signed_at" = leaf.latest
FROM (
  SELECT l."batch_key", max(i."signed_at") AS latest FROM "proofs"."leaf" l JOIN "proofs"."inference" i ON i."id" = l."inference_id"
  GROUP BY l."batch_key"
) leaf WHERE leaf."batch_key" = b."key" AND b."state" = 'proven';--> statement-breakpoint
UPDATE "proofs"."settled" s SET "signed_at" = b."latest_signed_at"
FROM "proofs"."batch" b WHERE b."key" = s."batch_key" AND s."kind" = 'batch' AND b."latest_signed_at" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "settled_ahead" ON "proofs"."settled" USING btree ("signed_at") WHERE "proofs"."settled"."signed_at" > "proofs"."settled"."settled_at";
