// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {RsaPss} from "./RsaPss.sol";

/// The registry's earlier generation: no OHTTP key in the record, PCRs approved for all types, nodes
/// that are activated, deactivated and removed, types that can be closed to registrations.
contract LegacyTEERegistry is AccessControl {
    bytes32 public constant TEE_OPERATOR = keccak256("TEE_OPERATOR");

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
    }

    event TEETypeAdded(uint8 indexed typeId, string name);
    event TEETypeDeactivated(uint8 indexed typeId);
    event PCRApproved(bytes32 indexed pcrHash, string version);
    event PCRRevoked(bytes32 indexed pcrHash);
    event PCRRevoked(bytes32 indexed pcrHash, uint256 gracePeriod);
    event TEERegistered(bytes32 indexed teeId, address indexed owner, uint8 teeType);
    event TEEActivated(bytes32 indexed teeId);
    event TEEDeactivated(bytes32 indexed teeId);
    event TEERemoved(bytes32 indexed teeId);
    event HeartbeatReceived(bytes32 indexed teeId, uint256 timestamp);
    event AWSCertificateUpdated(bytes32 indexed certHash);

    error AlreadyInitialized();
    error TEENotFound();
    error TEEAlreadyExists();
    error TEENotActive();
    error TEETypeClosed();
    error PCRNotApproved();
    error NotOwnerOrAdmin();
    error InvalidSigningKey();
    error HeartbeatInvalid();

    uint256 public heartbeatMaxAge;

    bool private _initialized;
    mapping(uint8 teeType => bool) private _typeOpen;
    /// The moment a PCR's approval ends; `type(uint256).max` while no end is set, zero when never approved.
    mapping(bytes32 pcrHash => uint256) private _approvedUntil;
    mapping(bytes32 teeId => TEEInfo) private _tees;
    mapping(uint8 teeType => bytes32[]) private _teesByType;

    function initialize(address admin) external {
        if (_initialized) revert AlreadyInitialized();
        _initialized = true;
        heartbeatMaxAge = 1800;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }

    function addTEEType(uint8 typeId, string calldata name) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _typeOpen[typeId] = true;
        emit TEETypeAdded(typeId, name);
    }

    function deactivateTEEType(uint8 typeId) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _typeOpen[typeId] = false;
        emit TEETypeDeactivated(typeId);
    }

    function approvePCR(bytes32 pcrHash, string calldata version) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _approvedUntil[pcrHash] = type(uint256).max;
        emit PCRApproved(pcrHash, version);
    }

    /// Takes effect at once. Nodes keep their flag; an unapproved PCR alone makes them inactive.
    function revokePCR(bytes32 pcrHash) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _approvedUntil[pcrHash] = block.timestamp;
        emit PCRRevoked(pcrHash);
    }

    /// Takes effect `gracePeriod` seconds after this block.
    function revokePCR(bytes32 pcrHash, uint256 gracePeriod) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _approvedUntil[pcrHash] = block.timestamp + gracePeriod;
        emit PCRRevoked(pcrHash, gracePeriod);
    }

    function setHeartbeatMaxAge(uint256 maxAge) external onlyRole(DEFAULT_ADMIN_ROLE) {
        heartbeatMaxAge = maxAge;
    }

    function setAWSRootCertificate(bytes calldata certificate) external onlyRole(DEFAULT_ADMIN_ROLE) {
        emit AWSCertificateUpdated(keccak256(certificate));
    }

    /// The attestation document is as in the current registry's stand-in.
    function registerTEEWithAttestation(
        bytes calldata attestationDocument,
        bytes calldata signingPublicKey,
        bytes calldata tlsCertificate,
        address paymentAddress,
        string calldata endpoint,
        uint8 teeType
    ) external onlyRole(TEE_OPERATOR) returns (bytes32 teeId) {
        if (!_typeOpen[teeType]) revert TEETypeClosed();
        if (!RsaPss.isRsa2048Spki(signingPublicKey)) revert InvalidSigningKey();
        teeId = keccak256(signingPublicKey);
        if (_tees[teeId].registeredAt != 0) revert TEEAlreadyExists();
        (bytes32 pcrHash,,) = abi.decode(attestationDocument, (bytes32, bytes32, bytes32));
        if (!_approved(pcrHash)) revert PCRNotApproved();

        TEEInfo storage tee = _tees[teeId];
        tee.owner = msg.sender;
        tee.paymentAddress = paymentAddress;
        tee.endpoint = endpoint;
        tee.publicKey = signingPublicKey;
        tee.tlsCertificate = tlsCertificate;
        tee.pcrHash = pcrHash;
        tee.teeType = teeType;
        tee.enabled = true;
        tee.registeredAt = block.timestamp;
        tee.lastHeartbeatAt = block.timestamp;
        _teesByType[teeType].push(teeId);
        emit TEERegistered(teeId, msg.sender, teeType);
    }

    function activateTEE(bytes32 teeId) external {
        _requireOwnerOrAdmin(teeId);
        _tees[teeId].enabled = true;
        emit TEEActivated(teeId);
    }

    function deactivateTEE(bytes32 teeId) external {
        _requireOwnerOrAdmin(teeId);
        _tees[teeId].enabled = false;
        emit TEEDeactivated(teeId);
    }

    /// Deletes the record: `getTEE` knows the node no more.
    function removeTEE(bytes32 teeId) external {
        _requireOwnerOrAdmin(teeId);
        bytes32[] storage ids = _teesByType[_tees[teeId].teeType];
        for (uint256 i = 0; i < ids.length; i++) {
            if (ids[i] != teeId) continue;
            ids[i] = ids[ids.length - 1];
            ids.pop();
            break;
        }
        delete _tees[teeId];
        emit TEERemoved(teeId);
    }

    function heartbeat(bytes32 teeId, uint256 timestamp, bytes calldata signature) external {
        TEEInfo storage tee = _tees[teeId];
        if (!tee.enabled) revert TEENotActive();
        if (timestamp > block.timestamp || block.timestamp - timestamp > heartbeatMaxAge) revert HeartbeatInvalid();
        if (!RsaPss.verify(tee.publicKey, keccak256(abi.encode(teeId, timestamp)), signature)) {
            revert HeartbeatInvalid();
        }
        tee.lastHeartbeatAt = block.timestamp;
        emit HeartbeatReceived(teeId, timestamp);
    }

    function getTEE(bytes32 teeId) external view returns (TEEInfo memory) {
        if (_tees[teeId].registeredAt == 0) revert TEENotFound();
        return _tees[teeId];
    }

    function isTEEEnabled(bytes32 teeId) external view returns (bool) {
        return _tees[teeId].enabled;
    }

    function isTEEActive(bytes32 teeId) public view returns (bool) {
        TEEInfo storage tee = _tees[teeId];
        return tee.enabled && block.timestamp - tee.lastHeartbeatAt <= heartbeatMaxAge && _approved(tee.pcrHash);
    }

    function getActiveTEEs(uint8 teeType) external view returns (TEEInfo[] memory active) {
        bytes32[] storage ids = _teesByType[teeType];
        uint256 count = 0;
        for (uint256 i = 0; i < ids.length; i++) if (isTEEActive(ids[i])) count++;
        active = new TEEInfo[](count);
        count = 0;
        for (uint256 i = 0; i < ids.length; i++) {
            if (isTEEActive(ids[i])) active[count++] = _tees[ids[i]];
        }
    }

    function getTEEsByType(uint8 teeType) external view returns (bytes32[] memory) {
        return _teesByType[teeType];
    }

    function _approved(bytes32 pcrHash) private view returns (bool) {
        return block.timestamp < _approvedUntil[pcrHash];
    }

    function _requireOwnerOrAdmin(bytes32 teeId) private view {
        if (_tees[teeId].registeredAt == 0) revert TEENotFound();
        if (msg.sender != _tees[teeId].owner && !hasRole(DEFAULT_ADMIN_ROLE, msg.sender)) {
            revert NotOwnerOrAdmin();
        }
    }
}
