/** Queries for the commonest questions, shown as tabs in GraphiQL and run by a test. */
export interface Example {
  readonly query: string;
  /** To be filled in: ids of nothing. */
  readonly variables: Readonly<Record<string, unknown>>;
}

const NO_HASH = `0x${"0".repeat(64)}`;
const NO_ADDRESS = `0x${"0".repeat(40)}`;

export const EXAMPLES: readonly Example[] = [
  {
    query: `# Which node do I send my next inference to, and to which when it fails?
query Select($teeType: Int! = 0, $minScore: Float) {
  selectNodes(teeType: $teeType, minScore: $minScore, pcr: LATEST, count: 3) {
    validUntil
    nodes {
      rank
      probability
      node {
        teeId
        endpoint
        tlsCertificate
        paymentAddress
        score { value low high factors { name value observed } }
      }
    }
    excluded { reason count }
  }
}`,
    variables: { teeType: 0, minScore: null },
  },
  {
    query: `# The best nodes now. Why are the others out?
query Leaderboard($teeType: Int = 0) {
  nodes(filter: { teeType: $teeType }, sort: SCORE, first: 10) {
    totalCount
    nodes {
      teeId
      status
      owner
      pcr { hash version }
      score { value nEff gates { reason detail } }
      metrics(window: LAST_24H) { uptime inferences }
    }
  }
  scoring { version }
}`,
    variables: { teeType: 0 },
  },
  {
    query: `# Everything to connect to one node and to check what it signs.
query OneNode($teeId: Hex!) {
  teeNode(teeId: $teeId) {
    status
    endpoint
    tlsCertificate
    publicKey
    paymentAddress
    pcr { hash version approved approvedAt }
    ohttpConfig { keyId publicKey keyConfig }
    day: metrics(window: LAST_24H) { uptime heartbeats inferences settlements }
    month: metrics(window: LAST_30D) { uptime heartbeats inferences settlements }
    operator { address nodeCounts { total active } }
  }
}`,
    variables: { teeId: NO_HASH },
  },
  {
    query: `# Was this node in good standing then? What ran on it?
query NodeAtMoment($teeId: Hex!, $at: Timestamp!) {
  teeNode(teeId: $teeId, at: $at) {
    status
    enabled
    lastHeartbeatAt
    lastSignedAt
    pcr { hash version approved }
    settlements(first: 3) { nodes { eventId settledAt verdict } }
  }
  asOf { og { blockNumber blockTime } }
}`,
    variables: { teeId: NO_HASH, at: 1_780_000_000 },
  },
  {
    query: `# When was this node up, and what became of it?
query Outages($teeId: Hex!, $from: Timestamp) {
  teeNode(teeId: $teeId) {
    active: intervals(filter: { notion: ACTIVE, from: $from }, first: 50) {
      nodes { fromAt untilAt endCause }
    }
    proved: intervals(filter: { notion: PROVED, from: $from }, first: 50) {
      nodes { fromAt untilAt }
    }
    events(first: 20) { nodes { kind timestamp cause txHash } }
  }
}`,
    variables: { teeId: NO_HASH, from: null },
  },
  {
    query: `# Was my inference recorded? By which enclave, and how can I prove it?
query MyInference($inputHash: Hex!) {
  inferences(filter: { inputHash: $inputHash }, first: 5) {
    nodes {
      inferenceId
      signedAt
      signatureValid
      model
      nodeAtSigning { status pcrHash pcrVersion pcrApproved }
      places { eventId leafIndex }
      receipt
    }
  }
}`,
    variables: { inputHash: NO_HASH },
  },
  {
    query: `# The newest settlements of a relayer and what checking them showed, page by page.
query Settlements($relayer: Address, $after: String) {
  settlements(filter: { relayer: $relayer }, first: 50, after: $after) {
    totalCountAtLeast
    nodes { eventId kind settledAt verdict reason leafCount validLeaves node { endpoint owner } }
    pageInfo { endCursor hasNextPage }
  }
}`,
    variables: { relayer: null, after: null },
  },
  {
    query: `# What is inside of a batch, and whose signature fails?
query Batch($merkleRoot: Hex!) {
  settlements(filter: { merkleRoot: $merkleRoot }, first: 1) {
    nodes {
      verdict
      batchSize
      leafCount
      relayer
      leaves(first: 100) { nodes { leafIndex verdict teeId inferenceId timestamp } }
    }
  }
}`,
    variables: { merkleRoot: NO_HASH },
  },
  {
    query: `# What did this address pay, to whom, and which nodes are behind the payees?
query Payments($payer: Address!) {
  payer(address: $payer) {
    payments(first: 10) {
      totalCountAtLeast
      nodes {
        paidAt
        scheme
        token
        amount
        payee
        payeeNodes(first: 5) { nodes { teeId status endpoint } }
      }
    }
    channels(first: 10) { nodes { channelId state balance claimed } }
  }
}`,
    variables: { payer: NO_ADDRESS },
  },
  {
    query: `# Who runs the network, and for how many real payers?
query Operators {
  operators(first: 10) {
    nodes {
      address
      nodeCounts { total active }
      revenue { token raw organic payers effectivePayers }
      nodes(first: 5, sort: UPTIME) {
        nodes { teeId status metrics(window: LAST_7D) { uptime } }
      }
    }
  }
}`,
    variables: {},
  },
  {
    query: `# Which code is approved, and which nodes run it?
query ApprovedCode {
  pcrs(filter: { approved: true }, first: 10) {
    nodes {
      hash
      version
      approvedAt
      teeType { typeId name }
      nodes(first: 10) { totalCount nodes { teeId status } }
    }
  }
}`,
    variables: {},
  },
  {
    query: `# The network in numbers, and how fresh they are.
query Network {
  network {
    nodeCounts { total active }
    operators
    settlements { individual batch claimedLeaves }
    inferences
    payments
    payers
    volume { token raw organic }
  }
  models(first: 5, sort: INFERENCES) { nodes { name inferenceCount nodeCount } }
  status { chains { chain blockNumber lagSeconds ready } }
}`,
    variables: {},
  },
];

/** A subscription: it answers until it is stopped. */
export const LIVE_EXAMPLE: Example = {
  query: `# What happens right now? (Runs until you stop it.)
subscription Live($filter: StreamFilter) {
  events(filter: $filter) {
    __typename
    cursor
    ... on NodeChanged { teeId status score node { endpoint operator { address } } }
    ... on SettlementChanged { settlement { kind verdict reason relayer teeId } }
    ... on PaymentAdded { payment { payer payee token amount organic } }
    ... on BlockIndexed { chain number timestamp }
    ... on StreamReset { chain reason detail }
  }
}`,
  variables: { filter: { types: ["NODE", "SETTLEMENT", "PAYMENT"] } },
};
