/** Fake keys and certificates of nodes for benchmarks: cryptographically useless, but of realistic size. */
import { keccak256 } from "viem";

const KEY_BYTES = 294;
const CERTIFICATE_BYTES = 900;

/** Bytes that look random and are the same every time. */
function bytes(seed: number, length: number): `0x${string}` {
  let hex = "";
  for (let part = 0; hex.length < 2 * length; part++)
    hex += keccak256(`0x${seed.toString(16).padStart(16, "0")}${part.toString(16).padStart(8, "0")}`).slice(
      2,
    );
  return `0x${hex.slice(0, 2 * length)}`;
}

export interface GeneratedNode {
  readonly teeId: `0x${string}`;
  readonly publicKey: `0x${string}`;
  readonly certificate: `0x${string}`;
  readonly ohttpKey: `0x${string}`;
}

export const generateNode = (index: number): GeneratedNode => {
  const publicKey = bytes(index, KEY_BYTES);
  return {
    teeId: keccak256(publicKey),
    publicKey,
    certificate: bytes(index + 1_000_000, CERTIFICATE_BYTES),
    ohttpKey: bytes(index + 2_000_000, 32),
  };
};
