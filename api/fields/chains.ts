/** Fields of blocks, events, lists and of the state that an answer is made from. */
import { count, HOUR, hash32, SAMPLES, time, type Words } from "./word.ts";

const { block, cursor, now, relayer, settlement, transaction } = SAMPLES;

export const CHAIN_WORDS: Words = {
  // Lists
  items: { says: "In the list's order." },
  pageInfo: { says: "Where the list continues." },
  endCursor: {
    says: "Cursor of the last item, `after` of the next page; null on an empty page.",
    sample: cursor,
  },
  after: { says: "`endCursor` of the page before.", sample: cursor },
  hasNextPage: { says: "Whether the list continues after this page." },
  include: { says: "What to add, comma-separated." },
  sort: { says: "Highest or newest first." },
  from: { says: "Unix seconds, inclusive; not after `to`.", sample: now - 24 * HOUR },
  to: { says: "Unix seconds, exclusive.", sample: now },

  // States
  asOf: { says: "The state that the answer is made from." },
  at: { says: "The state after the last block whose timestamp is not later, unix seconds.", sample: now },
  maxLag: {
    says: "Refuse (503 `stale`) when a chain of the answer lags by more seconds than this.",
    sample: 60,
  },
  proofsRevision: { says: "How often the verifier's findings had changed." },
  probeRound: { says: "The round of probes up to which scores count." },
  observationsRevision: {
    says: "How often reading what no event announces (nodes' records, tokens' contracts) had brought something new.",
    sample: 12,
  },
  version: { says: "Version of this software.", sample: "0.1.0" },
  digest: {
    says: "Digest of the software and its configuration: processes with the same digest answer the same bytes at the same state.",
    sample: "hT3vG1m0Kc9xQpWz",
  },
  scoreVersion: { says: "Version of the score's formula and constants.", sample: "2" },

  // Chains
  chain: { says: "The chain.", sample: "og" },
  chainId: { says: "EIP-155 id of the chain.", sample: 10_740 },
  chains: { says: "By chain." },
  og: { says: "The OpenGradient chain." },
  base: { says: "Base." },
  ready: { says: "Whether answers can be made from it." },
  finalizedBlock: { says: "Newest block that no reorg can take back.", sample: 4_810_196 },
  lagSeconds: { says: "Age of the newest indexed block by this server's clock, seconds.", sample: 2 },

  // Blocks and events
  block: { says: "The newest indexed block." },
  number: { says: "Number of the block.", sample: 4_810_226 },
  "block.hash": hash32("Hash of the block", block, "when it carried no event"),
  "StreamBlock.hash": hash32("Hash of the block", block, "when it carried no event"),
  timestamp: time("Block time"),
  blockNumber: { says: "Number of the block.", sample: 4_810_226 },
  blockTime: time("Block time"),
  blockHash: hash32("Hash of the block", block),
  id: { says: "`chainId-txHash-logIndex`.", sample: settlement },
  txHash: hash32("Hash of the transaction", transaction),
  logIndex: { says: "Index of the log in its block, from 0.", sample: 3 },
  sender: { says: "Sender of the transaction.", sample: relayer },

  // The verifier and the prober
  verifier: { says: "The verifier's backlog." },
  pending: count("Settlements on chain without a verdict", 12, "before the verifier's first run"),
  oldestPendingSeconds: {
    says: "How long the oldest of them has been on chain, seconds; null without any.",
    sample: 41,
  },
  prober: { says: "The prober's backlog." },
  due: count("Nodes whose probe is due", 0),
  lastRoundAt: time("When the newest round of probes ended"),
  lastRoundUsable: { says: "Whether enough operators answered for it to count." },
};
