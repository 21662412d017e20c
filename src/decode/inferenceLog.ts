/** The few fields of a precompile log that are indexed; the rest stays in the log's data and is decoded when asked for. */
import { decodeAbiParameters, type Hex } from "viem";

export interface InferenceHead {
  readonly inferenceIdBytes: Hex;
  /** 0 VANILLA, 1 ZKML, 2 TEE; any uint8 as emitted. */
  readonly mode: number;
  readonly modelCidBytes: Hex;
}

// All three events begin alike: (string inferenceID, (uint8 mode, string modelCID, …) request, …). ABI offsets make a
// prefix of a tuple decodable by itself, and the strings are declared as bytes because users choose them.
const head = [
  { name: "inferenceId", type: "bytes" },
  {
    name: "request",
    type: "tuple",
    components: [
      { name: "mode", type: "uint8" },
      { name: "modelCid", type: "bytes" },
    ],
  },
] as const;

/** Decodes the head of an inference log; null when the data is malformed. */
export function decodeInferenceHead(data: Hex): InferenceHead | null {
  try {
    const [inferenceIdBytes, { mode, modelCid }] = decodeAbiParameters(head, data);
    // viem reads a whole word as a small integer
    if (mode > 255) return null;
    return { inferenceIdBytes, mode, modelCidBytes: modelCid };
  } catch {
    return null;
  }
}

const WORD = 64;

/**
 * Whether a hub's event repeats the response of a precompile log: the log's last member and the event's only one are
 * then the same words.
 */
export const repeatsResponse = (requestData: Hex, hubData: Hex): boolean =>
  requestData.endsWith(hubData.slice("0x".length + WORD));
