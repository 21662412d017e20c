/** The facts of a node's registration, from the transaction that registered it. */
import { decodeAbiParameters, type Hex, toFunctionSelector } from "viem";
import { lowerHex } from "../../abis/lowerHex.ts";

const SELECTOR = toFunctionSelector("registerTEEWithAttestation(bytes,bytes,bytes,address,string,uint8)");

// The endpoint is declared as bytes: its operator need not have written valid UTF-8.
const parameters = [
  { name: "attestationDocument", type: "bytes" },
  { name: "signingPublicKey", type: "bytes" },
  { name: "tlsCertificate", type: "bytes" },
  { name: "paymentAddress", type: "address" },
  { name: "endpoint", type: "bytes" },
  { name: "teeType", type: "uint8" },
] as const;

export interface RegistrationCall {
  readonly publicKey: Hex;
  readonly tlsCertificate: Hex;
  readonly paymentAddress: Hex;
  readonly endpointBytes: Hex;
}

/** Decodes the input of a direct registration; null when the input is another call or malformed. */
export function decodeRegistration(input: Hex): RegistrationCall | null {
  if (!input.startsWith(SELECTOR)) return null;
  try {
    const [, publicKey, tlsCertificate, paymentAddress, endpointBytes] = decodeAbiParameters(
      parameters,
      `0x${input.slice(SELECTOR.length)}`,
    );
    return {
      publicKey,
      tlsCertificate,
      paymentAddress: lowerHex(paymentAddress),
      endpointBytes,
    };
  } catch {
    return null;
  }
}
