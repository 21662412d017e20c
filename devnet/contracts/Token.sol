// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {Eip712} from "./Eip712.sol";

/// ERC-20 with EIP-2612 permits and EIP-3009 transfers. Name and decimals come from the subclass's code,
/// since no constructor runs for code placed at an address. Anyone may mint: it is a devnet.
abstract contract Token is ERC20("", "") {
    bytes32 private constant PERMIT =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
    bytes32 private constant TRANSFER_WITH_AUTHORIZATION = keccak256(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);

    mapping(address owner => uint256) public nonces;
    mapping(address authorizer => mapping(bytes32 nonce => bool)) public authorizationState;

    function mint(address to, uint256 value) external {
        _mint(to, value);
    }

    function DOMAIN_SEPARATOR() public view returns (bytes32) {
        return Eip712.separator(name(), "2");
    }

    function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
    {
        if (block.timestamp > deadline) _refusePermit("EIP2612: permit is expired");
        bytes32 structHash = keccak256(abi.encode(PERMIT, owner, spender, value, nonces[owner], deadline));
        address signer = ecrecover(Eip712.digest(DOMAIN_SEPARATOR(), structHash), v, r, s);
        if (signer == address(0) || signer != owner) _refusePermit("EIP2612: invalid signature");
        nonces[owner]++;
        _approve(owner, spender, value);
    }

    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        _transferWithAuthorization(from, to, value, validAfter, validBefore, nonce, abi.encodePacked(r, s, v));
    }

    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external {
        _transferWithAuthorization(from, to, value, validAfter, validBefore, nonce, signature);
    }

    function _transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes memory signature
    ) private {
        require(block.timestamp > validAfter, "EIP3009: not yet valid");
        require(block.timestamp < validBefore, "EIP3009: expired");
        require(!authorizationState[from][nonce], "EIP3009: used");
        bytes32 structHash =
            keccak256(abi.encode(TRANSFER_WITH_AUTHORIZATION, from, to, value, validAfter, validBefore, nonce));
        address signer = Eip712.signer(Eip712.digest(DOMAIN_SEPARATOR(), structHash), signature);
        require(signer != address(0) && signer == from, "EIP3009: invalid signature");
        authorizationState[from][nonce] = true;
        emit AuthorizationUsed(from, nonce);
        _transfer(from, to, value);
    }

    function _refusePermit(string memory reason) internal virtual {
        revert(reason);
    }
}

contract OPG is Token {
    function name() public pure override returns (string memory) {
        return "OpenGradient";
    }

    function symbol() public pure override returns (string memory) {
        return "OPG";
    }
}

contract USDC is Token {
    error PermitRefused(string reason);

    function name() public pure override returns (string memory) {
        return "USD Coin";
    }

    function symbol() public pure override returns (string memory) {
        return "USDC";
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    /// With a custom error, so that the proxies' second kind of failure event is seen too.
    function _refusePermit(string memory reason) internal pure override {
        revert PermitRefused(reason);
    }
}
