/** Public clients, generated from what a running API says of itself, type-checked and run as programs. */
import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { outputIntrospectionFile } from "@gql.tada/internal";
import { getIntrospectionQuery, type IntrospectionQuery } from "graphql";
import openapiTS, { astToString } from "openapi-typescript";

const PROGRAMS = path.join(import.meta.dirname, "programs");
const GENERATED = path.join(PROGRAMS, "generated");
const BIN = path.join(import.meta.dirname, "../../node_modules/.bin");

const run = promisify(execFile);

/** Writes the types that `/openapi.json` and `/graphql` give, and checks the programs with them. @throws what tsc says. */
export async function generateClients(url: string): Promise<void> {
  await rm(GENERATED, { recursive: true, force: true });
  await mkdir(GENERATED, { recursive: true });
  await writeFile(
    path.join(GENERATED, "openapi.ts"),
    astToString(await openapiTS(new URL(`${url}/openapi.json`))),
  );
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query: getIntrospectionQuery() }),
  });
  const { data } = (await response.json()) as { data: IntrospectionQuery }; // what the query asks for
  const introspection = outputIntrospectionFile(data, { fileType: ".d.ts", shouldPreprocess: true });
  await writeFile(path.join(GENERATED, "introspection.d.ts"), introspection);
  await run(path.join(BIN, "tsc"), ["--project", PROGRAMS]).catch(({ stdout }) => {
    throw new Error(`the clients do not fit their types:\n${stdout}`);
  });
}

/** Runs a program against an API. @returns what it prints, as JSON. */
// biome-ignore lint/suspicious/noExplicitAny: programs print objects of every shape
export async function runClient(program: "rest" | "graphql", url: string): Promise<any> {
  const { stdout } = await run(path.join(BIN, "tsx"), [path.join(PROGRAMS, `${program}.ts`), url]);
  return JSON.parse(stdout);
}
