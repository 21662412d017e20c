/**
 * TEERegistry on OpenGradient: current and legacy generations in one ABI, so that one handler file serves every address.
 * Origin: the deployed contracts' public sources, as summarised in docs/protocol.md.
 */
import { parseAbi } from "viem";

export const TEERegistryAbi = parseAbi([
  "event TEETypeAdded(uint8 indexed typeId, string name)",
  "event PCRApproved(bytes32 indexed pcrHash, uint8 indexed teeType, string version)",
  "event PCRRevoked(bytes32 indexed pcrHash, uint8 indexed teeType)",
  "event TEERegistered(bytes32 indexed teeId, address indexed owner, uint8 teeType)",
  "event TEEEnabled(bytes32 indexed teeId)",
  "event TEEDisabled(bytes32 indexed teeId)",
  "event HeartbeatReceived(bytes32 indexed teeId, uint256 timestamp)",
  "event AWSCertificateUpdated(bytes32 indexed certHash)",
  "event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender)",
  "event RoleRevoked(bytes32 indexed role, address indexed account, address indexed sender)",
  "event RoleAdminChanged(bytes32 indexed role, bytes32 indexed previousAdminRole, bytes32 indexed newAdminRole)",
  // legacy
  "event PCRApproved(bytes32 indexed pcrHash, string version)",
  "event PCRRevoked(bytes32 indexed pcrHash)",
  "event PCRRevoked(bytes32 indexed pcrHash, uint256 gracePeriod)",
  "event TEEActivated(bytes32 indexed teeId)",
  "event TEEDeactivated(bytes32 indexed teeId)",
  "event TEERemoved(bytes32 indexed teeId)",
  "event TEETypeDeactivated(uint8 indexed typeId)",
  // calls
  "function registerTEEWithAttestation(bytes attestationDocument, bytes signingPublicKey, bytes tlsCertificate, address paymentAddress, string endpoint, uint8 teeType)",
  "function setHeartbeatMaxAge(uint256 maxAge)",
  "function heartbeatMaxAge() view returns (uint256)",
  "function getActiveTEEs(uint8 teeType) view returns ((address owner, address paymentAddress, string endpoint, bytes publicKey, bytes tlsCertificate, bytes32 pcrHash, uint8 teeType, bool enabled, uint256 registeredAt, uint256 lastHeartbeatAt)[])",
  "function isTEEActive(bytes32 teeId) view returns (bool)",
  "function isTEEEnabled(bytes32 teeId) view returns (bool)",
  "function getEnabledTEEs(uint8 teeType) view returns (bytes32[])",
  "function getTEEsByType(uint8 teeType) view returns (bytes32[])",
]);

/** The one view that indexing reads again and again. */
export const heartbeatMaxAgeAbi = parseAbi(["function heartbeatMaxAge() view returns (uint256)"]);
