/** What the documents say before and between the routes. */
import { COST_RULES } from "../http/requestCost.ts";

export const INTRODUCTION = `
Everything that happens on the two chains of [OpenGradient](https://opengradient.ai), the network for verifiable AI inference:
its nodes and how reliable they are, the inferences they signed with the proofs of them, and what was paid. Each answer can be
checked against the chains; an inference's receipt proves it without this index. [The guide](/docs/api.md) answers the commonest
questions of SDKs, dashboards and everybody else with programs in curl, GraphQL, TypeScript and Python.

**States.** An answer is made from one state of both chains and says which: \`OG-Block\`, \`OG-Block-Time\`, \`OG-Lag-Seconds\`
and, where something is Base's, the three \`Base-\` ones; \`Proofs-Revision\` counts the verifier's findings. "Now" is the newest
indexed OpenGradient block, never a clock. \`maxLag=60\` refuses older answers with 503 \`stale\`. \`at\` asks about a past second.

**Caching.** \`ETag\` and \`If-None-Match\` are cheap for both sides: the tag is known before the question is asked of the
database. \`Cache-Control\` lasts until the next block is due.

**Lists** are the newest first unless sorted: \`{ "items": […], "pageInfo": { "endCursor", "hasNextPage" } }\`. \`after=\` takes
\`endCursor\` to the next page; pages belong to the first one's state, so nothing is missed or repeated while rows come in.
\`limit\` is a page's size. \`format=csv\` and \`format=ndjson\` are the same rows as tables; \`all=true\` walks every page, streamed.

**Values.** Hex is lower-case with \`0x\`; times are unix seconds and end in \`At\`; amounts are decimal strings in base units of the
token beside them, whose decimals \`include=token\` tells; unknown is \`null\`, never zero. Every field is always there.

**Organic** volume leaves out what operators and others with a part in the network pay, and counts a payer for at most one whole
token per operator and day. It stands beside the raw one.

**Problems** are RFC 9457 documents with a stable \`code\`; [/docs/errors](/docs/errors) explains each. Unknown parameters are refused.

**Limits.** Rate limits apply per client and are reported in \`RateLimit-Limit\`, \`-Remaining\`, \`-Reset\` and \`-Policy\`.
${COST_RULES} Responses without these headers are not limited.
`.trim();

export const TAG_DESCRIPTIONS: Readonly<Record<string, string>> = {
  Selection: "Which node to use next, and what its score is made of.",
  Nodes: "Who serves inferences: records, liveness, history, and numbers about them.",
  Inferences: "What was inferred, whether it is proven, and its receipt.",
  Settlements: "What was settled on chain, one by one or in batches, and what was found when it was checked.",
  Payments: "x402 payments and the channels that some are made from.",
  Accounts: "Operators, payers and relayers, each with what it did.",
  Registry: "Approved code and types of node.",
  Network: "Everything together.",
  Streams: "What happens, while it happens.",
  Index: "How far the index is.",
  GraphQL: "The same by GraphQL.",
  Documents: "This document and its reader.",
};
