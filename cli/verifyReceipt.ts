/** The `verify-receipt` command as a function of its arguments. */
import { parseArgs } from "node:util";
import { checkReceipt, type ReceiptCheck } from "../proofs/checkReceipt.ts";
import { isAddress } from "../proofs/hex.ts";
import type { Receipt } from "../proofs/receipt.ts";
import { checkReceiptOnChain } from "../proofs/receiptOnChain.ts";
import { shownText } from "../proofs/shownText.ts";
import { asciiJson } from "./asciiJson.ts";
import { jsonRpc } from "./jsonRpc.ts";
import { readReceiptFile } from "./receiptFile.ts";

export const USAGE = `usage: npx verify-receipt <receipt.json | -> [--rpc URL] [--relay ADDRESS] [--registry ADDRESS] [--json]

Checks the receipt of an inference by itself: public key, signature, Merkle path, registration before settlement.
  --rpc URL            also that the settlement and the registration are on chain; URL is a JSON-RPC endpoint
  --relay ADDRESS      the settlement must come from this contract (may be repeated)
  --registry ADDRESS   the node must be registered in this contract (may be repeated)
  --json               the outcome as one JSON object

Exit code: 0 the receipt holds, 1 it does not (with the reason), 2 wrong usage.
`;

/** Exit code and what to print. */
export interface Outcome {
  readonly exitCode: 0 | 1 | 2;
  readonly stdout: string;
  readonly stderr: string;
}

interface Options {
  readonly path: string;
  readonly rpc: URL | null;
  readonly relays: readonly string[];
  readonly registries: readonly string[];
  readonly format: "text" | "json";
}

type Finding =
  | { readonly ok: true; readonly receipt: Receipt; readonly checked: readonly string[] }
  | { readonly ok: false; readonly reason: string; readonly detail: string };

export async function verifyReceipt(args: readonly string[]): Promise<Outcome> {
  const options = optionsOf(args);
  if (options === "help") return { exitCode: 0, stdout: USAGE, stderr: "" };
  if (typeof options === "string")
    return { exitCode: 2, stdout: "", stderr: `verify-receipt: ${options}\n\n${USAGE}` };
  const finding = await check(options);
  const exitCode = finding.ok ? 0 : 1;
  return { exitCode, stdout: options.format === "json" ? asJson(finding) : asText(finding), stderr: "" };
}

/** @returns the options, "help", or another string that says what is wrong with the arguments. */
function optionsOf(args: readonly string[]): Options | "help" | string {
  const parsed = parse(args);
  if (typeof parsed === "string") return parsed;
  const { values, positionals } = parsed;
  if (values.help) return "help";
  const [path, ...more] = positionals;
  if (path === undefined || more.length > 0)
    return `give one file, or - for standard input; ${positionals.length} were given`;
  let rpc: URL | null = null;
  if (values.rpc !== undefined) {
    rpc = URL.canParse(values.rpc) ? new URL(values.rpc) : null;
    if (rpc?.protocol !== "http:" && rpc?.protocol !== "https:")
      return "--rpc: give the http or https URL of a JSON-RPC endpoint";
  }
  const relays = values.relay ?? [];
  const registries = values.registry ?? [];
  const wrong = [...relays, ...registries].find((address) => !isAddress(address));
  if (wrong !== undefined)
    return `${JSON.stringify(wrong)} is not a 20-byte address; give 0x and 40 hex digits`;
  return { path, rpc, relays, registries, format: values.json ? "json" : "text" };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        rpc: { type: "string" },
        relay: { type: "string", multiple: true },
        registry: { type: "string", multiple: true },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    // parseArgs' messages name the argument and what to do
    return error instanceof Error ? error.message : String(error);
  }
}

async function check({ path, rpc, relays, registries }: Options): Promise<Finding> {
  const file = await readReceiptFile(path);
  if ("problem" in file) return { ok: false, reason: file.problem, detail: file.detail };
  const alone = checkReceipt(file.document);
  if (!alone.ok) return alone;
  const foreign = foreignContract(alone, relays, registries);
  if (foreign !== null) return foreign;
  if (rpc === null) return alone;
  const onChain = await checkReceiptOnChain(alone.receipt, jsonRpc(rpc));
  return onChain.ok ? { ...alone, checked: [...alone.checked, ...onChain.checked] } : onChain;
}

function foreignContract(
  { receipt: { settlement, registration } }: Extract<ReceiptCheck, { ok: true }>,
  relays: readonly string[],
  registries: readonly string[],
): Finding | null {
  const isAmong = (address: string | undefined, list: readonly string[]) =>
    list.length === 0 || list.some((other) => other.toLowerCase() === address);
  if (!isAmong(settlement.relay, relays))
    return {
      ok: false,
      reason: "foreign-relay",
      detail: `the settlement comes from ${settlement.relay}, which --relay does not name`,
    };
  if (!isAmong(registration?.registry, registries))
    return {
      ok: false,
      reason: "foreign-registry",
      detail: `the node is registered in ${registration?.registry}, which --registry does not name`,
    };
  return null;
}

const asJson = (finding: Finding): string =>
  asciiJson(
    finding.ok
      ? { ok: true, inferenceId: finding.receipt.inferenceId, checked: finding.checked }
      : { ok: false, reason: finding.reason, detail: shownText(finding.detail, 600) },
  );

function asText(finding: Finding): string {
  if (!finding.ok) return `does not hold: ${finding.reason}: ${shownText(finding.detail, 600)}\n`;
  const { inferenceId, leaf, settlement, registration, nodeAtSigning } = finding.receipt;
  const { status, pcr } = nodeAtSigning;
  const version = pcr?.version === null || pcr === null ? "unknown version" : shownText(pcr.version, 80);
  return [
    `holds: inference ${inferenceId} by TEE ${leaf.teeId}, signed at ${leaf.timestamp}`,
    ...finding.checked.map((sentence) => `  checked: ${sentence}`),
    `  for you to know: are relay ${settlement.relay} and registry ${registration?.registry} the network's?`,
    `  the index's word: the node was ${status ?? "not registered"}, running PCR ${pcr?.hash ?? "unknown"} (${version}, ${approval(pcr?.approved)})`,
    "",
  ].join("\n");
}

const approval = (approved: boolean | null | undefined): string =>
  approved === undefined || approved === null ? "approval unknown" : approved ? "approved" : "not approved";
