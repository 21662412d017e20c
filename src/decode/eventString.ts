import { decodeAbiParameters, type Hex } from "viem";

/**
 * The bytes of an event's only unindexed `string`, as they are on chain: Ponder's own decoding has already replaced
 * what is not UTF-8. Returns `0x` when the data is malformed.
 */
export function stringBytes(eventData: Hex): Hex {
  try {
    return decodeAbiParameters([{ type: "bytes" }], eventData)[0];
  } catch {
    return "0x";
  }
}
