/** Compares a payload blob's claims about itself with what was signed. */
import type { Hex } from "./hex.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "./pythonJson.ts";

/** The signed values of the inference whose settlement names the blob; hex in lower case. */
export interface ExpectedInference {
  readonly teeId: Hex;
  readonly inputHash: Hex;
  readonly outputHash: Hex;
  readonly timestamp: bigint;
  readonly signature?: Hex;
}

export type Claim = "node id" | "timestamp" | "signature" | "input hash" | "output hash";

/** Names of each claim, in the blob and in the gateway's answer inside it. */
const NAMES: Readonly<Record<Claim, readonly string[]>> = {
  "node id": ["teeId", "tee_id"],
  timestamp: ["timestamp", "tee_timestamp"],
  signature: ["teeSignature", "tee_signature"],
  "input hash": ["inputHash", "input_hash", "teeRequestHash", "tee_request_hash"],
  "output hash": ["outputHash", "output_hash", "teeOutputHash", "tee_output_hash"],
};

/** What a claim says, in the form of the expected value; null for nothing that can be compared. */
const READERS: Readonly<Record<Claim, (value: JsonValue) => string | null>> = {
  "node id": bytes32,
  timestamp: (value) => unixSeconds(value)?.toString() ?? null,
  signature: signatureHex,
  "input hash": bytes32,
  "output hash": bytes32,
};

/** The claims of which one at least differs from the signed value; absent and unreadable ones do not. */
export function differingClaims(
  blob: JsonObject,
  answer: JsonValue,
  expected: ExpectedInference,
): ReadonlySet<Claim> {
  const signed: Readonly<Record<Claim, string | undefined>> = {
    "node id": expected.teeId,
    timestamp: String(expected.timestamp),
    signature: expected.signature,
    "input hash": expected.inputHash,
    "output hash": expected.outputHash,
  };
  const sources = isJsonObject(answer) ? [blob, answer] : [blob];
  // The keys of a record are its type's.
  const claims = Object.keys(NAMES) as Claim[];
  return new Set(
    claims.filter((claim) => {
      const wanted = signed[claim];
      return sources.some((source) =>
        NAMES[claim].some((name) => {
          const said = READERS[claim](source.get(name) ?? null);
          return said !== null && wanted !== undefined && said !== wanted;
        }),
      );
    }),
  );
}

/** 32 bytes of hex in any case, with or without 0x. */
export function bytes32(value: JsonValue): Hex | null {
  const digits = typeof value === "string" ? /^(?:0x)?([0-9a-f]{64})$/i.exec(value)?.[1] : undefined;
  return digits === undefined ? null : `0x${digits.toLowerCase()}`;
}

/** An integer, a whole float, or the decimal digits of one, of at most 78 digits. */
export function unixSeconds(value: JsonValue): bigint | null {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : null;
  return typeof value === "string" && /^[0-9]{1,78}$/.test(value) ? BigInt(value) : null;
}

/** Base64 as gateways write it, or hex with 0x. */
function signatureHex(value: JsonValue): string | null {
  if (typeof value !== "string" || value.length > 4096) return null;
  if (/^0x(?:[0-9a-f]{2})+$/i.test(value)) return value.toLowerCase();
  return /^[A-Za-z0-9+/_-]+={0,2}$/.test(value) ? `0x${Buffer.from(value, "base64").toString("hex")}` : null;
}
