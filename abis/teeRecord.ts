/**
 * A node's record as `getTEE(teeId)` returns it, in both layouts: the current registry appends an OHTTP
 * configuration to what the earlier one returned. Strings are decoded as bytes, because operators choose them and
 * need not write valid UTF-8. Shared by the indexing functions and the observer.
 */
import { type Address, concatHex, decodeAbiParameters, type Hex } from "viem";
import { lowerHex } from "./lowerHex.ts";

export const GET_TEE_SELECTOR = "0x418b207d" satisfies Hex;

export interface OhttpConfig {
  readonly keyId: number;
  readonly kemId: number;
  readonly kdfId: number;
  readonly aeadId: number;
  readonly publicKey: Hex;
  readonly keyConfig: Hex;
  /** Unix seconds. */
  readonly registeredAt: bigint;
}

export interface TeeRecord {
  readonly owner: Address;
  readonly paymentAddress: Address;
  /** The endpoint's bytes, UTF-8 if its operator meant well. */
  readonly endpointBytes: Hex;
  /** DER SPKI. */
  readonly publicKey: Hex;
  /** DER. */
  readonly tlsCertificate: Hex;
  readonly pcrHash: Hex;
  readonly teeType: number;
  readonly enabled: boolean;
  readonly registeredAt: bigint;
  readonly lastHeartbeatAt: bigint;
  /** Null in the earlier layout, and where no key was registered. */
  readonly ohttp: OhttpConfig | null;
}

const commonFields = [
  { name: "owner", type: "address" },
  { name: "paymentAddress", type: "address" },
  { name: "endpointBytes", type: "bytes" },
  { name: "publicKey", type: "bytes" },
  { name: "tlsCertificate", type: "bytes" },
  { name: "pcrHash", type: "bytes32" },
  { name: "teeType", type: "uint8" },
  { name: "enabled", type: "bool" },
  { name: "registeredAt", type: "uint256" },
  { name: "lastHeartbeatAt", type: "uint256" },
] as const;

const earlierLayout = [{ type: "tuple", components: commonFields }] as const;

const currentLayout = [
  {
    type: "tuple",
    components: [
      ...commonFields,
      {
        name: "ohttpConfig",
        type: "tuple",
        components: [
          { name: "keyId", type: "uint8" },
          { name: "kemId", type: "uint16" },
          { name: "kdfId", type: "uint16" },
          { name: "aeadId", type: "uint16" },
          { name: "publicKey", type: "bytes" },
          { name: "keyConfig", type: "bytes" },
          { name: "registeredAt", type: "uint256" },
        ],
      },
    ],
  },
] as const;

/** Calldata of `getTEE(teeId)`. */
export const encodeGetTee = (teeId: Hex): Hex => concatHex([GET_TEE_SELECTOR, teeId]);

const WORD = 64;
const ENDPOINT_OFFSET_WORD = 3;
const CURRENT_HEAD_BYTES = 11 * 32;

/**
 * Decodes the answer of `getTEE`. The layouts are told apart by where the first dynamic field begins: behind a head
 * of ten words or of eleven.
 * @throws viem's decoding errors when `data` is neither layout, {@link RangeError} when a number is longer than its type.
 */
export function decodeTeeRecord(data: Hex): TeeRecord {
  const start = 2 + ENDPOINT_OFFSET_WORD * WORD;
  const endpointOffset = BigInt(`0x${data.slice(start, start + WORD) || "0"}`);
  if (endpointOffset < BigInt(CURRENT_HEAD_BYTES)) {
    const [record] = decodeAbiParameters(earlierLayout, data);
    requireBits(8, record.teeType);
    return { ...lowerCased(record), ohttp: null };
  }
  const [{ ohttpConfig, ...record }] = decodeAbiParameters(currentLayout, data);
  requireBits(8, record.teeType, ohttpConfig.keyId);
  requireBits(16, ohttpConfig.kemId, ohttpConfig.kdfId, ohttpConfig.aeadId);
  return { ...lowerCased(record), ohttp: ohttpConfig.publicKey === "0x" ? null : ohttpConfig };
}

/** viem reads whole words as small integers, and columns hold no more than what the type says. */
function requireBits(bits: 8 | 16, ...values: readonly number[]): void {
  for (const value of values) if (value >= 2 ** bits) throw new RangeError(`${value} is not a uint${bits}`);
}

const lowerCased = <T extends { owner: Address; paymentAddress: Address }>(record: T): T => ({
  ...record,
  owner: lowerHex(record.owner),
  paymentAddress: lowerHex(record.paymentAddress),
});
