/** The `find-inference` command as a function of its arguments. */
import { readFile, stat } from "node:fs/promises";
import { parseArgs } from "node:util";
import {
  ApiUnavailableError,
  type FoundInference,
  findInference,
  type InferenceHashes,
  inferenceHashes,
} from "../proofs/findInference.ts";
import { JSON_LIMITS, JsonTextError, readJson } from "../proofs/jsonText.ts";
import { RequestShapeError } from "../proofs/requestHash.ts";
import { ResponseShapeError } from "../proofs/responseHash.ts";
import { shownText } from "../proofs/shownText.ts";
import { asciiJson } from "./asciiJson.ts";

const DEFAULT_API = "http://127.0.0.1:4000";
const TIMEOUT_MS = 20_000;

export const USAGE = `usage: npx find-inference <request.json> <response.json> [--api URL] [--json]

Computes the hashes that a node signs from a request and its response, and looks them up in the index.
  request.json    the JSON sent to /v1/chat/completions
  response.json   the JSON that came back
  --api URL       the index's API (default ${DEFAULT_API})
  --json          the outcome as one JSON object

Exit code: 0 recorded, 1 not recorded (or only with a signature that is not the node's), 2 wrong usage or no answer.
`;

/** Exit code and what to print. */
export interface Outcome {
  readonly exitCode: 0 | 1 | 2;
  readonly stdout: string;
  readonly stderr: string;
}

interface Options {
  readonly requestPath: string;
  readonly responsePath: string;
  readonly api: string;
  readonly format: "text" | "json";
}

/** Thrown for mistakes that the user can fix; the message says how. */
class CommandError extends Error {}

export async function findInferenceCommand(args: readonly string[]): Promise<Outcome> {
  try {
    const options = optionsOf(args);
    if (options === "help") return { exitCode: 0, stdout: USAGE, stderr: "" };
    const hashes = await hashesOf(options);
    const inferences = await findInference(options.api, hashes, (url) =>
      fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }),
    );
    const isRecorded = inferences.some(({ signatureValid }) => signatureValid !== false);
    const finding = { ...hashes, recorded: isRecorded, inferences: withReceipts(inferences, options.api) };
    const stdout = options.format === "json" ? asciiJson(finding) : asText(finding);
    return { exitCode: isRecorded ? 0 : 1, stdout, stderr: "" };
  } catch (error) {
    if (error instanceof CommandError || error instanceof ApiUnavailableError)
      return { exitCode: 2, stdout: "", stderr: `find-inference: ${error.message}\n` };
    throw error;
  }
}

function optionsOf(args: readonly string[]): Options | "help" {
  const { values, positionals } = parse(args);
  if (values.help) return "help";
  const [requestPath, responsePath, ...more] = positionals;
  if (requestPath === undefined || responsePath === undefined || more.length > 0)
    throw new CommandError(
      `give two files, the request and the response; ${positionals.length} were given\n\n${USAGE}`,
    );
  const api = values.api ?? DEFAULT_API;
  const protocol = URL.canParse(api) ? new URL(api).protocol : null;
  if (protocol !== "http:" && protocol !== "https:")
    throw new CommandError(
      `--api: ${JSON.stringify(api)} is not an http or https URL; give one such as ${DEFAULT_API}`,
    );
  return { requestPath, responsePath, api: api.replace(/\/+$/, ""), format: values.json ? "json" : "text" };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        api: { type: "string" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    // parseArgs' messages name the argument and what to do
    throw new CommandError(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
  }
}

async function hashesOf({ requestPath, responsePath }: Options): Promise<InferenceHashes> {
  const request = await readJsonText(requestPath);
  const response = await readJsonText(responsePath);
  try {
    return inferenceHashes(request, response);
  } catch (error) {
    if (error instanceof RequestShapeError) throw new CommandError(`${requestPath}: ${error.message}`);
    if (error instanceof ResponseShapeError) throw new CommandError(`${responsePath}: ${error.message}`);
    throw error;
  }
}

async function readJsonText(path: string): Promise<string> {
  const text = await readText(path);
  try {
    readJson(text);
    return text;
  } catch (error) {
    if (error instanceof JsonTextError) throw new CommandError(`${path} is not JSON: ${error.message}`);
    throw error;
  }
}

async function readText(path: string): Promise<string> {
  let bytes: Buffer;
  try {
    const { size } = await stat(path);
    if (size > JSON_LIMITS.maxLength)
      throw new CommandError(`${path} has ${size} bytes; ${JSON_LIMITS.maxLength} are allowed`);
    bytes = await readFile(path);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`${path} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
  try {
    // an editor may have added a byte-order mark; it is not part of the request
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new CommandError(`${path} is not UTF-8; save it as JSON in UTF-8`);
  }
}

type Recorded = FoundInference & { readonly receiptUrl: string };

const withReceipts = (inferences: readonly FoundInference[], api: string): readonly Recorded[] =>
  inferences.map((inference) => ({
    ...inference,
    receiptUrl: `${api}/v1/inferences/${inference.id}/receipt`,
  }));

interface Finding extends InferenceHashes {
  readonly recorded: boolean;
  readonly inferences: readonly Recorded[];
}

/** More of them are for --json. */
const MAX_SHOWN = 5;

function asText({ inputHash, outputHash, inferenceId, contradicted, recorded, inferences }: Finding): string {
  const isThisOne = inferences.some(({ id }) => id === inferenceId);
  return [
    `input hash   ${inputHash}`,
    `output hash  ${outputHash}`,
    ...(inferenceId === null ? [] : [`inference    ${inferenceId}`]),
    ...contradicted.map((hash) => CONTRADICTIONS[hash]),
    recorded
      ? `recorded: ${counted(inferences.length)} with these hashes`
      : inferences.length > 0
        ? "not recorded: somebody posted these hashes, but no node signed them"
        : "not recorded: no settlement holds these hashes (a batch is settled up to 15 minutes after the answer, a private inference never)",
    ...(recorded && inferenceId !== null && !isThisOne
      ? ["note: none of them was signed by the node and at the second that the response names"]
      : []),
    ...inferences.slice(0, MAX_SHOWN).flatMap(describe),
    ...(inferences.length > MAX_SHOWN ? [`… ${inferences.length - MAX_SHOWN} more with --json`] : []),
    "",
  ].join("\n");
}

const CONTRADICTIONS = {
  inputHash: "note: the response names another request hash: the node signed another request than this",
  outputHash: "note: the response names another output hash: its content is not what the node signed",
} as const;

const counted = (count: number): string => (count === 1 ? "one inference" : `${count} inferences`);

function describe(inference: Recorded): string[] {
  const { id, teeId, signedAt, signatureValid, settlements, model, nodeAtSigning, receiptUrl } = inference;
  const moment = signedAt === null ? "at an impossible time" : timeOf(signedAt);
  const signature = signatureValid === null ? "not yet checked" : signatureValid ? "valid" : "not the node's";
  return [
    id,
    `  node      ${teeId}, ${nodeAtSigning ? stateOf(nodeAtSigning) : "not registered when it signed"}`,
    `  signed    ${moment}, signature ${signature}`,
    ...(model === null ? [] : [`  model     ${shownText(model, 200)}`]),
    ...settlements.slice(0, MAX_SHOWN).map(({ id, leafIndex }) => {
      const leaf = leafIndex === null ? "by itself" : `leaf ${leafIndex} of a batch`;
      return `  settled   ${shownText(id, 200)}, ${leaf}`;
    }),
    `  receipt   ${receiptUrl}`,
  ];
}

function stateOf({ status, pcrHash, pcrVersion, pcrApproved }: NonNullable<FoundInference["nodeAtSigning"]>) {
  const version = pcrVersion === null ? "" : ` (${shownText(pcrVersion, 80)})`;
  const approval = pcrApproved === null ? "" : pcrApproved ? ", approved" : ", not approved";
  const code = pcrHash === null ? "" : `; code ${pcrHash}${version}${approval}`;
  return `${shownText(status, 40)} when it signed${code}`;
}

function timeOf(unixSeconds: number): string {
  const date = new Date(unixSeconds * 1000);
  return Number.isNaN(date.getTime())
    ? `${unixSeconds} s after 1970`
    : date.toISOString().replace(".000", "");
}
