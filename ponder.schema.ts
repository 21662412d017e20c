/**
 * Chain tables. Rules that hold for every table:
 * - `chainId` is in every primary key; a handler reads and writes rows of its own chain only.
 * - Hex columns are lower-case with 0x. Block numbers and unix seconds fit int8; uint256 values are numeric(78).
 * - Text that a stranger chose is stored twice: as raw bytes (`…Hex`) and as sanitised, shortened text for display.
 * - `at`-style questions are answered from event rows and intervals, never from "current" columns alone.
 * - The comment above an index names the query it serves.
 */
import { index, onchainTable, type PgColumnsBuilders, primaryKey } from "ponder";

// ---------------------------------------------------------------- both chains

/** One row per block that carried an event of ours: its hash and time. */
export const block = onchainTable(
  "block",
  (t) => ({
    chainId: t.integer().notNull(),
    number: t.int8({ mode: "number" }).notNull(),
    hash: t.hex().notNull(),
    /** Unix seconds. */
    timestamp: t.int8({ mode: "number" }).notNull(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.chainId, table.number] }),
    // time → block, for `at` and every range of time, from the index alone
    timeIdx: index().on(table.chainId, table.timestamp, table.number),
  }),
);

/** Odd but possible input that was met and survived: how often, and where last. */
export const anomaly = onchainTable(
  "anomaly",
  (t) => ({
    chainId: t.integer().notNull(),
    /** A stable slug, e.g. `text-sanitised`, `number-clamped`, `record-unreadable`. */
    kind: t.text().notNull(),
    count: t.int8({ mode: "number" }).notNull(),
    lastBlockNumber: t.int8({ mode: "number" }).notNull(),
    lastLogIndex: t.integer().notNull(),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.chainId, table.kind] }) }),
);

/**
 * Hourly and daily counts of one chain. Sums only; anything distinct is asked of the event rows. `heartbeats` holds the
 * hours and days that are over for their nodes: add the open ones in `node_liveness`.
 */
export const networkBucket = onchainTable(
  "network_bucket",
  (t) => ({
    chainId: t.integer().notNull(),
    /** Unix seconds, a full hour. A day is the sum of its hours. */
    startAt: t.int8({ mode: "number" }).notNull(),
    registrations: t.int8({ mode: "number" }).notNull(),
    individualSettlements: t.int8({ mode: "number" }).notNull(),
    batchSettlements: t.int8({ mode: "number" }).notNull(),
    /** Sum of the relayers' `batchSize` claims, each clamped to 1e6. */
    claimedLeaves: t.int8({ mode: "number" }).notNull(),
    legacySettlements: t.int8({ mode: "number" }).notNull(),
    onchainInferences: t.int8({ mode: "number" }).notNull(),
    payments: t.int8({ mode: "number" }).notNull(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.chainId, table.startAt] }),
  }),
);

// ---------------------------------------------------------------- registry

/** One row per registry: what the handlers carry from event to event. */
export const registryState = onchainTable(
  "registry_state",
  (t) => ({
    chainId: t.integer().notNull(),
    registry: t.hex().notNull(),
    /** Nodes ever registered; the next free position in `registry_member`. */
    memberCount: t.integer().notNull(),
    /** `heartbeatMaxAge` in force, seconds, clamped to 2^53-1. */
    maxAgeSeconds: t.int8({ mode: "number" }).notNull(),
    /** Rows of `heartbeat_max_age`; the newest has this ordinal. */
    maxAgeOrdinal: t.integer().notNull(),
    /** Last block at which the view was read; null before the first successful read. */
    maxAgeReadBlock: t.int8({ mode: "number" }),
    /** Time of the last block at which a read was tried. Nodes keep a journal of what they did since. */
    maxAgeCheckedAt: t.int8({ mode: "number" }).notNull(),
    /** First block at which the view is worth reading again. */
    maxAgeNextReadBlock: t.int8({ mode: "number" }).notNull(),
    /** Rows of `max_age_uncertainty`; whether the newest has no end yet. */
    maxAgeUncertainties: t.integer().notNull(),
    maxAgeUncertain: t.boolean().notNull(),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.chainId, table.registry] }) }),
);

/** Enumerates a registry's nodes by primary key: position 0, 1, 2, … in order of registration. */
export const registryMember = onchainTable(
  "registry_member",
  (t) => ({
    chainId: t.integer().notNull(),
    registry: t.hex().notNull(),
    position: t.integer().notNull(),
    teeId: t.hex().notNull(),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.chainId, table.registry, table.position] }) }),
);

/** History of `heartbeatMaxAge`, which no event announces. Value `ordinal` holds from `fromAt` to the next row's `fromAt`. */
export const heartbeatMaxAge = onchainTable(
  "heartbeat_max_age",
  (t) => ({
    chainId: t.integer().notNull(),
    registry: t.hex().notNull(),
    ordinal: t.integer().notNull(),
    /** Seconds, clamped to 2^53-1. */
    valueSeconds: t.int8({ mode: "number" }).notNull(),
    /** The value as the contract stores it. */
    value: t.bigint().notNull(),
    fromBlock: t.int8({ mode: "number" }).notNull(),
    fromAt: t.int8({ mode: "number" }).notNull(),
    /** `exact`: changed in `fromBlock`. `bounded`: changed after `afterBlock` and at or before `fromBlock`. `assumed`: the contract's default, never read. */
    precision: t.text().notNull(),
    /** Last block known to hold the earlier value; null when none is known. */
    afterBlock: t.int8({ mode: "number" }),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.chainId, table.registry, table.ordinal] }) }),
);

/**
 * Spells in which `heartbeatMaxAge` could not be read, because the RPC keeps no state that old or the registry has no such
 * view. What the contract's rule says of a node in such a spell may differ from what we say; outside of them it does not.
 */
export const maxAgeUncertainty = onchainTable(
  "max_age_uncertainty",
  (t) => ({
    chainId: t.integer().notNull(),
    registry: t.hex().notNull(),
    ordinal: t.integer().notNull(),
    /** `bounded`: the values before and after are known. `assumed`: none was read before, the contract's default stands in. */
    precision: t.text().notNull(),
    /** The last block at which the value before was read, or a block earlier than that; null when there is none. */
    afterBlock: t.int8({ mode: "number" }),
    afterAt: t.int8({ mode: "number" }),
    /** The first block from which on the value is known again; null while it is not. */
    untilBlock: t.int8({ mode: "number" }),
    untilAt: t.int8({ mode: "number" }),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.chainId, table.registry, table.ordinal] }) }),
);

export const teeType = onchainTable(
  "tee_type",
  (t) => ({
    chainId: t.integer().notNull(),
    registry: t.hex().notNull(),
    typeId: t.integer().notNull(),
    name: t.text().notNull(),
    nameHex: t.hex().notNull(),
    addedAt: t.int8({ mode: "number" }).notNull(),
    addedBlock: t.int8({ mode: "number" }).notNull(),
    /** Closed to registrations (legacy `TEETypeDeactivated`); null while open. */
    deactivatedAt: t.int8({ mode: "number" }),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.chainId, table.registry, table.typeId] }) }),
);

/** A PCR record as it is now. `teeType` is -1 for the legacy events without a type, which apply to every type. */
export const pcr = onchainTable(
  "pcr",
  (t) => ({
    chainId: t.integer().notNull(),
    registry: t.hex().notNull(),
    teeType: t.integer().notNull(),
    pcrHash: t.hex().notNull(),
    approved: t.boolean().notNull(),
    version: t.text().notNull(),
    versionHex: t.hex().notNull(),
    firstApprovedAt: t.int8({ mode: "number" }),
    /** Newest approval. */
    approvedAt: t.int8({ mode: "number" }),
    /** Newest revocation's effect (block time plus any legacy grace period); null since the newest approval. */
    revokedAt: t.int8({ mode: "number" }),
    approvals: t.integer().notNull(),
    revocations: t.integer().notNull(),
    /** Where the newest approval or revocation stands: of a typed and an untyped record the later one decides. */
    changedBlock: t.int8({ mode: "number" }).notNull(),
    changedLogIndex: t.integer().notNull(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.chainId, table.registry, table.teeType, table.pcrHash] }),
  }),
);

/** Who holds a role of the registry now. */
export const role = onchainTable(
  "role",
  (t) => ({
    chainId: t.integer().notNull(),
    registry: t.hex().notNull(),
    role: t.hex().notNull(),
    account: t.hex().notNull(),
    granted: t.boolean().notNull(),
    grantedAt: t.int8({ mode: "number" }),
    revokedAt: t.int8({ mode: "number" }),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.chainId, table.registry, table.role, table.account] }) }),
);

const registrationColumns = (t: PgColumnsBuilders) => ({
  chainId: t.integer().notNull(),
  registry: t.hex().notNull(),
  teeId: t.hex().notNull(),
  owner: t.hex().notNull(),
  teeType: t.integer().notNull(),
  registeredAt: t.int8({ mode: "number" }).notNull(),
  registeredBlock: t.int8({ mode: "number" }).notNull(),
  registeredLogIndex: t.integer().notNull(),
  registeredTxHash: t.hex().notNull(),
  paymentAddress: t.hex(),
  /** Sanitised and at most 2,048 characters. */
  endpoint: t.text(),
  /** The endpoint's bytes as on chain. */
  endpointHex: t.hex(),
  /** Lower-case host of a parsable endpoint, without its port: the machine, for capacity and succession. */
  endpointHost: t.text(),
  /** DER SPKI; keccak256 of it is the teeId. */
  publicKey: t.hex(),
  /** DER. */
  tlsCertificate: t.hex(),
  pcrHash: t.hex(),
  ohttpKeyId: t.integer(),
  ohttpKemId: t.integer(),
  ohttpKdfId: t.integer(),
  ohttpAeadId: t.integer(),
  ohttpPublicKey: t.hex(),
  ohttpKeyConfig: t.hex(),
  ohttpRegisteredAt: t.int8({ mode: "number" }),
  /** Where the record came from: `call` (getTEE at the block), `calldata` (the registering transaction), null (neither readable). */
  recordSource: t.text(),
  /** Legacy `TEERemoved`. */
  removedAt: t.int8({ mode: "number" }),
  /** The newest status event: where it is in `registry_event`. */
  statusBlock: t.int8({ mode: "number" }).notNull(),
  statusLogIndex: t.integer().notNull(),
  statusTxHash: t.hex().notNull(),
});

/** A node's record: facts of its registration. What changes with time is in `node_liveness` and the event rows. */
export const node = onchainTable("node", registrationColumns, (table) => ({
  pk: primaryKey({ columns: [table.chainId, table.registry, table.teeId] }),
  // /v1/nodes?owner=, operators
  ownerIdx: index().on(table.owner),
  // /v1/nodes?paymentAddress=, payments → operator
  paymentIdx: index().on(table.paymentAddress),
  // /v1/nodes?pcrHash=
  pcrIdx: index().on(table.pcrHash),
}));

/** Registrations of keys that were removed (legacy) and then registered again: the rows that `node` held before. */
export const earlierNode = onchainTable(
  "earlier_node",
  (t) => ({
    ...registrationColumns(t),
    /** The block of the registration that replaced it. */
    replacedBlock: t.int8({ mode: "number" }).notNull(),
  }),
  (table) => ({
    pk: primaryKey({
      columns: [table.chainId, table.registry, table.teeId, table.registeredBlock, table.registeredLogIndex],
    }),
  }),
);

/**
 * What moves with every heartbeat of a node. The newest active interval lives here and is written to
 * `active_interval` only when it has ended and another begins; `[activeFrom, activeUntil)`, both null when
 * the node has none open (disabled, removed, PCR not approved).
 */
export const nodeLiveness = onchainTable(
  "node_liveness",
  (t) => ({
    chainId: t.integer().notNull(),
    registry: t.hex().notNull(),
    teeId: t.hex().notNull(),
    enabled: t.boolean().notNull(),
    removed: t.boolean().notNull(),
    /** Block time of the newest heartbeat, or of the registration: the contract's own `lastHeartbeatAt`. */
    lastHeartbeatAt: t.int8({ mode: "number" }).notNull(),
    /** Newest distinct signed second seen (clamped to its block's time), or the registration. */
    lastSignedAt: t.int8({ mode: "number" }).notNull(),
    /** `heartbeatMaxAge` in force when `lastSignedAt` was reached: it measures the gap that begins there. */
    lastSignedMaxAgeSeconds: t.int8({ mode: "number" }).notNull(),
    activeFrom: t.int8({ mode: "number" }),
    activeUntil: t.int8({ mode: "number" }),
    /** When its PCR's approval ends or ended; null while no end is known. */
    pcrApprovedUntil: t.int8({ mode: "number" }),
    /** When something else than a heartbeat last changed these figures. */
    changedAt: t.int8({ mode: "number" }),
    /** Rows of `active_interval` written so far. */
    closedIntervals: t.integer().notNull(),
    /** Rows of `proved_gap` written so far. */
    provedGaps: t.integer().notNull(),
    /** `heartbeatMaxAge` in force in its registry, seconds: a copy, so that a heartbeat needs no other row. */
    maxAgeSeconds: t.int8({ mode: "number" }).notNull(),
    /** Signed seconds still young enough to be repeated, ascending, comma-separated. */
    recentSignedAt: t.text().notNull(),
    /** The newest heartbeats and the figures before them: see src/liveness/journal.ts. */
    journal: t.text().notNull(),
    journalRollsAtBlock: t.int8({ mode: "number" }).notNull(),
    /** Heartbeats since the registration, repeated ones included; of them the repeated ones; the sum of their latenesses. */
    heartbeats: t.int8({ mode: "number" }).notNull(),
    repeatedHeartbeats: t.int8({ mode: "number" }).notNull(),
    latenessSeconds: t.int8({ mode: "number" }).notNull(),
    /** Individual settlements that name the node, and the sum of their latencies; of the current registry's nodes. */
    settlements: t.int8({ mode: "number" }).notNull(),
    settlementLatencySeconds: t.int8({ mode: "number" }).notNull(),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.chainId, table.registry, table.teeId] }) }),
);

/** Ended spells `[fromAt, untilAt)` during which the contract's own rule called the node active. Disjoint, maximal, in order of `ordinal`. */
export const activeInterval = onchainTable(
  "active_interval",
  (t) => ({
    chainId: t.integer().notNull(),
    registry: t.hex().notNull(),
    teeId: t.hex().notNull(),
    ordinal: t.integer().notNull(),
    fromAt: t.int8({ mode: "number" }).notNull(),
    untilAt: t.int8({ mode: "number" }).notNull(),
    /** `stale`, `disabled`, `pcr-revoked`, `removed` or `max-age` (a shortened `heartbeatMaxAge`). */
    endCause: t.text().notNull(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.chainId, table.registry, table.teeId, table.ordinal] }),
    // was anyone active at t?
    fromIdx: index().on(table.fromAt),
  }),
);

/**
 * Gaps between neighbouring distinct signed seconds of a node that are too long to count as up: longer than
 * 1.5 I, I being `maxAgeSeconds` / 2 within 60 s and 86,400 s. The node is proved alive outside of `[lastSignedAt + I, nextSignedAt)`.
 * Shorter ones are here where they seemed that long until their end became known at `knownAt`; they count as up.
 * Rows are never changed but for `supersededAt`: a late heartbeat that falls inside a gap replaces it, and a
 * question about an earlier moment still finds the gap as it was known then.
 */
export const provedGap = onchainTable(
  "proved_gap",
  (t) => ({
    chainId: t.integer().notNull(),
    registry: t.hex().notNull(),
    teeId: t.hex().notNull(),
    ordinal: t.integer().notNull(),
    lastSignedAt: t.int8({ mode: "number" }).notNull(),
    nextSignedAt: t.int8({ mode: "number" }).notNull(),
    /** `heartbeatMaxAge` in force at the gap's beginning. */
    maxAgeSeconds: t.int8({ mode: "number" }).notNull(),
    /** Block time at which this gap became known. */
    knownAt: t.int8({ mode: "number" }).notNull(),
    /** Block time at which a late heartbeat replaced it; null while it stands. */
    supersededAt: t.int8({ mode: "number" }),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.chainId, table.registry, table.teeId, table.ordinal] }) }),
);

export const heartbeat = onchainTable(
  "heartbeat",
  (t) => ({
    chainId: t.integer().notNull(),
    blockNumber: t.int8({ mode: "number" }).notNull(),
    logIndex: t.integer().notNull(),
    registry: t.hex().notNull(),
    teeId: t.hex().notNull(),
    /** Block time: what the contract stores. */
    receivedAt: t.int8({ mode: "number" }).notNull(),
    /** The signed second, clamped to the block's time. `receivedAt - signedAt` is the lateness. */
    signedAt: t.int8({ mode: "number" }).notNull(),
    /** Newest signed second of the node up to and including this row. */
    latestSignedAt: t.int8({ mode: "number" }).notNull(),
    /** The same signed second was sent before. */
    repeated: t.boolean().notNull(),
    /** Transaction sender. */
    relayer: t.hex().notNull(),
    txHash: t.hex().notNull(),
    /** The node's totals up to and including this row: a count over a window is the difference of two rows. */
    heartbeatsSoFar: t.int8({ mode: "number" }).notNull(),
    repeatedSoFar: t.int8({ mode: "number" }).notNull(),
    /** Sum of receivedAt - signedAt. */
    latenessSecondsSoFar: t.int8({ mode: "number" }).notNull(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.chainId, table.blockNumber, table.logIndex] }),
    // newest heartbeat of a node at t; /v1/nodes/:teeId/heartbeats, whoever relayed them
    nodeIdx: index().on(table.teeId, table.registry, table.blockNumber, table.logIndex, table.relayer),
    // silence of a relayer; /v1/relayers/:address
    relayerIdx: index().on(table.relayer, table.blockNumber),
  }),
);

/** Everything a registry says but heartbeats, and what it does not say (`max-age-changed`). */
export const registryEvent = onchainTable(
  "registry_event",
  (t) => ({
    chainId: t.integer().notNull(),
    blockNumber: t.int8({ mode: "number" }).notNull(),
    logIndex: t.integer().notNull(),
    registry: t.hex().notNull(),
    /** registered, enabled, disabled, removed, type-added, type-deactivated, pcr-approved, pcr-revoked, role-granted, role-revoked, role-admin-changed, certificate-updated. */
    kind: t.text().notNull(),
    timestamp: t.int8({ mode: "number" }).notNull(),
    txHash: t.hex().notNull(),
    /** Transaction sender. */
    sender: t.hex().notNull(),
    /** The event's name and parameter types, to tell the generations apart. */
    signature: t.text().notNull(),
    teeId: t.hex(),
    teeType: t.integer(),
    pcrHash: t.hex(),
    /** PCR version or type name: sanitised. */
    label: t.text(),
    labelHex: t.hex(),
    /** Legacy `PCRRevoked` with a grace period: when the revocation takes effect. */
    effectiveAt: t.int8({ mode: "number" }),
    /** Of enabled and disabled: `owner`, `admin`, `pcr-revocation`, or null when the sender is neither. */
    cause: t.text(),
    role: t.hex(),
    account: t.hex(),
    /** `role-admin-changed`: previous and new admin role. `certificate-updated`: the hash in `valueHash`. */
    previousHash: t.hex(),
    valueHash: t.hex(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.chainId, table.blockNumber, table.logIndex] }),
    // enabled at t; /v1/nodes/:teeId/events
    nodeIdx: index().on(table.teeId, table.registry, table.blockNumber, table.logIndex),
    // approved at t
    pcrIdx: index().on(table.pcrHash, table.registry, table.blockNumber, table.logIndex),
    // by kind, newest first
    kindIdx: index().on(table.kind, table.blockNumber, table.logIndex),
  }),
);

/** `RegistryUpdated` of a batch verifier. */
export const verifierRegistryChange = onchainTable(
  "verifier_registry_change",
  (t) => ({
    chainId: t.integer().notNull(),
    blockNumber: t.int8({ mode: "number" }).notNull(),
    logIndex: t.integer().notNull(),
    verifier: t.hex().notNull(),
    oldRegistry: t.hex().notNull(),
    newRegistry: t.hex().notNull(),
    timestamp: t.int8({ mode: "number" }).notNull(),
    txHash: t.hex().notNull(),
    sender: t.hex().notNull(),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.chainId, table.blockNumber, table.logIndex] }) }),
);

// ---------------------------------------------------------------- settlements and on-chain inference

export const settlement = onchainTable(
  "settlement",
  (t) => ({
    chainId: t.integer().notNull(),
    blockNumber: t.int8({ mode: "number" }).notNull(),
    logIndex: t.integer().notNull(),
    relay: t.hex().notNull(),
    /** individual, batch or legacy. */
    kind: t.text().notNull(),
    /** The event's name and parameter types. */
    eventSignature: t.text().notNull(),
    txHash: t.hex().notNull(),
    /** Block time. */
    settledAt: t.int8({ mode: "number" }).notNull(),
    /** Transaction sender. */
    relayer: t.hex().notNull(),
    teeId: t.hex(),
    /** The event's `ethAddress`: the relayer's claim, not signed. */
    claimedPayer: t.hex(),
    inputHash: t.hex(),
    outputHash: t.hex(),
    /** Unix seconds as signed, unclamped uint256. */
    signedAt: t.bigint(),
    signature: t.hex(),
    merkleRoot: t.hex(),
    /** The relayer's claim, unclamped uint256. */
    batchSize: t.bigint(),
    /** The blob id when its bytes are 43 base64url characters, else null. */
    blobId: t.text(),
    blobIdHex: t.hex(),
    /** Of an individual: its node's totals up to and including this row, when the current registry knows the node. */
    settlementsSoFar: t.int8({ mode: "number" }),
    /** Sum of settledAt - signedAt, seconds, each clamped to 0 … one day. */
    latencySecondsSoFar: t.int8({ mode: "number" }),
    /** Legacy `SettlementWithMetadata`: sanitised, and the raw bytes. */
    modelInfo: t.text(),
    modelInfoHex: t.hex(),
    inputData: t.hex(),
    outputData: t.hex(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.chainId, table.blockNumber, table.logIndex] }),
    // /v1/settlements/:id, /v1/settlements?txHash=
    txIdx: index().on(table.txHash),
    // /v1/settlements?teeId=, and, from the index alone, a node's settlements and their latencies in a stretch of blocks
    nodeIdx: index().on(
      table.teeId,
      table.blockNumber,
      table.logIndex,
      table.settlementsSoFar,
      table.settledAt,
      table.signedAt,
    ),
    // /v1/settlements?relayer=, and, from the index alone, how many of each kind a relayer sent
    relayerIdx: index().on(table.relayer, table.blockNumber, table.logIndex, table.kind),
    // /v1/settlements?payer=
    payerIdx: index().on(table.claimedPayer, table.blockNumber, table.logIndex),
    // /v1/settlements?merkleRoot=, verdict joins
    rootIdx: index().on(table.merkleRoot),
    // /v1/settlements?blobId=
    blobIdx: index().on(table.blobId, table.blockNumber, table.logIndex),
    // individual verdict joins
    inferenceIdx: index().on(table.inputHash, table.outputHash),
    // /v1/settlements?kind=
    kindIdx: index().on(table.kind, table.blockNumber, table.logIndex),
    // /v1/settlements?from=&to=
    timeIdx: index().on(table.settledAt),
  }),
);

export const onchainInference = onchainTable(
  "onchain_inference",
  (t) => ({
    chainId: t.integer().notNull(),
    blockNumber: t.int8({ mode: "number" }).notNull(),
    /** Of the precompile's log, or of the hub's when it stands alone. */
    logIndex: t.integer().notNull(),
    /** chat, completion, model or workflow. */
    kind: t.text().notNull(),
    /** 0 VANILLA, 1 ZKML, 2 TEE as emitted; null when only the hub spoke. */
    mode: t.integer(),
    modelCid: t.text(),
    modelCidHex: t.hex(),
    inferenceId: t.text(),
    inferenceIdHex: t.hex(),
    /** Transaction sender, or a workflow's own `caller`. */
    caller: t.hex().notNull(),
    timestamp: t.int8({ mode: "number" }).notNull(),
    txHash: t.hex().notNull(),
    /** The precompile's log data as emitted; null when only the hub spoke. */
    requestData: t.hex(),
    /** The hub's event that followed in the same transaction. */
    hub: t.hex(),
    hubEvent: t.text(),
    hubLogIndex: t.integer(),
    /** The hub's log data as emitted. */
    hubData: t.hex(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.chainId, table.blockNumber, table.logIndex] }),
    // /v1/onchain-inferences?caller=, and, from the index alone, which of somebody's many are of a kind or mode
    callerIdx: index().on(table.caller, table.blockNumber, table.logIndex, table.kind, table.mode),
    // /v1/onchain-inferences?modelCid=, and the same of a model's
    modelIdx: index().on(
      table.modelCid,
      table.blockNumber,
      table.logIndex,
      table.kind,
      table.mode,
      table.caller,
    ),
    // /v1/onchain-inferences?kind=
    kindIdx: index().on(table.kind, table.blockNumber, table.logIndex),
    // both of them: the one may be all there is of the other
    pairIdx: index().on(table.kind, table.mode, table.blockNumber, table.logIndex),
    // /v1/onchain-inferences?mode=
    modeIdx: index().on(table.mode, table.blockNumber, table.logIndex),
    // /v1/onchain-inferences?from=&to=
    timeIdx: index().on(table.timestamp),
  }),
);

/** The transaction being read and the precompile logs it has emitted so far. One row per chain. */
export const inferenceCursor = onchainTable("inference_cursor", (t) => ({
  chainId: t.integer().primaryKey(),
  txHash: t.hex().notNull(),
  blockNumber: t.int8({ mode: "number" }).notNull(),
  logIndexes: t.integer().array().notNull(),
}));

// ---------------------------------------------------------------- payments

export const payment = onchainTable(
  "payment",
  (t) => ({
    chainId: t.integer().notNull(),
    blockNumber: t.int8({ mode: "number" }).notNull(),
    /** Of the proxy's `Settled`, of the EIP-3009 `Transfer`, or of the channel's `Claimed`. */
    logIndex: t.integer().notNull(),
    /** exact, upto or batch-settlement. */
    scheme: t.text().notNull(),
    /** permit2, eip3009 or channel. */
    method: t.text().notNull(),
    token: t.hex().notNull(),
    payer: t.hex().notNull(),
    payee: t.hex().notNull(),
    /** Base units. */
    amount: t.bigint().notNull(),
    /** The cap the payer signed; null when the proxy was called by another contract. */
    permittedAmount: t.bigint(),
    /** Transaction sender. */
    facilitator: t.hex().notNull(),
    paidAt: t.int8({ mode: "number" }).notNull(),
    txHash: t.hex().notNull(),
    channelId: t.hex(),
    /** Where payer, payee and amount were read: `call`, `receipt` or `event`. */
    source: t.text().notNull(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.chainId, table.blockNumber, table.logIndex] }),
    // /v1/payments?payer=
    payerIdx: index().on(table.payer, table.blockNumber, table.logIndex),
    // /v1/payments?payee=, operators' revenue
    payeeIdx: index().on(table.payee, table.blockNumber, table.logIndex),
    // /v1/payments?facilitator=
    facilitatorIdx: index().on(table.facilitator, table.blockNumber, table.logIndex),
    // /v1/payments?token=
    tokenIdx: index().on(table.token, table.blockNumber, table.logIndex),
    // /v1/payments?scheme=
    schemeIdx: index().on(table.scheme, table.blockNumber, table.logIndex),
    // /v1/payments?from=&to=
    timeIdx: index().on(table.paidAt),
    // by id
    txIdx: index().on(table.txHash),
  }),
);

export const channel = onchainTable(
  "channel",
  (t) => ({
    chainId: t.integer().notNull(),
    channelId: t.hex().notNull(),
    payer: t.hex().notNull(),
    payerAuthorizer: t.hex().notNull(),
    receiver: t.hex().notNull(),
    receiverAuthorizer: t.hex().notNull(),
    token: t.hex().notNull(),
    withdrawDelaySeconds: t.int8({ mode: "number" }).notNull(),
    salt: t.hex().notNull(),
    /** The contract's own figures: claiming does not lower the balance. */
    balance: t.bigint().notNull(),
    totalClaimed: t.bigint().notNull(),
    deposited: t.bigint().notNull(),
    refunded: t.bigint().notNull(),
    withdrawn: t.bigint().notNull(),
    pendingWithdrawalAmount: t.bigint(),
    pendingWithdrawalFinalizableAt: t.int8({ mode: "number" }),
    closed: t.boolean().notNull(),
    createdAt: t.int8({ mode: "number" }).notNull(),
    createdBlock: t.int8({ mode: "number" }).notNull(),
    createdLogIndex: t.integer().notNull(),
    updatedAt: t.int8({ mode: "number" }).notNull(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.chainId, table.channelId] }),
    // /v1/channels?payer=
    payerIdx: index().on(table.payer),
    // /v1/channels?payee=
    receiverIdx: index().on(table.receiver),
    // /v1/channels, newest first
    createdIdx: index().on(table.createdBlock, table.createdLogIndex),
  }),
);

/** Every event of our channels, with the channel's figures after it. */
export const channelEvent = onchainTable(
  "channel_event",
  (t) => ({
    chainId: t.integer().notNull(),
    blockNumber: t.int8({ mode: "number" }).notNull(),
    logIndex: t.integer().notNull(),
    channelId: t.hex().notNull(),
    /** created, closed, deposited, claimed, refunded, withdraw-initiated or withdraw-finalized. */
    kind: t.text().notNull(),
    amount: t.bigint(),
    sender: t.hex().notNull(),
    timestamp: t.int8({ mode: "number" }).notNull(),
    txHash: t.hex().notNull(),
    balanceAfter: t.bigint().notNull(),
    totalClaimedAfter: t.bigint().notNull(),
    refundedAfter: t.bigint().notNull(),
    withdrawnAfter: t.bigint().notNull(),
    pendingWithdrawalAmountAfter: t.bigint(),
    pendingWithdrawalFinalizableAtAfter: t.int8({ mode: "number" }),
    closedAfter: t.boolean().notNull(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.chainId, table.blockNumber, table.logIndex] }),
    // a channel at t; its history
    channelIdx: index().on(table.channelId, table.blockNumber, table.logIndex),
  }),
);

/** What a receiver has claimed and what was moved to it, for all its channels in a token. */
export const channelReceiver = onchainTable(
  "channel_receiver",
  (t) => ({
    chainId: t.integer().notNull(),
    receiver: t.hex().notNull(),
    token: t.hex().notNull(),
    claimed: t.bigint().notNull(),
    settled: t.bigint().notNull(),
    settlements: t.int8({ mode: "number" }).notNull(),
    updatedAt: t.int8({ mode: "number" }).notNull(),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.chainId, table.receiver, table.token] }) }),
);

/** A transfer of claimed funds to a receiver (the channel contract's `Settled`). */
export const channelSettlement = onchainTable(
  "channel_settlement",
  (t) => ({
    chainId: t.integer().notNull(),
    blockNumber: t.int8({ mode: "number" }).notNull(),
    logIndex: t.integer().notNull(),
    receiver: t.hex().notNull(),
    token: t.hex().notNull(),
    sender: t.hex().notNull(),
    amount: t.bigint().notNull(),
    timestamp: t.int8({ mode: "number" }).notNull(),
    txHash: t.hex().notNull(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.chainId, table.blockNumber, table.logIndex] }),
    // a receiver's settled amounts
    receiverIdx: index().on(table.receiver, table.blockNumber, table.logIndex),
  }),
);

/** A failed inner EIP-2612 permit in a transaction that paid one of ours. It changes nothing about the payment. */
export const permitFailure = onchainTable(
  "permit_failure",
  (t) => ({
    chainId: t.integer().notNull(),
    blockNumber: t.int8({ mode: "number" }).notNull(),
    logIndex: t.integer().notNull(),
    proxy: t.hex().notNull(),
    token: t.hex().notNull(),
    owner: t.hex().notNull(),
    /** reason, data or panic. */
    kind: t.text().notNull(),
    reason: t.text(),
    /** The event's unindexed data as emitted. */
    data: t.hex().notNull(),
    timestamp: t.int8({ mode: "number" }).notNull(),
    txHash: t.hex().notNull(),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.chainId, table.blockNumber, table.logIndex] }) }),
);

/**
 * Payments to a payee in a token, by the hour. A day is the sum of its hours; all time up to an hour is its one row with the
 * totals so far.
 */
export const paymentBucket = onchainTable(
  "payment_bucket",
  (t) => ({
    chainId: t.integer().notNull(),
    /** Unix seconds, a full hour. */
    startAt: t.int8({ mode: "number" }).notNull(),
    payee: t.hex().notNull(),
    token: t.hex().notNull(),
    payments: t.int8({ mode: "number" }).notNull(),
    /** Base units. */
    amount: t.bigint().notNull(),
    /** `payee_total` at the hour's end. */
    paymentsSoFar: t.int8({ mode: "number" }).notNull(),
    amountSoFar: t.bigint().notNull(),
    payersSoFar: t.int8({ mode: "number" }).notNull(),
    newPayersSoFar: t.int8({ mode: "number" }).notNull(),
    cappedSoFar: t.bigint().notNull(),
    cappedSquaresSoFar: t.bigint().notNull(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.chainId, table.startAt, table.payee, table.token] }),
    // one payee's series
    payeeIdx: index().on(table.payee, table.startAt),
    // a payee's totals in a token at t
    totalIdx: index().on(table.payee, table.token, table.startAt),
  }),
);

/**
 * What a payee was paid in a token, ever. `capped` counts each payer for at most one whole token a UTC day, and nothing that
 * it submitted itself: organic volume before anybody is left out for who they are, which another chain decides.
 */
export const payeeTotal = onchainTable(
  "payee_total",
  (t) => ({
    chainId: t.integer().notNull(),
    payee: t.hex().notNull(),
    token: t.hex().notNull(),
    payments: t.int8({ mode: "number" }).notNull(),
    /** Base units. */
    amount: t.bigint().notNull(),
    /** Distinct ones. */
    payers: t.int8({ mode: "number" }).notNull(),
    /** Of them, those whose first payment to the payee was in this token: over all tokens these add up to its payers. */
    newPayers: t.int8({ mode: "number" }).notNull(),
    /** Base units; 0 for a token without a cap. */
    capped: t.bigint().notNull(),
    /** The payers' own `capped`, squared and summed. */
    cappedSquares: t.bigint().notNull(),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.chainId, table.payee, table.token] }) }),
);

/** What the next payment of a payer to a payee in a token is added to. */
export const payerTotal = onchainTable(
  "payer_total",
  (t) => ({
    chainId: t.integer().notNull(),
    payee: t.hex().notNull(),
    payer: t.hex().notNull(),
    token: t.hex().notNull(),
    /** The newest day of payments: unix seconds, a midnight. */
    dayAt: t.int8({ mode: "number" }).notNull(),
    /** What was paid on that day by others' hands. Base units. */
    dayAmount: t.bigint().notNull(),
    /** What of earlier days counts: see `payee_total`. */
    cappedBefore: t.bigint().notNull(),
  }),
  // the tokens in which somebody paid a payee: their beginning
  (table) => ({ pk: primaryKey({ columns: [table.chainId, table.payee, table.payer, table.token] }) }),
);

/** Who ever paid whom, in whatever token. */
export const payeePayer = onchainTable(
  "payee_payer",
  (t) => ({
    chainId: t.integer().notNull(),
    payee: t.hex().notNull(),
    payer: t.hex().notNull(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.chainId, table.payee, table.payer] }),
    // whom somebody ever paid
    payerIdx: index().on(table.payer, table.payee),
  }),
);

/** Payments in a token, by the hour. */
export const tokenBucket = onchainTable(
  "token_bucket",
  (t) => ({
    chainId: t.integer().notNull(),
    /** Unix seconds, a full hour. */
    startAt: t.int8({ mode: "number" }).notNull(),
    token: t.hex().notNull(),
    payments: t.int8({ mode: "number" }).notNull(),
    /** Base units. */
    amount: t.bigint().notNull(),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.chainId, table.startAt, table.token] }) }),
);

/** What one payer paid one payee in a token on one UTC day: organic volume is bounded per payer and day. */
export const payerDay = onchainTable(
  "payer_day",
  (t) => ({
    chainId: t.integer().notNull(),
    payee: t.hex().notNull(),
    token: t.hex().notNull(),
    payer: t.hex().notNull(),
    /** Unix seconds, a midnight. */
    startAt: t.int8({ mode: "number" }).notNull(),
    payments: t.int8({ mode: "number" }).notNull(),
    /** Base units. */
    amount: t.bigint().notNull(),
    /** Of it, what the payer submitted itself as the facilitator. */
    selfFacilitatedAmount: t.bigint().notNull(),
    /** What counts of the payer's earlier days with this payee and token: see `payee_total`. */
    cappedBefore: t.bigint().notNull(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.chainId, table.payee, table.token, table.payer, table.startAt] }),
    // /v1/payers/:address
    payerIdx: index().on(table.payer, table.startAt),
    // who paid a node in a window, and what of it is organic
    payeeIdx: index().on(table.payee, table.startAt),
    // the network's organic volume over a window
    timeIdx: index().on(table.startAt),
  }),
);
