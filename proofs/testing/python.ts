/** What Python itself makes of JSON, asked while tests run. */
import { spawnSync } from "node:child_process";

/** Null where there is no python3: tests that compare with it are then skipped, saying so. */
export const pythonVersion: string | null = (() => {
  const { status, stdout } = spawnSync("python3", ["--version"], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : null;
})();

if (pythonVersion === null)
  console.warn("python3 is not installed: what Python writes is not compared with; apt-get install python3");

/**
 * Runs a program once for many texts: they are its `texts`, and it prints one line for each.
 * @param program - lines of Python that define `answer(text)`, which returns a string of printable ASCII.
 * @returns one answer per text; a text at which `answer` raised gives the exception's class, after "!".
 */
export function askPython(program: string, texts: readonly string[]): string[] {
  const script = `import json, sys\n${program}\nfor line in sys.stdin:
    try: print(answer(json.loads(line)))
    except Exception as error: print("!" + type(error).__name__)`;
  // Each text travels as a JSON string of ASCII, which keeps lone surrogates.
  const input = texts.map(asciiLine).join("");
  const { status, stdout, stderr } = spawnSync("python3", ["-c", script], {
    input,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`python3 ended with ${status}: ${stderr}`);
  const answers = stdout.split("\n").slice(0, -1);
  if (answers.length !== texts.length)
    throw new Error(`python3 answered ${answers.length} of ${texts.length}`);
  return answers;
}

const asciiLine = (text: string) =>
  `${JSON.stringify(text).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)}\n`;

/** `json.dumps(json.loads(text), sort_keys=True)` of each text. */
export const dumpedByPython = (texts: readonly string[]): string[] =>
  askPython("answer = lambda text: json.dumps(json.loads(text), sort_keys=True)", texts);
