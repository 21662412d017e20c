// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// EIP-712 and ECDSA without immutables, so that the code works wherever it is placed.
library Eip712 {
    bytes32 private constant DOMAIN =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant DOMAIN_WITHOUT_VERSION =
        keccak256("EIP712Domain(string name,uint256 chainId,address verifyingContract)");

    function separator(string memory name, string memory version) internal view returns (bytes32) {
        return keccak256(
            abi.encode(DOMAIN, keccak256(bytes(name)), keccak256(bytes(version)), block.chainid, address(this))
        );
    }

    function separator(string memory name) internal view returns (bytes32) {
        return keccak256(
            abi.encode(DOMAIN_WITHOUT_VERSION, keccak256(bytes(name)), block.chainid, address(this))
        );
    }

    function digest(bytes32 domainSeparator, bytes32 structHash) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domainSeparator, structHash));
    }

    /// The signer of a 65-byte `r ‖ s ‖ v` signature, or zero.
    function signer(bytes32 hash, bytes memory signature) internal pure returns (address) {
        if (signature.length != 65) return address(0);
        bytes32 r;
        bytes32 s;
        uint8 v;
        assembly {
            r := mload(add(signature, 32))
            s := mload(add(signature, 64))
            v := byte(0, mload(add(signature, 96)))
        }
        return ecrecover(hash, v, r, s);
    }
}
