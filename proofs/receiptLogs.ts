/** Encodes the logs that a receipt claims, byte for byte as Solidity does. */
import { type Hex, hexByteLength } from "./hex.ts";
import { keccak256Hex } from "./keccak.ts";
import type { Receipt } from "./receipt.ts";

export interface ExpectedLog {
  readonly address: Hex;
  readonly topics: readonly Hex[];
  readonly data: Hex;
}

const topic = (event: string): Hex => keccak256Hex(Buffer.from(event));
const INDIVIDUAL_SETTLEMENT = topic(
  "IndividualSettlement(bytes32,address,bytes32,bytes32,uint256,bytes,bytes)",
);
const BATCH_SETTLEMENT = topic("BatchSettlement(bytes32,uint256,bytes)");
const TEE_REGISTERED = topic("TEERegistered(bytes32,address,uint8)");

// Parts of an encoding are hex without prefix.
const digits = (hex: Hex): string => hex.slice(2);
const word = (value: bigint | number): string => value.toString(16).padStart(64, "0");
const addressTopic = (address: Hex): Hex => `0x${digits(address).padStart(64, "0")}`;
const dynamicBytes = (hex: Hex): string => {
  const byteLength = hexByteLength(hex);
  return word(byteLength) + digits(hex).padEnd(64 * Math.ceil(byteLength / 32), "0");
};

/** The settlement's event. */
export function settlementLog({ leaf, settlement }: Receipt): ExpectedLog {
  const address = settlement.relay;
  const blobId = dynamicBytes(settlement.blobIdHex);
  if (settlement.kind === "batch")
    return {
      address,
      topics: [BATCH_SETTLEMENT, settlement.merkleRoot],
      data: `0x${word(BigInt(settlement.batchSize))}${word(2 * 32)}${blobId}`,
    };
  const blobOffset = 5 * 32;
  return {
    address,
    topics: [INDIVIDUAL_SETTLEMENT, leaf.teeId, addressTopic(settlement.claimedPayer)],
    data: `0x${[
      digits(leaf.inputHash),
      digits(leaf.outputHash),
      word(BigInt(leaf.timestamp)),
      word(blobOffset),
      word(blobOffset + blobId.length / 2),
      blobId,
      dynamicBytes(leaf.signature),
    ].join("")}`,
  };
}

/** The registry's event. */
export const registrationLog = (
  { leaf }: Receipt,
  { registry, owner, teeType }: NonNullable<Receipt["registration"]>,
): ExpectedLog => ({
  address: registry,
  topics: [TEE_REGISTERED, leaf.teeId, addressTopic(owner)],
  data: `0x${word(teeType)}`,
});
