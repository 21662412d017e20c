/**
 * The x402 contracts on Base, one address each on every chain and shared by all x402 users.
 * Origin: their public sources, as summarised in docs/protocol.md.
 */
import { parseAbi } from "viem";

const permitFailures = [
  "event EIP2612PermitFailedWithReason(address indexed token, address indexed owner, string reason)",
  "event EIP2612PermitFailedWithData(address indexed token, address indexed owner, bytes data)",
  "event EIP2612PermitFailedWithPanic(address indexed token, address indexed owner, uint256 panicCode)",
] as const;

const permit2Structs = [
  "struct TokenPermissions { address token; uint256 amount; }",
  "struct Permit { TokenPermissions permitted; uint256 nonce; uint256 deadline; }",
  "struct Permit2612 { uint256 value; uint256 deadline; bytes32 r; bytes32 s; uint8 v; }",
  "struct ExactWitness { address to; uint256 validAfter; }",
  "struct UptoWitness { address to; address facilitator; uint256 validAfter; }",
] as const;

export const X402ExactPermit2ProxyAbi = parseAbi([
  ...permit2Structs,
  ...permitFailures,
  "event Settled()",
  "event SettledWithPermit()",
  "function settle(Permit permit, address owner, ExactWitness witness, bytes signature)",
  "function settleWithPermit(Permit2612 permit2612, Permit permit, address owner, ExactWitness witness, bytes signature)",
]);

export const X402UptoPermit2ProxyAbi = parseAbi([
  ...permit2Structs,
  ...permitFailures,
  "event Settled()",
  "event SettledWithPermit()",
  "function settle(Permit permit, uint256 amount, address owner, UptoWitness witness, bytes signature)",
  "function settleWithPermit(Permit2612 permit2612, Permit permit, uint256 amount, address owner, UptoWitness witness, bytes signature)",
]);

export const X402BatchSettlementAbi = parseAbi([
  "struct ChannelConfig { address payer; address payerAuthorizer; address receiver; address receiverAuthorizer; address token; uint40 withdrawDelay; bytes32 salt; }",
  "event ChannelCreated(bytes32 indexed channelId, ChannelConfig config)",
  "event ChannelClosed(bytes32 indexed channelId, ChannelConfig config)",
  "event Deposited(bytes32 indexed channelId, address indexed sender, uint128 amount, uint128 newBalance)",
  "event Claimed(bytes32 indexed channelId, address indexed sender, uint128 claimAmount, uint128 newTotalClaimed)",
  "event Settled(address indexed receiver, address indexed token, address indexed sender, uint128 amount)",
  "event Refunded(bytes32 indexed channelId, address indexed sender, uint128 amount)",
  "event WithdrawInitiated(bytes32 indexed channelId, uint128 amount, uint40 finalizeAfter)",
  "event WithdrawFinalized(bytes32 indexed channelId, address indexed sender, uint128 amount)",
  "function channels(bytes32 channelId) view returns (uint128 balance, uint128 totalClaimed)",
]);

export const Erc20Abi = parseAbi([
  "event Transfer(address indexed from, address indexed to, uint256 value)",
  "event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)",
  "function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)",
  "function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature)",
]);
