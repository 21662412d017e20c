// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";

interface ISignatureVerifier {
    function verifySignature(
        bytes32 teeId,
        bytes32 inputHash,
        bytes32 outputHash,
        uint256 timestamp,
        bytes calldata signature
    ) external view returns (bool);
}

/// Records inferences on chain: one by one, with the signature verified here, or as the root of a batch
/// whose leaves nobody looks at.
contract InferenceSettlementRelay is AccessControl {
    bytes32 public constant SETTLEMENT_RELAY_ROLE = keccak256("SETTLEMENT_RELAY_ROLE");

    event IndividualSettlement(
        bytes32 indexed teeId,
        address indexed ethAddress,
        bytes32 inputHash,
        bytes32 outputHash,
        uint256 timestamp,
        bytes walrusBlobId,
        bytes signature
    );
    event BatchSettlement(bytes32 indexed merkleRoot, uint256 batchSize, bytes walrusBlobId);

    error AlreadyInitialized();
    error InvalidSignature();

    ISignatureVerifier public verifier;
    bool private _initialized;

    function initialize(address admin, address signatureVerifier) external {
        if (_initialized) revert AlreadyInitialized();
        _initialized = true;
        verifier = ISignatureVerifier(signatureVerifier);
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }

    /// `ethAddress` and `walrusBlobId` are the relayer's words: neither is signed, and nothing stops the
    /// same inference from being settled again with others.
    function settleIndividual(
        bytes32 teeId,
        bytes32 inputHash,
        bytes32 outputHash,
        uint256 timestamp,
        address ethAddress,
        bytes calldata walrusBlobId,
        bytes calldata signature
    ) external onlyRole(SETTLEMENT_RELAY_ROLE) {
        if (!verifier.verifySignature(teeId, inputHash, outputHash, timestamp, signature)) revert InvalidSignature();
        emit IndividualSettlement(teeId, ethAddress, inputHash, outputHash, timestamp, walrusBlobId, signature);
    }

    /// Root, size and blob id are taken as given.
    function batchSettle(bytes32 merkleRoot, uint256 batchSize, bytes calldata walrusBlobId)
        external
        onlyRole(SETTLEMENT_RELAY_ROLE)
    {
        emit BatchSettlement(merkleRoot, batchSize, walrusBlobId);
    }
}
