/** What an on-chain inference asked and answered, from the logs' data: shortened, sanitised, never a failure. */
import { type AbiParameter, decodeAbiParameters, type Hex } from "viem";
import { InferenceHubAbi, InferencePrecompileAbi } from "../../../abis/Inference.ts";
import { displayProse } from "../../../src/decode/text.ts";

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** Null when there is no such log, its data is malformed, or it is too long to be looked into. */
export interface InferenceContent {
  readonly request: Json;
  readonly response: Json;
  /** What the hub's event says, or a workflow's. */
  readonly result: Json;
  /** Texts or lists were cut. */
  readonly shortened: boolean;
}

const MAX_TEXT_LENGTH = 4_096;
const MAX_LIST_LENGTH = 64;
/** Texts and numbers of one log, all in all. */
const MAX_VALUES = 2_048;
/** Bytes of a log that are looked into. */
export const MAX_LOG_BYTES = 512 * 1_024;

const PRECOMPILE_EVENTS = {
  chat: "LLMChat",
  completion: "LLMCompletionEvent",
  model: "ModelInferenceEvent",
  // a scheduled workflow runs a model
  workflow: "ModelInferenceEvent",
} as const;

const unindexed = (inputs: readonly (AbiParameter & { readonly indexed?: boolean })[]) =>
  inputs.filter((input) => input.indexed !== true);

const inputsOf = (
  abi: typeof InferencePrecompileAbi | typeof InferenceHubAbi,
  eventName: string,
): readonly AbiParameter[] | null => {
  const event = abi.find(({ name }) => name === eventName);
  return event === undefined ? null : unindexed(event.inputs);
};

function decode(inputs: readonly AbiParameter[] | null, data: string | null): readonly unknown[] | null {
  if (inputs === null || data === null || data.length > 2 + 2 * MAX_LOG_BYTES) return null;
  try {
    return decodeAbiParameters(inputs, data as Hex); // the indexer stores nothing but hex here
  } catch {
    return null;
  }
}

/** Cuts a decoded value to what may be shown, and remembers that it did. */
class Shortener {
  shortened = false;
  #values = 0;

  json(value: unknown): Json {
    if (value === undefined || value === null) return null;
    if (Array.isArray(value)) {
      if (value.length > MAX_LIST_LENGTH) this.shortened = true;
      return value.slice(0, MAX_LIST_LENGTH).map((item: unknown) => this.json(item));
    }
    if (typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, this.json(member)]));
    this.#values += 1;
    if (this.#values > MAX_VALUES) {
      this.shortened = true;
      return null;
    }
    if (typeof value === "string") {
      const text = displayProse(value, MAX_TEXT_LENGTH);
      if (value.length > MAX_TEXT_LENGTH) this.shortened = true;
      return text;
    }
    if (typeof value === "bigint") return value.toString();
    return typeof value === "number" || typeof value === "boolean" ? value : null;
  }
}

/** Decodes both logs of an inference. */
export function inferenceContent(log: {
  readonly kind: keyof typeof PRECOMPILE_EVENTS;
  readonly requestData: string | null;
  readonly hubEvent: string | null;
  readonly hubData: string | null;
}): InferenceContent {
  const call = decode(inputsOf(InferencePrecompileAbi, PRECOMPILE_EVENTS[log.kind]), log.requestData);
  const outcome = log.hubEvent === null ? null : decode(inputsOf(InferenceHubAbi, log.hubEvent), log.hubData);
  const shortener = new Shortener();
  const [, request, response] = call ?? [];
  const content = {
    request: shortener.json(request),
    response: shortener.json(response),
    result: shortener.json(outcome?.[0]),
  };
  return { ...content, shortened: shortener.shortened };
}
