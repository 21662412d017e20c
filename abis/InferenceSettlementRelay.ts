/**
 * InferenceSettlementRelay on OpenGradient: current and legacy generations.
 * Origin: the deployed contracts' public sources, as summarised in docs/protocol.md.
 */
import { parseAbi } from "viem";

export const InferenceSettlementRelayAbi = parseAbi([
  "event IndividualSettlement(bytes32 indexed teeId, address indexed ethAddress, bytes32 inputHash, bytes32 outputHash, uint256 timestamp, bytes walrusBlobId, bytes signature)",
  "event BatchSettlement(bytes32 indexed merkleRoot, uint256 batchSize, bytes walrusBlobId)",
  // legacy
  "event Settlement(bytes32 indexed inputHash, bytes32 indexed outputHash)",
  "event BatchSettlement(bytes32 indexed merkleRoot, uint256 batchSize)",
  "event SettlementWithMetadata(bytes32 indexed inputHash, bytes32 indexed outputHash, string modelInfo, bytes inputData, bytes outputData)",
]);
