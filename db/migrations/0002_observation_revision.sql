CREATE TABLE "observations"."revision" (
	"id" integer PRIMARY KEY NOT NULL,
	"value" bigint NOT NULL
);
--> statement-breakpoint
INSERT INTO "observations"."revision" ("id", "value") VALUES (1, 0);
--> statement-breakpoint
CREATE FUNCTION "observations"."count_revision"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO "observations"."revision" AS r ("id", "value") VALUES (1, 1)
	ON CONFLICT ("id") DO UPDATE SET "value" = r."value" + 1;
	RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER "count_revision" AFTER INSERT OR DELETE OR TRUNCATE ON "observations"."node_record"
FOR EACH STATEMENT EXECUTE FUNCTION "observations"."count_revision"();
