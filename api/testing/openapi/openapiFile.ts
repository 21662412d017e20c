/** Where `openapi.json` is committed. */
import path from "node:path";

export const OPENAPI_FILE = path.join(import.meta.dirname, "../../../openapi.json");
