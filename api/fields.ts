/**
 * What fields and filters mean, written once for REST and GraphQL, each with a value for examples. `name` holds wherever a
 * field has that name, `Owner.name` in one object, operation or filter only. A schema's own description takes precedence.
 */

interface Word {
  readonly says: string;
  /** Shown in examples, where the schema allows it; null also stands for an empty list. */
  readonly sample?: string | number | boolean | null;
}

/** Bytes that people can tell apart. */
const bytes = (length: number, seed: string): string => `0x${seed.repeat(length).slice(0, 2 * length)}`;

const TEE_ID = bytes(32, "7ee1d0a5");
const TRANSACTION = bytes(32, "c0ffee42");
const INFERENCE = bytes(32, "1fe2e4ce");
const CHANNEL = bytes(32, "c4a22e10");
const PCR = bytes(32, "9c2a55e5");
const OWNER = bytes(20, "0b5e55ed");
const PAYER = bytes(20, "decade01");
const PAYEE = bytes(20, "bead1e50");
const RELAYER = bytes(20, "5e1a7e42");
const REGISTRY = "0x703cb174aeadb35d611858369b4b1111dc9abda6";
const OPG = "0xfbc2051ae2265686a469421b2c5a2d5462fbf5eb";
const SETTLEMENT = `10740-${TRANSACTION}-3`;
const NOW = 1_790_000_040;
const HOUR = 3_600;

const times = (says: string, ago = 0): Word => ({ says: `${says} Unix seconds.`, sample: NOW - ago });
/** What most things do not have. */
const seldom = (says: string): Word => ({ says, sample: null });
const hash = (says: string, sample: string): Word => ({ says: `${says} 32 bytes.`, sample });
const counted = (says: string, sample: number): Word => ({ says: `${says} A count.`, sample });
const inBaseUnits = (says: string, sample = "1500000000000000000"): Word => ({
  says: `${says} In base units of the token.`,
  sample,
});

/** What stands beside bytes whose number a stranger chose. */
const bytesOf = (...prefixes: readonly string[]): Record<string, Word> =>
  Object.fromEntries(
    prefixes.flatMap((prefix) => [
      [`${prefix}Bytes`, counted("Bytes it has, shown or not.", 256)],
      [`${prefix}Sha256`, seldom("SHA-256 of all its bytes, where only the first of them are shown.")],
    ]),
  );

const WORDS: Readonly<Record<string, Word>> = {
  // Lists and states
  items: { says: "In the list's order." },
  pageInfo: { says: "Where the list goes on." },
  endCursor: { says: "`after` of the next page; null when this one is empty.", sample: "eyJhc09mIjp7fX0" },
  after: { says: "`endCursor` of the page before.", sample: "eyJhc09mIjp7fX0" },
  hasNextPage: { says: "Whether there is a next page." },
  asOf: { says: "The state that the answer is made from." },
  scoreVersion: { says: "Version of the score's rules and constants.", sample: "2" },
  proofsRevision: { says: "How often the verifier's findings had changed." },
  probeRound: { says: "The round of probes that scores count up to." },
  version: { says: "The software's version.", sample: "0.1.0" },
  digest: {
    says: "Digest of the software and its settings: equal ones answer alike.",
    sample: "hT3vG1m0Kc9xQpWz",
  },
  observationsRevision: { says: "How often reading records again had brought something new.", sample: 12 },
  at: times("The state after the last block whose timestamp is not later."),
  from: { says: "Unix seconds, inclusive; not after `to`.", sample: NOW - 24 * HOUR },
  to: { says: "Unix seconds, exclusive.", sample: NOW },
  maxLag: { says: "Seconds that the newest block may be old.", sample: 60 },

  // Chains
  chainId: { says: "The chain's id.", sample: 10_740 },
  chains: { says: "By chain." },
  og: { says: "The OpenGradient chain." },
  base: { says: "Base." },
  block: { says: "The newest indexed block." },
  "block.number": { says: "Its number.", sample: 4_810_226 },
  "block.hash": hash("Its hash; null when it had no event.", bytes(32, "b10c")),
  "block.timestamp": times("Its time."),
  blockNumber: { says: "The block.", sample: 4_810_226 },
  blockTime: times("The block's time."),
  blockHash: hash("The block's hash.", bytes(32, "b10c")),
  finalizedBlock: { says: "The newest final block.", sample: 4_810_196 },
  lagSeconds: { says: "How old the newest block is, by this process's clock.", sample: 2 },
  ready: { says: "Whether answers can be made from it." },
  txHash: hash("The transaction.", TRANSACTION),
  logIndex: { says: "The event's place in its block.", sample: 3 },
  timestamp: times("The block's time."),
  sender: { says: "Who sent the transaction.", sample: RELAYER },
  verifier: { says: "Who checks settlements." },
  pending: counted("Settlements on chain without a verdict.", 12),
  oldestPendingSeconds: { says: "How long the oldest of them is on chain.", sample: 41 },
  prober: { says: "Who connects to endpoints." },
  due: counted("Nodes whose probe is due.", 0),
  lastRoundAt: times("When the newest round of probes ended."),
  lastRoundUsable: { says: "Whether enough operators answered for it to count." },

  // Nodes
  teeId: hash("The node: keccak256 of its public key.", TEE_ID),
  registry: { says: "The TEE registry.", sample: REGISTRY },
  teeType: { says: "The node's type.", sample: 0 },
  "teeType.id": { says: "Number of the type.", sample: 0 },
  "teeType.name": { says: "Name of the type; sanitised for display.", sample: "LLMProxy" },
  owner: { says: "The operator: who registered the node.", sample: OWNER },
  excludeOwner: { says: "Operators to leave out.", sample: OWNER },
  operator: { says: "The owner of nodes.", sample: OWNER },
  paymentAddress: { says: "Where the node is paid; null when its record could not be read.", sample: PAYEE },
  endpoint: { says: "Where the node is reached.", sample: "https://tee.example:8443" },
  endpointHex: seldom("The endpoint's raw bytes."),
  ...bytesOf(
    "endpoint",
    "publicKey",
    "tlsCertificate",
    "keyConfig",
    "version",
    "name",
    "signature",
    "blobId",
    "modelCid",
  ),
  ...bytesOf("inferenceId"),
  publicKey: { says: "The enclave's signing key, DER.", sample: bytes(24, "3082012230") },
  tlsCertificate: { says: "The certificate that its endpoint shows, DER.", sample: bytes(24, "308203a5") },
  pcr: { says: "The code it runs; null when its record could not be read.", sample: "latest" },
  pcrHash: hash("The code: hash of the enclave's measurements.", PCR),
  pcrVersion: { says: "Its version by the registry, sanitised.", sample: "v1.4" },
  pcrApproved: { says: "Whether the registry approved it then." },
  "pcr.hash": hash("Hash of the enclave's measurements.", PCR),
  "pcr.version": { says: "Its version by the registry, sanitised.", sample: "v1.4" },
  "Pcr.hash": hash("Hash of the enclave's measurements.", PCR),
  "Pcr.version": { says: "By the registry, sanitised.", sample: "v1.4" },
  versionHex: seldom("The version's raw bytes, when `version` is not exactly what they say."),
  approved: { says: "Whether it is approved." },
  approvedAt: times("When it was approved last.", 240 * HOUR),
  firstApprovedAt: times("When it was approved first.", 480 * HOUR),
  revokedAt: seldom("When the approval was revoked, unix seconds; null while it stands."),
  approvals: counted("How often it was approved.", 1),
  revocations: counted("How often that was revoked.", 0),
  ohttpConfig: { says: "Its key for Oblivious HTTP (RFC 9458); null without one." },
  keyId: { says: "The key's id.", sample: 1 },
  kemId: { says: "HPKE's key encapsulation.", sample: 32 },
  kdfId: { says: "HPKE's key derivation.", sample: 1 },
  aeadId: { says: "HPKE's cipher.", sample: 1 },
  "ohttpConfig.publicKey": { says: "The public key.", sample: bytes(32, "0417bec0") },
  keyConfig: { says: "All of it, as RFC 9458 encodes it.", sample: bytes(41, "01002004") },
  "ohttpConfig.registeredAt": times("When it was registered.", 48 * HOUR),
  status: {
    says: "`active`: what the contract would answer. `stale`: no heartbeat in time. `disabled` by its owner or an admin. `revoked`: disabled with its PCR. `removed` from the registry.",
    sample: "active",
  },
  statusPrecision: {
    says: "`exact`: what the contract answered. `bounded`: `heartbeatMaxAge` could not be read then, between two values that were. `assumed`: it was not read before either, or the node's PCR is not known and one was revoked.",
    sample: "exact",
  },
  enabled: { says: "Whether the registry has it enabled." },
  registeredAt: times("When it was registered.", 240 * HOUR),
  lastHeartbeatAt: times("The block of its newest heartbeat.", 30),
  lastSignedAt: times("The newest second that it signed.", 36),
  recordSource: {
    says: "Where its record was read: a `call` in its block, the registration's `calldata`, or a later `observation`.",
    sample: "call",
  },
  metrics: { says: "By window." },
  "1h": { says: "The last hour." },
  "24h": { says: "The last 24 hours." },
  "7d": { says: "The last 7 days." },
  "30d": { says: "The last 30 days." },
  all: { says: "Since its registration." },
  heartbeats: counted("Received.", 96),
  repeatedHeartbeats: counted("Sent before.", 0),
  missedHeartbeats: counted("Due and not sent.", 0),
  heartbeatLatenessMeanSeconds: { says: "Mean time from signed second to block.", sample: 6.2 },
  uptime: { says: "Share of the time, 0 to 1.", sample: 0.998 },
  settlementLatencyP50Seconds: { says: "Median of block time minus signed time.", sample: 14 },
  settlementLatencyP95Seconds: { says: "95th percentile of the same.", sample: 38 },
  proofAvailability: {
    says: "Share of payloads that could be had, 0 to 1: of a node's newest individual settlements, of a relayer's decided batches.",
    sample: 1,
  },
  probes: counted("Attempts to connect to its endpoint.", 24),
  probeSuccess: { says: "Share of them that reached it with its registered certificate, 0 to 1.", sample: 1 },
  probeP50Ms: { says: "Median time to first byte, milliseconds.", sample: 184 },
  score: { says: "Null when there is no evidence for one: see `/v1/scoring`." },
  "Score.value": { says: "0 to 100.", sample: 96.99 },
  "Score.low": { says: "Lower bound.", sample: 94.12 },
  "Score.high": { says: "Upper bound.", sample: 98.4 },
  "Score.version": { says: "Of the rules and constants: `/v1/scoring`.", sample: "2" },
  nEff: { says: "Hours of evidence, weighed by age.", sample: 152.3 },
  factors: { says: "What it is the product of." },
  "factors.name": { says: "Which one.", sample: "uptime" },
  "factors.weight": { says: "Its exponent.", sample: 0.45 },
  "factors.value": { says: "In (0, 1].", sample: 0.9882 },
  "factors.low": { says: "Lower bound.", sample: 0.9648 },
  "factors.high": { says: "Upper bound.", sample: 0.9991 },
  "factors.observed": { says: "Share of the evidence that is up.", sample: 0.9997 },
  "factors.hours": { says: "Of evidence.", sample: 152.3 },
  gates: seldom("What it does not pass."),
  "gates.reason": { says: "A stable code.", sample: "stale" },
  "gates.detail": { says: "The same in words.", sample: "no heartbeat since block 4810001" },
  weights: { says: "Exponents of the factors." },
  "weights.uptime": { says: "Of proved uptime.", sample: 0.45 },
  "weights.reachability": { says: "Of probes that reached it.", sample: 0.35 },
  "weights.latency": { says: "Of its time to first byte.", sample: 0.2 },
  constants: { says: "By name, each with its unit and reason." },
  "constants.key": { says: "A constant.", sample: "uptimeWeight" },
  "constants.value": { says: "In `unit`.", sample: 0.45 },
  "constants.unit": { says: "What it is measured in.", sample: "exponent" },
  "constants.reason": { says: "Why it is what it is.", sample: "what the contract itself proves" },
  rank: { says: "From 1.", sample: 1 },
  probability: { says: "0 to 1.", sample: 0.387 },
  seed: {
    says: "What the draw follows from: the same at the same state gives the same nodes. Default: drawn anew, and told in the answer.",
    sample: "9f86d081884c7d65",
  },
  validUntil: times("Until when the answer holds.", -900),
  nodes: { says: "Nodes." },
  node: { says: "The node, complete enough to connect." },
  excluded: { says: "Nodes that were left out, by reason." },
  "excluded.reason": { says: "A stable code.", sample: "stale" },
  count: counted("How many.", 3),
  only: { says: "Node ids.", sample: TEE_ID },
  exclude: { says: "Node ids.", sample: TEE_ID },
  minScore: { says: "Lowest score.", sample: 80 },
  minUptime: { says: "Lowest uptime.", sample: 0.95 },
  notion: { says: "Which notion of being alive.", sample: "active" },
  fromAt: times("When it began.", 240 * HOUR),
  untilAt: times("When it ended; null while it goes on."),
  endCause: { says: "Why it ended.", sample: "stale" },
  precision: { says: "How sure it is.", sample: "exact" },
  heartbeatMaxAge: { says: "The contract's bound on the age of heartbeats." },
  "heartbeatMaxAge.value": { says: "Seconds.", sample: 1_800 },
  exactSince: times("Since when it is exact.", 720 * HOUR),
  receivedAt: times("The heartbeat's block.", 30),
  latenessSeconds: { says: "From the signed second to the block.", sample: 6 },
  repeated: { says: "Sent before.", sample: false },
  cause: { says: "Who did it.", sample: "owner" },
  addedAt: times("When the registry got it.", 480 * HOUR),
  deactivatedAt: seldom("When it was deactivated, unix seconds; null while it is not."),
  nameHex: seldom("The name's raw bytes, when `name` is not exactly what they say."),
  "TeeType.id": { says: "Number of the type.", sample: 0 },
  "TeeType.name": { says: "Sanitised for display.", sample: "LLMProxy" },
  include: { says: "What to add, comma-separated." },
  sort: { says: "Highest or newest first." },

  // Series
  startAt: times("When the bucket begins.", HOUR),
  complete: { says: "Whether it is over." },
  metric: { says: "What is told.", sample: "inferences" },
  interval: { says: "Width of the buckets.", sample: "hour" },
  "SeriesItem.value": { says: "Of the metric; null where unknown.", sample: 42 },
  tokens: { says: "By token." },

  // Inferences and settlements
  inferenceId: hash(
    "The inference: keccak256(abi.encode(teeId, inputHash, outputHash, timestamp)).",
    INFERENCE,
  ),
  "Inference.id": hash("The inference.", INFERENCE),
  "getInference.id": hash("The inference.", INFERENCE),
  "getReceipt.id": hash("The inference.", INFERENCE),
  inputHash: hash("keccak256 of the canonical request.", bytes(32, "1a907c5e")),
  outputHash: hash("keccak256 of the answer's content.", bytes(32, "0a7b07c5")),
  signedAt: times("When the enclave signed.", 60),
  signature: { says: "RSA-PSS by the enclave.", sample: bytes(24, "51673d00") },
  signatureValid: { says: "Whether the signature is the node's." },
  counted: { says: "Whether it counts wherever inferences are counted." },
  uncountedReason: { says: "Why it does not count." },
  nodeAtSigning: { says: "The node's standing when it signed." },
  model: { says: "The model, as payloads name it.", sample: "openai/gpt-5" },
  promptTokens: counted("Tokens of the request, as payloads claim.", 412),
  completionTokens: counted("Tokens of the answer, as payloads claim.", 96),
  inferences: counted("Distinct ones with a valid signature.", 42),
  "Inference.settlements": { says: "Where it was settled." },
  "settlements.id": { says: "The settlement: `chainId-txHash-logIndex`.", sample: SETTLEMENT },
  leafIndex: { says: "Its place in the batch, from 0; null for an individual settlement.", sample: 5 },
  claimedPayers: { says: "Payers, by the relayers' word.", sample: PAYER },
  claimedPayer: { says: "The payer, by the relayer's word.", sample: PAYER },
  id: { says: "`chainId-txHash-logIndex`.", sample: SETTLEMENT },
  kind: { says: "Which kind.", sample: "individual" },
  relay: { says: "The contract that emitted the settlement.", sample: bytes(20, "5e771e00") },
  relayer: { says: "Who sent it.", sample: RELAYER },
  settledAt: times("The settlement's block.", 46),
  merkleRoot: hash("Root of a batch.", bytes(32, "be2c1e00")),
  batchSize: counted("Leaves of a batch, by the relayer's word.", 128),
  blobId: {
    says: "The Walrus blob with the contents, by the relayer's word.",
    sample: "Zm9yIGV4YW1wbGUgYSBXYWxydXMgYmxvYiBpZCBoZXJ",
  },
  blobIdHex: seldom("The blob id's raw bytes."),
  verdict: { says: "What was found when it was checked.", sample: "verified" },
  reason: seldom("A stable code; null when there is nothing to say."),

  leafCount: counted("Leaves of a batch.", 128),
  validLeaves: counted("Leaves that prove an inference.", 128),
  invalidLeaves: counted("Leaves whose signature is not their node's.", 0),
  unknownNode: counted("Leaves that name no node that was registered by then.", 0),
  leaves: { says: "Leaves of the batch." },
  "Relayer.leaves": { says: "Leaves of its proven batches; individual settlements are not among them." },
  "leaves.valid": counted("Leaves that prove an inference.", 1_280),
  "leaves.invalid": counted("Leaves whose signature is not their node's.", 0),
  "Leaf.timestamp": { says: "When the enclave signed, unix seconds.", sample: String(NOW - 60) },
  "leaf.timestamp": { says: "When the enclave signed, unix seconds.", sample: String(NOW - 60) },
  payload: { says: "What became of the blob." },
  "payload.state": { says: "What became of it.", sample: "matched" },
  mode: { says: "How it was run and proven.", sample: "tee" },
  modelCid: {
    says: "The model's content id, sanitised.",
    sample: "QmRLzw5Q4y1cZNgPpFvVmTFbqZmrm1s8BcJ7RsYw6Xz9Wd",
  },
  modelCidHex: seldom("Its raw bytes, when `modelCid` is not exactly what they say."),
  "OnchainInference.inferenceId": { says: "The contract's id for it, sanitised.", sample: "id-1" },
  inferenceIdHex: seldom("Its raw bytes, when `inferenceId` is not exactly what they say."),
  caller: { says: "Who asked.", sample: bytes(20, "ca11e400") },
  hub: { says: "The hub's event of the result; null without one." },
  "hub.address": { says: "The hub.", sample: bytes(20, "0ab00b00") },
  "hub.event": { says: "The event's name.", sample: "LLMChatResult" },
  content: seldom("Request and response."),
  "content.request": { says: "What was asked; its shape is the kind's." },
  "content.response": { says: "What was answered; likewise." },
  "content.result": { says: "What the hub's event says; likewise." },
  "content.shortened": { says: "Whether something was cut off." },

  "Receipt.settlement": { says: "Where it was settled." },
  "verdicts.settlement": { says: "This index's word on the settlement.", sample: "verified" },

  // Payments and accounts
  address: { says: "The address.", sample: OWNER },
  "getPayer.address": { says: "The payer's address.", sample: PAYER },
  "getRelayer.address": { says: "The relayer's address.", sample: RELAYER },
  "getOperator.address": { says: "The owner's address.", sample: OWNER },
  "Payer.address": { says: "The payer's address.", sample: PAYER },
  "Relayer.address": { says: "The relayer's address.", sample: RELAYER },
  paidAt: times("The payment's block.", 120),
  scheme: { says: "x402's scheme.", sample: "upto" },
  method: { says: "How the token was moved.", sample: "permit2" },
  token: { says: "The token's contract.", sample: OPG },
  tokenInfo: { says: "Only with `include=token`: what the token's contract says of itself." },
  "Token.address": { says: "The token's contract.", sample: OPG },
  symbol: { says: "What it calls itself; null when it does not.", sample: "OPG" },
  decimals: { says: "Digits of an amount after the decimal point; null when it does not say.", sample: 18 },
  payer: { says: "Who paid.", sample: PAYER },
  payee: { says: "Who was paid.", sample: PAYEE },
  amount: inBaseUnits("What was paid."),
  permittedAmount: inBaseUnits("The most that was permitted.", "2000000000000000000"),
  facilitator: { says: "Who submitted it.", sample: bytes(20, "facade00") },
  organic: inBaseUnits("What of it is organic; null for tokens without a bound.", "1000000000000000000"),
  "Payment.organic": { says: "Whether it says something about demand." },
  raw: inBaseUnits("All payments."),
  payments: counted("Payments.", 17),
  payers: counted("Distinct payers; null while Base cannot be answered from.", 4),
  effectivePayers: { says: "(Σv)² / Σv² over the payers' organic volumes; null without any.", sample: 3.2 },
  volume: { says: "Of all payments, per token; null while Base cannot be answered from." },
  revenue: { says: "Per token; null while Base cannot be answered from." },
  firstPaidAt: times("Its first payment.", 480 * HOUR),
  lastPaidAt: times("Its newest payment.", 120),
  firstDayAt: times("Midnight (UTC) of the first day.", NOW % 86_400),
  lastDayAt: times("Midnight (UTC) of the last day.", NOW % 86_400),
  payeeCount: counted("Distinct payees.", 2),
  "channels.open": counted("Open.", 1),
  "channels.withdrawing": counted("About to be withdrawn from.", 0),
  "channels.closed": counted("Closed.", 2),
  channelId: hash("The contract's id for the channel.", CHANNEL),
  "getChannel.id": hash("The contract's id for the channel.", CHANNEL),
  payerAuthorizer: { says: "Who may sign for the payer.", sample: PAYER },
  receiver: { says: "Who is paid from the channel.", sample: PAYEE },
  receiverAuthorizer: { says: "Who may claim for the receiver.", sample: PAYEE },
  withdrawDelaySeconds: { says: "How long a withdrawal must be announced before.", sample: 86_400 },
  salt: hash("What tells channels of the same parties apart.", bytes(32, "5a17")),
  balance: inBaseUnits("What the channel holds, claimed parts included.", "5000000000000000000"),
  claimed: inBaseUnits("What the receiver has claimed."),
  refunded: inBaseUnits("What went back to the payer by the receiver's doing.", "0"),
  withdrawn: inBaseUnits("What the payer took back.", "0"),
  pendingWithdrawal: seldom("A withdrawal that was announced; null without one."),
  "pendingWithdrawal.amount": inBaseUnits("What is to be withdrawn."),
  finalizableAt: times("From when it can be done; null when that is beyond 2^53-1.", -HOUR),
  state: { says: "`open`, `withdrawing` when that was announced, or `closed`.", sample: "open" },
  createdAt: times("When it was created.", 48 * HOUR),
  updatedAt: times("Its newest event.", 60),
  firstSeenAt: times("The first.", 480 * HOUR),
  lastSeenAt: times("The newest.", 60),
  firstRegisteredAt: times("Its first registration of a node.", 480 * HOUR),
  paymentAddresses: { says: "Those that its nodes name now.", sample: PAYEE },
  sharedPaymentAddresses: {
    says: "Those that are not its own: another operator's node named them first, or several name a common payee.",
    sample: PAYEE,
  },
  settlements: { says: "Settlements, by kind." },
  individual: counted("Of one inference each.", 310),
  batch: counted("Merkle roots of many.", 12),
  legacy: counted("Events of earlier contracts.", 0),
  claimedLeaves: counted("Leaves of batches, by the relayers' word.", 1_536),
  verdicts: { says: "By verdict." },
  "verdicts.pending": counted("Not checked yet.", 2),
  "verdicts.verified": counted("Every signature is valid.", 318),
  "verdicts.partial": counted("Some leaves count, some do not.", 1),
  "verdicts.invalid": counted("What they hold proves nothing.", 0),
  "verdicts.unavailable": counted("The blob cannot be had.", 1),
  "verdicts.unverifiable": counted("There is nothing to check.", 0),
  settlementLatency: { says: "Block time minus signed time." },
  p50Seconds: { says: "Median; null without samples.", sample: 14 },
  p95Seconds: { says: "95th percentile; null without samples.", sample: 38 },
  samples: counted("What these are of.", 310),
  onchainInferences: counted("Inferences that ran on chain.", 85),
  operators: counted("Operators.", 9),
  "Network.nodes": { says: "Nodes by status." },
  "Operator.nodes": { says: "Its nodes by status." },
  "nodes.total": counted("All of them.", 12),
  "nodes.active": counted("Active.", 9),
  "nodes.stale": counted("Without a heartbeat in time.", 1),
  "nodes.disabled": counted("Disabled.", 1),
  "nodes.revoked": counted("Disabled with their PCR.", 0),
  "nodes.removed": counted("Removed.", 1),
  "Network.payments": counted("x402 payments; null while Base cannot be answered from.", 1_204),

  // Streams
  events: { says: "Types of events, comma-separated.", sample: "settlement,payment" },
  "Last-Event-ID": {
    says: "The id of the event that was received last: what came after it is told first.",
    sample: "eyJ2IjoyfQ",
  },
  settlement: { says: "A settlement that came, or whose verdict changed." },
  payment: { says: "A payment that came." },
  reset: { says: "What was told before does not all hold any more." },
  chain: { says: "Which chain.", sample: "og" },
  number: { says: "The block's number.", sample: 4_810_226 },
  "StreamBlock.hash": hash("The block's hash.", bytes(32, "b10c")),
  "StreamReset.detail": { says: "What happened.", sample: "the chain was reorganised after block 4810220" },
  validThrough: { says: "Until which block." },
  continuesAfter: { says: "After which block." },

  // Problems
  type: { says: "URI that explains the code." },
  title: { says: "The code in words." },
  code: { says: "Stable; one per cause." },
  detail: { says: "What is wrong here, and what to do." },
  instance: { says: "The path that was asked." },
  requestId: { says: "Under which the log has it." },

  // Filters
  "NodeFilter.teeType": { says: "Id of the TEE type, 0 to 255.", sample: 0 },
  "NodeFilter.status": { says: "What the node is at the moment asked about.", sample: "active" },
  "SettlementFilter.inferenceId": hash(
    "Individual settlements of this inference, and batches with a leaf of it.",
    INFERENCE,
  ),
  "InferenceFilter.payer": { says: "A settlement of it claims this payer.", sample: PAYER },
  "InferenceFilter.signatureValid": { says: "Only those whose signature is valid, or invalid." },
  "InferenceFilter.counted": { says: "Only those that count, or that do not." },
  "PcrFilter.teeType": { says: "Id of the TEE type, 0 to 255.", sample: 0 },
  "PcrFilter.approved": { says: "Whether it is approved at the moment asked about." },
};

const wordOf = (name: string, owner: string): Word | undefined => WORDS[`${owner}.${name}`] ?? WORDS[name];

/**
 * What a field or filter means.
 * @param field - `Owner.name`, as in `SettlementFilter.relayer`.
 * @throws {Error} when nothing is known of that name.
 */
export function describe(field: string): string {
  const [owner = "", name = ""] = field.split(".");
  const says = meaningOf(name, owner);
  if (says === undefined) throw new Error(`${field}: api/fields.ts does not say what it means`);
  return says;
}

/** The same where a field may do without. */
export const meaningOf = (name: string, owner: string): string | undefined => wordOf(name, owner)?.says;

export const sampleOf = (name: string, owner: string): Word["sample"] => wordOf(name, owner)?.sample;

/** Every word, for the test that each is used. */
export const VOCABULARY: readonly string[] = Object.keys(WORDS);
