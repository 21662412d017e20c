/** Lower-cases hex: rows hold it and compare it in lower case, while viem checksums addresses. */
import type { Hex } from "viem";

export const lowerHex = (hex: Hex): Hex => hex.toLowerCase() as Hex; // the case of digits does not make it other than hex
