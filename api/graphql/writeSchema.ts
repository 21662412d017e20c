/** Writes `schema.graphql`; a test fails while it differs from the code. */
import { writeFileSync } from "node:fs";
import { printedSchema } from "./schema.ts";

writeFileSync(new URL("../../schema.graphql", import.meta.url), printedSchema());
