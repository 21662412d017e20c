// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {RsaPss} from "./RsaPss.sol";

interface INodeKeys {
    function getPublicKey(bytes32 teeId) external view returns (bytes memory);
    function isTEEEnabled(bytes32 teeId) external view returns (bool);
}

/// Checks nodes' inference signatures with the keys of one registry.
contract TEEBatchVerifier is AccessControl {
    event RegistryUpdated(address indexed oldRegistry, address indexed newRegistry);

    error AlreadyInitialized();

    /// A signed time may lie this far before the block …
    uint256 public constant MAX_AGE = 1 hours;
    /// … and this far after it.
    uint256 public constant MAX_LEAD = 5 minutes;

    INodeKeys public registry;
    bool private _initialized;

    function initialize(address admin, address firstRegistry) external {
        if (_initialized) revert AlreadyInitialized();
        _initialized = true;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _setRegistry(firstRegistry);
    }

    function setRegistry(address newRegistry) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _setRegistry(newRegistry);
    }

    /// The signature alone: neither the node's state nor the age of the signed time.
    function verifySignatureNoTimestamp(
        bytes32 teeId,
        bytes32 inputHash,
        bytes32 outputHash,
        uint256 timestamp,
        bytes memory signature
    ) public view returns (bool) {
        bytes32 message = keccak256(abi.encode(inputHash, outputHash, timestamp));
        return RsaPss.verify(registry.getPublicKey(teeId), message, signature);
    }

    /// The signature of an enabled node over a recent time.
    function verifySignature(
        bytes32 teeId,
        bytes32 inputHash,
        bytes32 outputHash,
        uint256 timestamp,
        bytes calldata signature
    ) external view returns (bool) {
        return registry.isTEEEnabled(teeId) && timestamp + MAX_AGE >= block.timestamp
            && timestamp <= block.timestamp + MAX_LEAD
            && verifySignatureNoTimestamp(teeId, inputHash, outputHash, timestamp, signature);
    }

    function _setRegistry(address newRegistry) private {
        emit RegistryUpdated(address(registry), newRegistry);
        registry = INodeKeys(newRegistry);
    }
}
