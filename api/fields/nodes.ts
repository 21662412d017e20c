/** Fields of nodes, their keys, code and history, and of the registry's records. */
import { MAX_KEY_BYTES } from "../queries/nodes/nodes.ts";
import { MAX_LIST_BYTES } from "../queries/reading/page.ts";
import {
  count,
  HOUR,
  hash32,
  lengthAndHash,
  listedBytes,
  rangeFilter,
  rare,
  rareTime,
  SAMPLES,
  time,
  type Words,
} from "./word.ts";

const { bytes, owner, payee, pcr, registry, teeId } = SAMPLES;

const DAY = 24 * HOUR;

export const NODE_WORDS: Words = {
  teeId: hash32("The node's id, keccak256 of its public key", teeId),
  "Node.teeId": hash32("keccak256 of the public key; the same key may be in two registries", teeId),
  "Node.registry": { says: "The registry that lists it.", sample: registry },
  registry: { says: "The TEE registry.", sample: registry },
  teeType: { says: "The node's type.", sample: 0 },
  "teeType.id": { says: "The registry's number for the type, 0 to 255.", sample: 0 },
  "teeType.name": { says: "Name of the type, sanitised; null when unknown.", sample: "LLMProxy" },
  owner: { says: "The operator: the address that registered the node.", sample: owner },
  excludeOwner: { says: "Operators to leave out.", sample: owner },
  operator: { says: "The owner of the nodes.", sample: owner },
  paymentAddress: { says: "Where the node is paid; null when its record could not be read.", sample: payee },
  endpoint: {
    says: "URL of the node, sanitised and at most 2,048 characters; null when its record could not be read.",
    sample: "https://tee.example:8443",
  },
  endpointHex: rare(
    `Raw bytes of the endpoint, when \`endpoint\` is not exactly what they say; ${listedBytes(MAX_LIST_BYTES)}.`,
  ),
  ...lengthAndHash("endpoint", "publicKey", "tlsCertificate", "keyConfig", "version", "name"),
  publicKey: {
    says: `Signing key of the enclave, DER (SPKI), RSA-2048; null when the record could not be read, and in lists when it has more than ${MAX_KEY_BYTES.toLocaleString("en-US")} bytes.`,
    sample: bytes(24, "3082012230"),
  },
  tlsCertificate: {
    says: `Certificate to pin for the endpoint, DER; ${listedBytes(MAX_KEY_BYTES)}; null when the record could not be read.`,
    sample: bytes(24, "308203a5"),
  },
  enabled: { says: "Whether the registry has it enabled." },
  registeredAt: time("Block time of its registration", 10 * DAY),
  lastHeartbeatAt: time("Block time of its newest heartbeat, or of its registration", 30),
  lastSignedAt: time("Newest second that it signed in a heartbeat, or that of its registration", 36),
  recordSource: {
    says: "Where its record was read: a `call` in its block, the registration's `calldata`, or a later `observation`; null when it could not be read.",
    sample: "call",
  },
  status: {
    says: "`active`: enabled, its PCR approved, its last heartbeat young enough. `stale`: its last heartbeat is too old. `disabled`: switched off by its owner or an admin. `revoked`: its PCR is not approved. `removed`: deleted from the registry.",
    sample: "active",
  },
  statusPrecision: {
    says: "`exact`: what the contract answered. `bounded`: `heartbeatMaxAge` could not be read then, between two values that were. `assumed`: it was not read before either, or the node's PCR is not known and one was revoked.",
    sample: "exact",
  },

  // Counts by status
  "nodes.total": count("All of them", 12),
  "nodes.active": count("Active by the contract's rule", 9),
  "nodes.stale": count("Enabled, but without a young heartbeat", 1),
  "nodes.disabled": count("Disabled by their owner or an admin", 1),
  "nodes.revoked": count("Running code whose PCR is not approved", 0),
  "nodes.removed": count("Deleted from the registry", 1),

  // Code
  pcr: { says: "The code it runs, by its PCRs; null when its record could not be read.", sample: "latest" },
  pcrHash: hash32("Hash of the PCRs, the enclave's measurements", pcr),
  pcrVersion: { says: "Version that the newest approval by then named, sanitised.", sample: "v1.4" },
  pcrApproved: { says: "Whether the registry approved it then." },
  "pcr.hash": hash32("Hash of the PCRs, the enclave's measurements", pcr),
  "pcr.version": { says: "Version that the newest approval named, sanitised.", sample: "v1.4" },
  "Pcr.hash": hash32("Hash of the PCRs, the enclave's measurements", pcr),
  "Pcr.version": { says: "Version that the newest approval named, sanitised.", sample: "v1.4" },
  "Pcr.teeType": { says: "The type it is for; null for legacy records, which are for every type." },
  versionHex: rare("Raw bytes of the version, when `version` is not exactly what they say; at most 4,096."),
  approved: { says: "Whether the registry approves it." },
  firstApprovedAt: time("First approval", 20 * DAY),
  approvedAt: time("Newest approval", 10 * DAY),
  revokedAt: rareTime("When the newest revocation takes effect", "while a newer approval stands"),
  approvals: count("Approvals so far", 1),
  revocations: count("Revocations so far", 0),

  // Oblivious HTTP
  ohttpConfig: { says: "Key for Oblivious HTTP (RFC 9458); null without one." },
  keyId: { says: "Key id, 0 to 255.", sample: 1 },
  kemId: { says: "HPKE KEM id (IANA registry).", sample: 32 },
  kdfId: { says: "HPKE KDF id (IANA registry).", sample: 1 },
  aeadId: { says: "HPKE AEAD id (IANA registry).", sample: 1 },
  "ohttpConfig.publicKey": {
    says: `HPKE public key; ${listedBytes(MAX_LIST_BYTES)}.`,
    sample: bytes(32, "0417bec0"),
  },
  keyConfig: {
    says: `The key configuration as RFC 9458 encodes it; ${listedBytes(MAX_LIST_BYTES)}.`,
    sample: bytes(41, "01002004"),
  },
  "ohttpConfig.registeredAt": time("When the key was registered", 2 * DAY),

  // TEE types
  "TeeType.id": { says: "The registry's number for the type, 0 to 255.", sample: 0 },
  "TeeType.name": { says: "Name of the type, sanitised.", sample: "LLMProxy" },
  nameHex: rare("Raw bytes of the name, when `name` is not exactly what they say; at most 4,096."),
  addedAt: time("When the type was added", 20 * DAY),
  deactivatedAt: rareTime("When the type was closed to registrations", "while it is open"),

  // History
  notion: {
    says: "What alive means. `active`: by the contract's own rule. `proved`: by distinct signed seconds.",
    sample: "active",
  },
  fromAt: time("First second of it", 10 * DAY),
  untilAt: time("First second after it", 0, "while it goes on"),
  endCause: {
    says: "Why an `active` interval ended: stale, disabled, pcr-revoked, removed or max-age; else null.",
    sample: "stale",
  },
  heartbeatMaxAge: {
    says: "The value in force, and how far back its history is known; null for `all` registries, and before the registry's first event.",
  },
  "heartbeatMaxAge.value": {
    says: "How old the newest heartbeat of an active node may be, seconds.",
    sample: 1_800,
  },
  exactSince: time(
    "Block time since which every value is known, and with it what was active",
    30 * DAY,
    "while the one in force is not",
  ),
  "heartbeatMaxAge.precision": {
    says: "Whether it was read, or between which values it lies.",
    sample: "exact",
  },
  "LivenessInterval.precision": {
    says: "Whether its ends, and that nothing interrupted it, are known. `bounded`: it meets a spell in which `heartbeatMaxAge` could not be read, between two values that were. `assumed`: no value was read before, or the node's PCR was not known when one was revoked.",
    sample: "exact",
  },
  "Heartbeat.signedAt": time("The second that the node signed, not after the block", 36),
  "NodeEvent.kind": { says: "What happened.", sample: "registered" },
  "NodeEvent.signature": {
    says: "The event's name and parameter types, which tell the contracts' generations apart.",
  },
  receivedAt: time("Block time of the heartbeat", 30),
  latenessSeconds: { says: "From the signed second to the block, seconds.", sample: 6 },
  repeated: {
    says: "Whether the same signed second was sent before: then it proves nothing new.",
    sample: false,
  },
  cause: {
    says: "Who enabled or disabled it: owner, admin or pcr-revocation; null when the sender is neither.",
    sample: "owner",
  },

  // Filters
  "NodeFilter.teeType": { says: "Id of the TEE type, 0 to 255.", sample: 0 },
  "NodeFilter.status": { says: "What the node is at the moment asked about.", sample: "active" },
  "NodeFilter.owner": { says: "The operator's address.", sample: owner },
  "NodeFilter.paymentAddress": { says: "Where the node is paid.", sample: payee },
  "PcrFilter.teeType": { says: "Id of the TEE type, 0 to 255.", sample: 0 },
  "PcrFilter.approved": { says: "Whether it is approved at the moment asked about." },
  "LivenessIntervalFilter.notion": { says: "By one notion of being alive only.", sample: "active" },
  "LivenessIntervalFilter.from": {
    says: "Going on at or after this, unix seconds; not after `to`.",
    sample: SAMPLES.now - DAY,
  },
  "LivenessIntervalFilter.to": { says: "Begun before this, unix seconds.", sample: SAMPLES.now },
  ...rangeFilter("HeartbeatFilter", "Received"),
  "HeartbeatFilter.relayer": { says: "Sender of the transaction.", sample: SAMPLES.relayer },
  "NodeEventFilter.kind": { says: "What happened.", sample: "registered" },
  ...rangeFilter("NodeEventFilter", "Happened"),
};
