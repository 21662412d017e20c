// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// The relay's earlier generations in one: no signatures, no blobs, and anyone may call.
contract LegacyInferenceSettlementRelay {
    event Settlement(bytes32 indexed inputHash, bytes32 indexed outputHash);
    event BatchSettlement(bytes32 indexed merkleRoot, uint256 batchSize);
    event SettlementWithMetadata(
        bytes32 indexed inputHash, bytes32 indexed outputHash, string modelInfo, bytes inputData, bytes outputData
    );

    function settle(bytes32 inputHash, bytes32 outputHash) external {
        emit Settlement(inputHash, outputHash);
    }

    function batchSettle(bytes32 merkleRoot, uint256 batchSize) external {
        emit BatchSettlement(merkleRoot, batchSize);
    }

    function settleWithMetadata(
        bytes32 inputHash,
        bytes32 outputHash,
        string calldata modelInfo,
        bytes calldata inputData,
        bytes calldata outputData
    ) external {
        emit SettlementWithMetadata(inputHash, outputHash, modelInfo, inputData, outputData);
    }
}
