/** TEEBatchVerifier on OpenGradient. Origin: the deployed contract's public source, as summarised in docs/protocol.md. */
import { parseAbi } from "viem";

export const TEEBatchVerifierAbi = parseAbi([
  "event RegistryUpdated(address indexed oldRegistry, address indexed newRegistry)",
  "function verifySignatureNoTimestamp(bytes32 teeId, bytes32 inputHash, bytes32 outputHash, uint256 timestamp, bytes signature) view returns (bool)",
]);
