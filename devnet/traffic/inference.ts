/** One verifiable inference: the request, the node's signed answer, and its blob when settled on its own. */
import { type Address, type Hex, keccak256, stringToHex } from "viem";
import type { JsonValue } from "../../proofs/pythonJson.ts";
import { hashOfRequest } from "../../proofs/requestHash.ts";
import { inferenceMessage, signPss } from "../pss.ts";
import type { SeededRandom } from "../random.ts";
import type { NodeIdentity } from "./cast.ts";

export const MODELS = [
  "openai/gpt-5-mini",
  "anthropic/claude-sonnet-4.5",
  "google/gemini-2.5-flash",
  "x-ai/grok-4",
];

const TOPICS = [
  "the tides",
  "Merkle trees",
  "sourdough",
  "Zürich in winter",
  "prime numbers",
  "the 1969 landing",
];
const TASKS = [
  "Explain",
  "Summarise",
  "Write a haiku about",
  "List three facts about",
  "Translate into French:",
];
const WORDS = "the light of a quiet proof carries every small and patient measure across an open field".split(
  " ",
);

export interface Inference {
  readonly node: NodeIdentity;
  readonly inputHash: Hex;
  readonly outputHash: Hex;
  /** Unix seconds, by the enclave's clock. */
  readonly signedAt: number;
  readonly signature: Hex;
  /** The JSON that its hash is of. */
  readonly request: string;
  readonly content: string;
  readonly model: string;
}

export function infer(random: SeededRandom, node: NodeIdentity, signedAt: number): Inference {
  const model = random.pick(MODELS);
  const message = (role: string, content: string) => new Map([["role", role] as const, ["content", content]]);
  const { canonical: request, hash: inputHash } = hashOfRequest(
    new Map<string, JsonValue>([
      ["model", model],
      [
        "messages",
        [
          message("system", "You are a helpful assistant."),
          message("user", `${random.pick(TASKS)} ${random.pick(TOPICS)} (${random.integer(1, 1_000_000)})`),
        ],
      ],
      ["temperature", random.pick([0, 0.2, 0.7, 1])],
      ["max_tokens", random.chance(0.5) ? random.pick([256n, 512n, 1024n]) : null],
    ]),
  );
  const content = Array.from({ length: random.integer(8, 60) }, () => random.pick(WORDS)).join(" ");
  const outputHash = keccak256(stringToHex(content));
  const signature = signPss(node.key, inferenceMessage(inputHash, outputHash, signedAt));
  return { node, inputHash, outputHash, signedAt, signature, request, content, model };
}

/**
 * The blob of an individual settlement: the request and the gateway's whole answer.
 * @param withHashes - newer relayers add `inputHash` and `outputHash`.
 */
export function individualBlob(inference: Inference, payer: Address, withHashes: boolean): Buffer {
  const { node, request, content, model, signedAt, inputHash, outputHash } = inference;
  const signature = Buffer.from(inference.signature.slice(2), "hex").toString("base64");
  const [promptTokens, completionTokens] = [Math.ceil(request.length / 4), content.split(" ").length];
  const output = {
    id: `chatcmpl-${inputHash.slice(2, 26)}`,
    object: "chat.completion",
    created: signedAt,
    model,
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
    },
    tee_signature: signature,
    tee_request_hash: inputHash.slice(2),
    tee_output_hash: outputHash.slice(2),
    tee_timestamp: signedAt,
    tee_id: node.teeId.slice(2),
  };
  return Buffer.from(
    JSON.stringify({
      // The facilitator is a JavaScript program: 1.0 leaves it as 1.
      input: JSON.parse(request),
      output,
      teeSignature: signature,
      teeId: node.teeId,
      timestamp: signedAt,
      ethAddress: payer,
      ...(withHashes ? { inputHash, outputHash } : {}),
    }),
  );
}
