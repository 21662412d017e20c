/** Writes `openapi.json`; a test fails while it differs from what is served. */
import { writeFileSync } from "node:fs";
import { OPENAPI_FILE } from "./openapiFile.ts";
import { servedOpenapi } from "./servedOpenapi.ts";

writeFileSync(OPENAPI_FILE, await servedOpenapi());
