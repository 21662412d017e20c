// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// Makes several calls in one transaction: a facilitator's batching contract, or an operator's wallet.
contract Multicaller {
    struct Call {
        address target;
        bytes data;
    }

    /// Reverts with the first failing call's own error.
    function aggregate(Call[] calldata calls) external {
        for (uint256 i = 0; i < calls.length; i++) {
            (bool success, bytes memory result) = calls[i].target.call(calls[i].data);
            if (success) continue;
            assembly {
                revert(add(result, 32), mload(result))
            }
        }
    }
}
