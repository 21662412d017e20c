/** Runs the examples of docs/api.md as a reader would: with bash, Python and Node, in a separate folder. */
import { execFile, execFileSync } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { type Example, fileNameOf } from "./examples.ts";

/** Inside the project, so that packages are found. */
const FOLDER = path.join(import.meta.dirname, "generated");
const MODULES = path.resolve(import.meta.dirname, "../../node_modules");
const NODE = path.join(MODULES, "node/bin/node");
/** As the document has it. */
const ADDRESS = "http://127.0.0.1:4000";
const TIMEOUT_MS = 25_000;

const run = promisify(execFile);

const exists = (program: string): boolean => {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

/** Why examples in a language cannot be run on this machine; undefined where they can. */
export const MISSING: Readonly<Record<string, string | undefined>> = {
  sh: ["bash", "curl"].every(exists) ? undefined : "no bash with curl here",
  python: exists("python3") ? undefined : "no python3 here",
};
for (const [language, reason] of Object.entries(MISSING))
  if (reason !== undefined) console.warn(`Examples in ${language} of docs/api.md are skipped: ${reason}.`);

interface Runner {
  readonly extension: string;
  readonly command: readonly string[];
}
const SHELL: Runner = { extension: "sh", command: ["bash"] };
const RUNNERS: Readonly<Record<string, Runner>> = {
  python: { extension: "py", command: ["python3"] },
  ts: { extension: "ts", command: [NODE, "--disable-warning=ExperimentalWarning"] },
};

export class Cookbook {
  private constructor(
    private readonly url: string,
    readonly variables: Readonly<Record<string, string>>,
  ) {}

  /** Saves the files that examples share, and reads the variables that the document's first example sets. */
  static async open(url: string, examples: readonly Example[]): Promise<Cookbook> {
    await rm(FOLDER, { recursive: true, force: true });
    await mkdir(FOLDER, { recursive: true });
    const bare = new Cookbook(url, {});
    for (const example of examples) {
      const name = fileNameOf(example);
      if (name !== undefined) await bare.save(name, example.text);
    }
    const { stdout } = await bare.exec("bash", ["-c", ". ./setup.sh && env -0"]);
    const wanted = [...(await bare.exec("cat", ["setup.sh"])).stdout.matchAll(/^export (\w+)=/gm)];
    const all = new Map(stdout.split("\0").map((line) => [line.split("=", 1)[0] ?? "", line]));
    const variables = wanted.map(([, name = ""]): [string, string] => [
      name,
      (all.get(name) ?? "").slice(name.length + 1),
    ]);
    return new Cookbook(url, Object.fromEntries(variables));
  }

  /** Variables that an API has nothing for. */
  get unset(): readonly string[] {
    return Object.keys(this.variables).filter((name) => this.variables[name] === "");
  }

  save(name: string, text: string): Promise<void> {
    return writeFile(path.join(FOLDER, name), `${text.replaceAll(ADDRESS, this.url)}\n`);
  }

  /** @returns the output. @throws with the output when the exit code is not 0. */
  async run({ language, text }: Example): Promise<string> {
    if (language === "graphql") return this.#ask(text);
    const { extension, command } = RUNNERS[language] ?? SHELL;
    const name = `example.${extension}`;
    await this.save(name, text);
    const [program = "", ...args] = command;
    return (await this.exec(program, [...args, name])).stdout;
  }

  /** Checks all examples in TypeScript with the compiler. @throws what it says. */
  async checkTypes(examples: readonly Example[]): Promise<void> {
    const files = await Promise.all(
      examples.map(async ({ text }, index) => {
        const name = `checked-${index}.ts`;
        // a file without import or export is not a module
        await this.save(name, `${text}\nexport {};`);
        return name;
      }),
    );
    const config = {
      extends: "../../../tsconfig.json",
      compilerOptions: { lib: ["ES2023", "DOM", "DOM.AsyncIterable"], noUncheckedIndexedAccess: false },
      include: files,
      exclude: [],
    };
    await this.save("tsconfig.json", JSON.stringify(config));
    await this.exec(path.join(MODULES, ".bin/tsc"), ["--project", "."]);
  }

  private exec(program: string, args: readonly string[]) {
    return run(program, [...args], {
      cwd: FOLDER,
      timeout: TIMEOUT_MS,
      maxBuffer: 2 ** 26,
      // the variables of a reader's shell
      env: { PATH: process.env.PATH, HOME: process.env.HOME, PYTHONUNBUFFERED: "1", ...this.variables },
    }).catch(({ message, stdout, stderr }) => {
      throw new Error(`${message}\n${stdout}\n${stderr}`);
    });
  }

  /** GraphQL's variables have the names of the shell's: `$inputHash` is INPUT_HASH. @returns `data`, as JSON. */
  async #ask(query: string): Promise<string> {
    const names = [...query.matchAll(/\$(\w+):/g)].map(([, name = ""]) => name);
    const shellName = (name: string) => name.replace(/[A-Z]/g, "_$&").toUpperCase();
    const response = await fetch(`${this.url}/graphql`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        query,
        variables: Object.fromEntries(names.map((name) => [name, this.variables[shellName(name)]])),
      }),
    });
    const { data, errors } = (await response.json()) as { data: unknown; errors?: unknown }; // by GraphQL over HTTP
    if (errors !== undefined) throw new Error(JSON.stringify(errors));
    return JSON.stringify(data);
  }
}
