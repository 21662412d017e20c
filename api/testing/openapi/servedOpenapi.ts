/** `openapi.json` as it is served, without a database. For tests and for `npm run schema:openapi`. */
import path from "node:path";
import { versionOf } from "../../wiring/build.ts";
import { createTestApi } from "../testApi.ts";
import { OPENAPI_FILE } from "./openapiFile.ts";

export async function servedOpenapi(): Promise<string> {
  const version = versionOf(path.dirname(OPENAPI_FILE));
  const api = createTestApi("postgres://nobody@127.0.0.1:1/none", undefined, { version });
  const response = await api.handler(new Request("http://test/openapi.json"));
  const text = JSON.stringify(await response.json(), null, 2);
  await api.close();
  return `${text}\n`;
}
