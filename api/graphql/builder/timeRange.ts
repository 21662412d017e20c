/** The two ends of a time range, for filters. */
import type { InputFieldBuilder } from "@pothos/core";
import type { builder } from "./builder.ts";

type Types = typeof builder extends PothosSchemaTypes.SchemaBuilder<infer T> ? T : never;

/** @param what - the time that is compared: "settled", "paid", … */
export const timeRange = (t: InputFieldBuilder<Types, "InputObject">, what: string) => ({
  from: t.field({
    type: "Timestamp",
    description: `${what} at or after this, unix seconds; not after \`to\`.`,
  }),
  to: t.field({ type: "Timestamp", description: `${what} before this, unix seconds.` }),
});
