// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {RsaPss} from "./RsaPss.sol";

/// The registry's current generation: OHTTP keys in the record, PCRs approved per TEE type.
contract TEERegistry is AccessControl {
    bytes32 public constant TEE_OPERATOR = keccak256("TEE_OPERATOR");

    struct OHTTPConfig {
        uint8 keyId;
        uint16 kemId;
        uint16 kdfId;
        uint16 aeadId;
        bytes publicKey;
        bytes keyConfig;
        uint256 registeredAt;
    }

    struct TEEInfo {
        address owner;
        address paymentAddress;
        string endpoint;
        bytes publicKey;
        bytes tlsCertificate;
        bytes32 pcrHash;
        uint8 teeType;
        bool enabled;
        uint256 registeredAt;
        uint256 lastHeartbeatAt;
        OHTTPConfig ohttpConfig;
    }

    struct TEETypeInfo {
        string name;
        uint256 addedAt;
    }

    struct PCRMeasurements {
        bytes pcr0;
        bytes pcr1;
        bytes pcr2;
    }

    struct PCRRecord {
        bool active;
        uint256 approvedAt;
        string version;
    }

    struct PCRKey {
        bytes32 pcrHash;
        uint8 teeType;
    }

    event TEETypeAdded(uint8 indexed typeId, string name);
    event PCRApproved(bytes32 indexed pcrHash, uint8 indexed teeType, string version);
    event PCRRevoked(bytes32 indexed pcrHash, uint8 indexed teeType);
    event TEERegistered(bytes32 indexed teeId, address indexed owner, uint8 teeType);
    event TEEEnabled(bytes32 indexed teeId);
    event TEEDisabled(bytes32 indexed teeId);
    event HeartbeatReceived(bytes32 indexed teeId, uint256 timestamp);
    event AWSCertificateUpdated(bytes32 indexed certHash);

    error AlreadyInitialized();
    error TEENotFound();
    error TEEAlreadyExists();
    error TEENotEnabled();
    error TEETypeNotFound();
    error TEETypeAlreadyExists();
    error PCRNotApproved();
    error NotOwnerOrAdmin();
    error InvalidSigningKey();
    error AttestationInvalid();
    error HeartbeatFromTheFuture();
    error HeartbeatTooOld();
    error HeartbeatSignatureInvalid();

    uint256 public heartbeatMaxAge;
    mapping(uint8 teeType => mapping(bytes32 pcrHash => PCRRecord)) public pcrRecords;

    bool private _initialized;
    mapping(bytes32 teeId => TEEInfo) private _tees;
    uint8[] private _types;
    mapping(uint8 teeType => TEETypeInfo) private _typeInfo;
    mapping(uint8 teeType => bytes32[]) private _teesByType;
    mapping(uint8 teeType => bytes32[]) private _enabled;
    /// Position in `_enabled` plus one; zero for a disabled node.
    mapping(bytes32 teeId => uint256) private _enabledAt;
    PCRKey[] private _approvedPcrs;
    /// Position in `_approvedPcrs` plus one; zero for a revoked or unknown pair.
    mapping(bytes32 pair => uint256) private _approvedAt;

    /// Stands in for the constructor: the code is placed at the canonical address, so none ever ran.
    function initialize(address admin) external {
        if (_initialized) revert AlreadyInitialized();
        _initialized = true;
        heartbeatMaxAge = 1800;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _setRoleAdmin(TEE_OPERATOR, DEFAULT_ADMIN_ROLE);
    }

    // Admin

    function addTEEType(uint8 typeId, string calldata name) external onlyRole(DEFAULT_ADMIN_ROLE) {
        if (_typeInfo[typeId].addedAt != 0) revert TEETypeAlreadyExists();
        _typeInfo[typeId] = TEETypeInfo(name, block.timestamp);
        _types.push(typeId);
        emit TEETypeAdded(typeId, name);
    }

    /// Approving an approved pair again only refreshes its record. Approval re-enables nothing.
    function approvePCR(PCRMeasurements calldata pcrs, string calldata version, uint8 teeType)
        external
        onlyRole(DEFAULT_ADMIN_ROLE)
    {
        if (_typeInfo[teeType].addedAt == 0) revert TEETypeNotFound();
        bytes32 pcrHash = keccak256(abi.encodePacked(pcrs.pcr0, pcrs.pcr1, pcrs.pcr2));
        pcrRecords[teeType][pcrHash] = PCRRecord(true, block.timestamp, version);
        bytes32 pair = _pair(pcrHash, teeType);
        if (_approvedAt[pair] == 0) {
            _approvedPcrs.push(PCRKey(pcrHash, teeType));
            _approvedAt[pair] = _approvedPcrs.length;
        }
        emit PCRApproved(pcrHash, teeType, version);
    }

    /// Disables every enabled node of the type that runs the PCR, then announces the revocation.
    function revokePCR(bytes32 pcrHash, uint8 teeType) external onlyRole(DEFAULT_ADMIN_ROLE) {
        bytes32 pair = _pair(pcrHash, teeType);
        uint256 position = _approvedAt[pair];
        if (position == 0) revert PCRNotApproved();
        pcrRecords[teeType][pcrHash].active = false;
        PCRKey memory last = _approvedPcrs[_approvedPcrs.length - 1];
        _approvedPcrs[position - 1] = last;
        _approvedAt[_pair(last.pcrHash, last.teeType)] = position;
        _approvedAt[pair] = 0;
        _approvedPcrs.pop();
        // Backwards, because disabling moves the last entry into the freed place.
        bytes32[] storage enabled = _enabled[teeType];
        for (uint256 i = enabled.length; i > 0; i--) {
            bytes32 teeId = enabled[i - 1];
            if (_tees[teeId].pcrHash == pcrHash) _disable(teeId);
        }
        emit PCRRevoked(pcrHash, teeType);
    }

    /// Emits nothing: only the view shows the new value.
    function setHeartbeatMaxAge(uint256 maxAge) external onlyRole(DEFAULT_ADMIN_ROLE) {
        heartbeatMaxAge = maxAge;
    }

    function setAWSRootCertificate(bytes calldata certificate) external onlyRole(DEFAULT_ADMIN_ROLE) {
        emit AWSCertificateUpdated(keccak256(certificate));
    }

    // Operators

    /// The attestation document stands in for a Nitro enclave's: `abi.encode(pcrHash, keccak256(signing
    /// key), keccak256(certificate))`. The real one is a signed COSE structure that a precompile checks.
    function registerTEEWithAttestation(
        bytes calldata attestationDocument,
        bytes calldata signingPublicKey,
        bytes calldata tlsCertificate,
        address paymentAddress,
        string calldata endpoint,
        uint8 teeType
    ) external onlyRole(TEE_OPERATOR) returns (bytes32 teeId) {
        if (_typeInfo[teeType].addedAt == 0) revert TEETypeNotFound();
        if (!RsaPss.isRsa2048Spki(signingPublicKey)) revert InvalidSigningKey();
        teeId = keccak256(signingPublicKey);
        if (_tees[teeId].registeredAt != 0) revert TEEAlreadyExists();
        bytes32 pcrHash = _attestedPcr(attestationDocument, teeId, keccak256(tlsCertificate));
        if (!pcrRecords[teeType][pcrHash].active) revert PCRNotApproved();

        TEEInfo storage tee = _tees[teeId];
        tee.owner = msg.sender;
        tee.paymentAddress = paymentAddress;
        tee.endpoint = endpoint;
        tee.publicKey = signingPublicKey;
        tee.tlsCertificate = tlsCertificate;
        tee.pcrHash = pcrHash;
        tee.teeType = teeType;
        tee.registeredAt = block.timestamp;
        tee.lastHeartbeatAt = block.timestamp;
        _teesByType[teeType].push(teeId);
        _enable(teeId);
        emit TEERegistered(teeId, msg.sender, teeType);
    }

    /// Emits nothing: only a re-read of the record shows the new key.
    function setOHTTPConfig(bytes32 teeId, OHTTPConfig calldata config) external {
        _requireOwnerOrAdmin(teeId);
        _tees[teeId].ohttpConfig = config;
        _tees[teeId].ohttpConfig.registeredAt = block.timestamp;
    }

    /// Enabling an enabled node does nothing, silently. Enabling is not a heartbeat.
    function enableTEE(bytes32 teeId) external {
        _requireOwnerOrAdmin(teeId);
        TEEInfo storage tee = _tees[teeId];
        if (tee.enabled) return;
        if (!pcrRecords[tee.teeType][tee.pcrHash].active) revert PCRNotApproved();
        _enable(teeId);
        emit TEEEnabled(teeId);
    }

    function disableTEE(bytes32 teeId) external {
        _requireOwnerOrAdmin(teeId);
        if (_tees[teeId].enabled) _disable(teeId);
    }

    /// Anyone may relay. There is no nonce: a signature counts again for as long as it is young enough.
    function heartbeat(bytes32 teeId, uint256 timestamp, bytes calldata signature) external {
        TEEInfo storage tee = _tees[teeId];
        if (tee.registeredAt == 0) revert TEENotFound();
        if (!tee.enabled) revert TEENotEnabled();
        if (timestamp > block.timestamp) revert HeartbeatFromTheFuture();
        if (block.timestamp - timestamp > heartbeatMaxAge) revert HeartbeatTooOld();
        if (!RsaPss.verify(tee.publicKey, keccak256(abi.encode(teeId, timestamp)), signature)) {
            revert HeartbeatSignatureInvalid();
        }
        tee.lastHeartbeatAt = block.timestamp;
        emit HeartbeatReceived(teeId, timestamp);
    }

    // Views

    function getTEE(bytes32 teeId) external view returns (TEEInfo memory) {
        if (_tees[teeId].registeredAt == 0) revert TEENotFound();
        return _tees[teeId];
    }

    function getPublicKey(bytes32 teeId) external view returns (bytes memory) {
        return _tees[teeId].publicKey;
    }

    function isTEEEnabled(bytes32 teeId) external view returns (bool) {
        return _tees[teeId].enabled;
    }

    function isTEEActive(bytes32 teeId) public view returns (bool) {
        TEEInfo storage tee = _tees[teeId];
        return tee.enabled && block.timestamp - tee.lastHeartbeatAt <= heartbeatMaxAge
            && pcrRecords[tee.teeType][tee.pcrHash].active;
    }

    function getActiveTEEs(uint8 teeType) external view returns (TEEInfo[] memory active) {
        bytes32[] storage enabled = _enabled[teeType];
        uint256 count = 0;
        for (uint256 i = 0; i < enabled.length; i++) if (isTEEActive(enabled[i])) count++;
        active = new TEEInfo[](count);
        count = 0;
        for (uint256 i = 0; i < enabled.length; i++) {
            if (isTEEActive(enabled[i])) active[count++] = _tees[enabled[i]];
        }
    }

    function getEnabledTEEs(uint8 teeType) external view returns (bytes32[] memory) {
        return _enabled[teeType];
    }

    function getTEEsByType(uint8 teeType) external view returns (bytes32[] memory) {
        return _teesByType[teeType];
    }

    function getTEETypes() external view returns (uint8[] memory typeIds, TEETypeInfo[] memory infos) {
        typeIds = _types;
        infos = new TEETypeInfo[](typeIds.length);
        for (uint256 i = 0; i < typeIds.length; i++) infos[i] = _typeInfo[typeIds[i]];
    }

    function getApprovedPCRs() external view returns (PCRKey[] memory) {
        return _approvedPcrs;
    }

    // Internals

    function _attestedPcr(bytes calldata document, bytes32 keyHash, bytes32 certificateHash)
        private
        pure
        returns (bytes32)
    {
        if (document.length != 96) revert AttestationInvalid();
        (bytes32 pcrHash, bytes32 attestedKey, bytes32 attestedCertificate) =
            abi.decode(document, (bytes32, bytes32, bytes32));
        if (attestedKey != keyHash || attestedCertificate != certificateHash) revert AttestationInvalid();
        return pcrHash;
    }

    function _requireOwnerOrAdmin(bytes32 teeId) private view {
        if (_tees[teeId].registeredAt == 0) revert TEENotFound();
        if (msg.sender != _tees[teeId].owner && !hasRole(DEFAULT_ADMIN_ROLE, msg.sender)) {
            revert NotOwnerOrAdmin();
        }
    }

    function _enable(bytes32 teeId) private {
        TEEInfo storage tee = _tees[teeId];
        tee.enabled = true;
        _enabled[tee.teeType].push(teeId);
        _enabledAt[teeId] = _enabled[tee.teeType].length;
    }

    function _disable(bytes32 teeId) private {
        TEEInfo storage tee = _tees[teeId];
        tee.enabled = false;
        bytes32[] storage enabled = _enabled[tee.teeType];
        uint256 position = _enabledAt[teeId];
        bytes32 last = enabled[enabled.length - 1];
        enabled[position - 1] = last;
        _enabledAt[last] = position;
        _enabledAt[teeId] = 0;
        enabled.pop();
        emit TEEDisabled(teeId);
    }

    function _pair(bytes32 pcrHash, uint8 teeType) private pure returns (bytes32) {
        return keccak256(abi.encode(pcrHash, teeType));
    }
}
