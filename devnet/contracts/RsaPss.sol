// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// RSASSA-PSS (RFC 8017, 8.1.2) for the one parameter set TEE nodes use: RSA-2048 with e = 65537,
/// SHA-256, MGF1-SHA-256, salt of 32 bytes. The message is one 32-byte word.
library RsaPss {
    /// DER of SubjectPublicKeyInfo around a 2048-bit modulus: what stands before it (and a zero byte) and after it.
    bytes32 private constant SPKI_PREFIX = 0x30820122300d06092a864886f70d01010105000382010f003082010a02820101;
    bytes5 private constant SPKI_SUFFIX = 0x0203010001;
    uint256 private constant SPKI_LENGTH = 294;

    /// Whether `spki` is a key this library can check signatures of.
    function isRsa2048Spki(bytes memory spki) internal pure returns (bool) {
        if (spki.length != SPKI_LENGTH || spki[32] != 0x00) return false;
        bytes32 head;
        bytes32 tail;
        assembly {
            head := mload(add(spki, 32))
            tail := mload(add(spki, 321)) // the last 5 bytes, at offset 289
        }
        return head == SPKI_PREFIX && bytes5(tail) == SPKI_SUFFIX;
    }

    function verify(bytes memory spki, bytes32 message, bytes memory signature) internal view returns (bool) {
        if (signature.length != 256 || !isRsa2048Spki(spki)) return false;
        uint256[8] memory modulus;
        uint256[8] memory representative;
        assembly {
            for { let i := 0 } lt(i, 256) { i := add(i, 32) } {
                mstore(add(modulus, i), mload(add(add(spki, 65), i)))
                mstore(add(representative, i), mload(add(add(signature, 32), i)))
            }
        }
        if (!_below(representative, modulus)) return false;
        uint256[8] memory encoded = _power65537(representative, modulus);

        // EM = maskedDB (223 bytes) ‖ H (32 bytes) ‖ 0xbc, and the top bit is zero because emBits is 2047.
        if (encoded[0] >> 255 != 0 || encoded[7] & 0xff != 0xbc) return false;
        bytes32 hash = bytes32((encoded[6] << 248) | (encoded[7] >> 8));
        for (uint32 i = 0; i < 7; i++) encoded[i] ^= uint256(sha256(abi.encodePacked(hash, i)));
        encoded[0] &= type(uint256).max >> 1;

        // DB = 190 zero bytes ‖ 0x01 ‖ salt (32 bytes).
        if ((encoded[0] | encoded[1] | encoded[2] | encoded[3] | encoded[4]) != 0) return false;
        if (encoded[5] >> 8 != 1) return false;
        bytes32 salt = bytes32((encoded[5] << 248) | (encoded[6] >> 8));
        return sha256(abi.encodePacked(bytes8(0), sha256(abi.encodePacked(message)), salt)) == hash;
    }

    function _below(uint256[8] memory left, uint256[8] memory right) private pure returns (bool) {
        for (uint256 i = 0; i < 8; i++) {
            if (left[i] != right[i]) return left[i] < right[i];
        }
        return false;
    }

    function _power65537(uint256[8] memory representative, uint256[8] memory modulus)
        private
        view
        returns (uint256[8] memory result)
    {
        bytes memory input =
            abi.encodePacked(uint256(256), uint256(3), uint256(256), representative, bytes3(0x010001), modulus);
        bool success;
        assembly {
            success := staticcall(gas(), 0x05, add(input, 32), mload(input), result, 256)
        }
        require(success, "modexp failed");
    }
}
