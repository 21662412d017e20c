/** The participants of a history. Everything is derived from an index, so that requests can name their subjects. */
import { keccak256, toHex } from "viem";
import type { Hex } from "../../../proofs/hex.ts";
import { generateNode } from "../../nodeKeys.ts";
import { NODES_PER_OPERATOR } from "./size.ts";

const hash = (text: string): Hex => keccak256(toHex(text));
const address = (text: string): Hex => `0x${hash(text).slice(-40)}`;

export const REGISTRY = address("registry");
export const EARLIER_REGISTRY = address("earlier registry");
export const RELAY = address("relay");
export const ADMIN = address("admin");
export const COMMON_PAYEE = address("common payee");
export const OPG = address("opg");
export const USDC = address("usdc");
/** Used for a few payments, long ago. */
export const RARE_TOKEN = address("rare token");
export const HUB = address("hub");
export const FACILITATORS = [address("facilitator 0"), address("facilitator 1")] as const;
export const RELAYERS = [address("relayer 0"), address("relayer 1"), address("relayer 2")] as const;
export const NOBODY = address("nobody");
/** Approved one after the other; the first was revoked. */
export const PCRS = [hash("pcr 0"), hash("pcr 1"), hash("pcr 2"), hash("pcr 3")] as const;
export const EARLIER_NODES = 20;

export const ownerOf = (node: number): Hex => address(`operator ${Math.floor(node / NODES_PER_OPERATOR)}`);

/** One in five has an address of its own, one in ten the network's, the others share their operator's. */
export function paymentAddressOf(node: number): Hex {
  if (node % 5 === 0) return address(`payee ${node}`);
  return node % 10 === 3
    ? COMMON_PAYEE
    : address(`payee of operator ${Math.floor(node / NODES_PER_OPERATOR)}`);
}

export const payer = (index: number): Hex => address(`payer ${index}`);

export const MODELS = [
  "openai/gpt-4.1-2025-04-14",
  "anthropic/claude-4.0-sonnet",
  "google/gemini-2.5-flash",
  "x-ai/grok-4",
  "openai/o4-mini",
] as const;
/** Run once in a while, long ago. */
export const RARE_MODEL = "meta/llama-3-8b";
export const MODEL_CIDS = ["QmA0", "QmB1", "QmC2"].map((head) => head.padEnd(46, "x"));
export const RARE_MODEL_CID = "QmRare".padEnd(46, "y");

/** The largest node. */
export const largestNode = (): Hex => keccak256(generateNode(0).publicKey);
