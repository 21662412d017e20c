// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {Eip712} from "./Eip712.sol";
import {Token} from "./Token.sol";
import {Permit2, PermitTransferFrom, SignatureTransferDetails, TokenPermissions} from "./Permit2.sol";

interface IDepositCollector {
    /// Moves `amount` of `token` from `payer` to the settlement contract, which calls.
    function collect(address payer, address token, uint256 amount, bytes32 channelId, bytes calldata collectorData)
        external;
}

/// Pre-funded accounts: a payer deposits into a channel, vouchers are claimed later and in bulk, and what
/// was claimed is settled per receiver and token.
contract X402BatchSettlement is Multicall {
    using SafeERC20 for IERC20;

    struct ChannelConfig {
        address payer;
        address payerAuthorizer;
        address receiver;
        address receiverAuthorizer;
        address token;
        uint40 withdrawDelay;
        bytes32 salt;
    }

    struct Channel {
        uint128 balance;
        uint128 totalClaimed;
    }

    struct Receiver {
        uint128 totalClaimed;
        uint128 totalSettled;
    }

    struct Withdrawal {
        uint128 amount;
        uint40 finalizeAfter;
    }

    struct Voucher {
        ChannelConfig channel;
        uint128 maxClaimableAmount;
    }

    struct VoucherClaim {
        Voucher voucher;
        bytes signature;
        uint128 totalClaimed;
    }

    bytes32 private constant CHANNEL_CONFIG = keccak256(
        "ChannelConfig(address payer,address payerAuthorizer,address receiver,address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)"
    );
    bytes32 private constant VOUCHER = keccak256("Voucher(bytes32 channelId,uint128 maxClaimableAmount)");
    bytes32 private constant REFUND = keccak256("Refund(bytes32 channelId,uint256 nonce,uint128 amount)");

    event ChannelCreated(bytes32 indexed channelId, ChannelConfig config);
    event ChannelClosed(bytes32 indexed channelId, ChannelConfig config);
    event Deposited(bytes32 indexed channelId, address indexed sender, uint128 amount, uint128 newBalance);
    event Claimed(bytes32 indexed channelId, address indexed sender, uint128 claimAmount, uint128 newTotalClaimed);
    event Settled(address indexed receiver, address indexed token, address indexed sender, uint128 amount);
    event Refunded(bytes32 indexed channelId, address indexed sender, uint128 amount);
    event WithdrawInitiated(bytes32 indexed channelId, uint128 amount, uint40 finalizeAfter);
    event WithdrawFinalized(bytes32 indexed channelId, address indexed sender, uint128 amount);

    error ZeroAmount();
    error DepositNotReceived();
    error NotPayer();
    error NotReceiver();
    error InvalidSignature();
    error InvalidNonce();
    error ClaimExceedsVoucher();
    error ClaimExceedsBalance();
    error WithdrawalAlreadyPending();
    error NoPendingWithdrawal();
    error WithdrawDelayNotElapsed();

    mapping(bytes32 channelId => Channel) public channels;
    mapping(bytes32 channelId => Withdrawal) public pendingWithdrawals;
    mapping(bytes32 channelId => uint256) public refundNonce;
    mapping(address receiver => mapping(address token => Receiver)) public receivers;

    function getChannelId(ChannelConfig memory config) public view returns (bytes32) {
        return _digest(keccak256(abi.encode(CHANNEL_CONFIG, config)));
    }

    function deposit(ChannelConfig calldata config, uint128 amount, address collector, bytes calldata collectorData)
        external
    {
        if (amount == 0) revert ZeroAmount();
        bytes32 channelId = getChannelId(config);
        uint256 before = IERC20(config.token).balanceOf(address(this));
        IDepositCollector(collector).collect(config.payer, config.token, amount, channelId, collectorData);
        if (IERC20(config.token).balanceOf(address(this)) != before + amount) revert DepositNotReceived();
        Channel storage channel = channels[channelId];
        // An emptied channel that was never claimed looks like one that never was.
        if (channel.balance == 0 && channel.totalClaimed == 0) emit ChannelCreated(channelId, config);
        channel.balance += amount;
        emit Deposited(channelId, msg.sender, amount, channel.balance);
    }

    function claim(VoucherClaim[] calldata claims) external {
        for (uint256 i = 0; i < claims.length; i++) {
            ChannelConfig calldata config = claims[i].voucher.channel;
            if (msg.sender != config.receiver && msg.sender != config.receiverAuthorizer) revert NotReceiver();
            _claim(claims[i]);
        }
    }

    /// Settles with everything claimed and not yet moved, over all the receiver's channels of the token.
    function settle(address receiver, address token) external {
        Receiver storage account = receivers[receiver][token];
        uint128 amount = account.totalClaimed - account.totalSettled;
        if (amount == 0) return;
        account.totalSettled += amount;
        IERC20(token).safeTransfer(receiver, amount);
        emit Settled(receiver, token, msg.sender, amount);
    }

    /// Returns unclaimed funds to the payer; the receiver's side gives them up.
    function refund(ChannelConfig calldata config, uint128 amount) external {
        if (msg.sender != config.receiver && msg.sender != config.receiverAuthorizer) revert NotReceiver();
        _refund(config, amount);
    }

    function refundWithSignature(
        ChannelConfig calldata config,
        uint128 amount,
        uint256 nonce,
        bytes calldata receiverAuthorizerSignature
    ) external {
        bytes32 channelId = getChannelId(config);
        if (nonce != refundNonce[channelId]++) revert InvalidNonce();
        bytes32 digest = _digest(keccak256(abi.encode(REFUND, channelId, nonce, amount)));
        if (Eip712.signer(digest, receiverAuthorizerSignature) != config.receiverAuthorizer) revert InvalidSignature();
        _refund(config, amount);
    }

    function initiateWithdraw(ChannelConfig calldata config, uint128 amount) external {
        if (msg.sender != config.payer && msg.sender != config.payerAuthorizer) revert NotPayer();
        if (amount == 0) revert ZeroAmount();
        bytes32 channelId = getChannelId(config);
        if (pendingWithdrawals[channelId].finalizeAfter != 0) revert WithdrawalAlreadyPending();
        uint40 finalizeAfter = uint40(block.timestamp) + config.withdrawDelay;
        pendingWithdrawals[channelId] = Withdrawal(amount, finalizeAfter);
        emit WithdrawInitiated(channelId, amount, finalizeAfter);
    }

    /// Pays what was initiated, or what claims and refunds have left of it.
    function finalizeWithdraw(ChannelConfig calldata config) external {
        bytes32 channelId = getChannelId(config);
        Withdrawal memory pending = pendingWithdrawals[channelId];
        if (pending.finalizeAfter == 0) revert NoPendingWithdrawal();
        if (block.timestamp < pending.finalizeAfter) revert WithdrawDelayNotElapsed();
        if (msg.sender != config.payer && msg.sender != config.payerAuthorizer) revert NotPayer();
        delete pendingWithdrawals[channelId];
        Channel storage channel = channels[channelId];
        uint128 available = channel.balance - channel.totalClaimed;
        uint128 amount = pending.amount < available ? pending.amount : available;
        channel.balance -= amount;
        emit WithdrawFinalized(channelId, msg.sender, amount);
        _closeIfEmpty(channelId, config, channel);
        IERC20(config.token).safeTransfer(config.payer, amount);
    }

    /// A claim that raises nothing is skipped, so that bulk claims can be sent again.
    function _claim(VoucherClaim calldata item) private {
        ChannelConfig calldata config = item.voucher.channel;
        bytes32 channelId = getChannelId(config);
        Channel storage channel = channels[channelId];
        if (item.totalClaimed > item.voucher.maxClaimableAmount) revert ClaimExceedsVoucher();
        if (item.totalClaimed <= channel.totalClaimed) return;
        if (item.totalClaimed > channel.balance) revert ClaimExceedsBalance();
        bytes32 digest = _digest(keccak256(abi.encode(VOUCHER, channelId, item.voucher.maxClaimableAmount)));
        address authorizer = config.payerAuthorizer == address(0) ? config.payer : config.payerAuthorizer;
        if (Eip712.signer(digest, item.signature) != authorizer) revert InvalidSignature();
        uint128 claimed = item.totalClaimed - channel.totalClaimed;
        channel.totalClaimed = item.totalClaimed;
        receivers[config.receiver][config.token].totalClaimed += claimed;
        emit Claimed(channelId, msg.sender, claimed, item.totalClaimed);
    }

    function _refund(ChannelConfig calldata config, uint128 amount) private {
        bytes32 channelId = getChannelId(config);
        Channel storage channel = channels[channelId];
        uint128 available = channel.balance - channel.totalClaimed;
        if (amount > available) amount = available;
        if (amount == 0) revert ZeroAmount();
        channel.balance -= amount;
        emit Refunded(channelId, msg.sender, amount);
        _closeIfEmpty(channelId, config, channel);
        IERC20(config.token).safeTransfer(config.payer, amount);
    }

    function _closeIfEmpty(bytes32 channelId, ChannelConfig calldata config, Channel storage channel) private {
        if (channel.balance == 0) emit ChannelClosed(channelId, config);
    }

    function _digest(bytes32 structHash) private view returns (bytes32) {
        return Eip712.digest(Eip712.separator("x402 Batch Settlement", "1"), structHash);
    }
}

/// Deposits by EIP-3009: the payer authorises a transfer to this contract, which passes it on.
contract Erc3009DepositCollector is IDepositCollector {
    using SafeERC20 for IERC20;

    function collect(address payer, address token, uint256 amount, bytes32 channelId, bytes calldata collectorData)
        external
    {
        (uint256 validAfter, uint256 validBefore, uint256 salt, bytes memory signature) =
            abi.decode(collectorData, (uint256, uint256, uint256, bytes));
        // The nonce binds the authorisation to the channel.
        bytes32 nonce = keccak256(abi.encode(channelId, salt));
        Token(token).transferWithAuthorization(payer, address(this), amount, validAfter, validBefore, nonce, signature);
        IERC20(token).safeTransfer(msg.sender, amount);
    }
}

/// Deposits by Permit2, with the channel as the signed witness.
contract Permit2DepositCollector is IDepositCollector {
    Permit2 private constant PERMIT2 = Permit2(0x000000000022D473030F116dDEE9F6B43aC78BA3);
    bytes32 private constant WITNESS = keccak256("DepositWitness(bytes32 channelId)");
    string private constant WITNESS_TYPE =
        "DepositWitness witness)DepositWitness(bytes32 channelId)TokenPermissions(address token,uint256 amount)";

    function collect(address payer, address token, uint256 amount, bytes32 channelId, bytes calldata collectorData)
        external
    {
        (uint256 nonce, uint256 deadline, bytes memory signature) =
            abi.decode(collectorData, (uint256, uint256, bytes));
        PERMIT2.permitWitnessTransferFrom(
            PermitTransferFrom(TokenPermissions(token, amount), nonce, deadline),
            SignatureTransferDetails(msg.sender, amount),
            payer,
            keccak256(abi.encode(WITNESS, channelId)),
            WITNESS_TYPE,
            signature
        );
    }
}
