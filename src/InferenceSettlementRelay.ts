/** Settlements of all generations. What a relayer claims is stored as claimed; the verifier judges it. */
import type { Context } from "ponder:registry";
import { settlement } from "ponder:schema";
import { decodeAbiParameters, type Hex } from "viem";
import { lowerHex } from "../abis/lowerHex.ts";
import {
  addNetworkCounts,
  countAnomaly,
  type LogEvent,
  type NetworkCounts,
  positionOf,
  recordBlock,
  timeOf,
} from "./counters.ts";
import { blobIdOf } from "./decode/blobId.ts";
import { MAX_CLAIMED_LEAVES } from "./decode/claimedLeaves.ts";
import { clampToSafe } from "./decode/number.ts";
import { displayText } from "./decode/text.ts";
import { DAY_SECONDS } from "./decode/timeBuckets.ts";
import { updateLiveness } from "./nodeState.ts";
import { og } from "./registry.ts";

const MODEL_INFO_LENGTH = 1024;

type RelayLogEvent = LogEvent & { readonly log: { readonly address: Hex; readonly data: Hex } };
type SettlementRow = typeof settlement.$inferInsert;
type Claims = Omit<
  SettlementRow,
  "chainId" | "blockNumber" | "logIndex" | "relay" | "txHash" | "settledAt" | "relayer"
>;

async function recordSettlement(
  context: Context,
  event: RelayLogEvent,
  claims: Claims,
  counts: Partial<NetworkCounts>,
): Promise<void> {
  await recordBlock(context, event);
  if (typeof claims.blobIdHex === "string" && claims.blobId === null)
    await countAnomaly(context, event, "malformed-blob-id");
  await context.db.insert(settlement).values({
    ...positionOf(context, event),
    relay: lowerHex(event.log.address),
    txHash: event.transaction.hash,
    settledAt: timeOf(event),
    relayer: event.transaction.from,
    ...claims,
  });
  await addNetworkCounts(context, timeOf(event), counts);
}

/**
 * Adds a settlement to its node's totals in the current registry, which settlements belong to, and hands them out.
 * A relayer can name any node.
 */
async function countForNode(context: Context, teeId: Hex, latencySeconds: number) {
  const configured = [context.contracts.TEERegistry.address].flat()[0];
  if (configured === undefined) return UNCOUNTED;
  const registry = lowerHex(configured);
  let totals = UNCOUNTED;
  await updateLiveness(context, { chainId: context.chain.id, registry, teeId }, (row) => {
    const settlements = row.settlements + 1;
    const settlementLatencySeconds =
      row.settlementLatencySeconds + Math.min(Math.max(latencySeconds, 0), DAY_SECONDS);
    totals = { settlementsSoFar: settlements, latencySecondsSoFar: settlementLatencySeconds };
    return { settlements, settlementLatencySeconds };
  });
  return totals;
}

const UNCOUNTED: { settlementsSoFar: number | null; latencySecondsSoFar: number | null } = {
  settlementsSoFar: null,
  latencySecondsSoFar: null,
};

const blobColumns = (bytes: Hex) => ({ blobId: blobIdOf(bytes), blobIdHex: bytes });

og("InferenceSettlementRelay:IndividualSettlement", async ({ event, context }) => {
  const { teeId, ethAddress, inputHash, outputHash, timestamp, walrusBlobId, signature } = event.args;
  const totals = await countForNode(context, teeId, timeOf(event) - clampToSafe(timestamp));
  await recordSettlement(
    context,
    event,
    {
      kind: "individual",
      eventSignature: "IndividualSettlement(bytes32,address,bytes32,bytes32,uint256,bytes,bytes)",
      teeId,
      claimedPayer: ethAddress,
      inputHash,
      outputHash,
      signedAt: timestamp,
      signature,
      ...blobColumns(walrusBlobId),
      ...totals,
    },
    { individualSettlements: 1 },
  );
});

const batchCounts = (batchSize: bigint) => ({
  batchSettlements: 1,
  claimedLeaves: Math.min(clampToSafe(batchSize), MAX_CLAIMED_LEAVES),
});

og(
  "InferenceSettlementRelay:BatchSettlement(bytes32 indexed merkleRoot, uint256 batchSize, bytes walrusBlobId)",
  async ({ event, context }) => {
    const { merkleRoot, batchSize, walrusBlobId } = event.args;
    await recordSettlement(
      context,
      event,
      {
        kind: "batch",
        eventSignature: "BatchSettlement(bytes32,uint256,bytes)",
        merkleRoot,
        batchSize,
        ...blobColumns(walrusBlobId),
      },
      batchCounts(batchSize),
    );
  },
);

// ---------------------------------------------------------------- legacy

og(
  "InferenceSettlementRelay:BatchSettlement(bytes32 indexed merkleRoot, uint256 batchSize)",
  async ({ event, context }) => {
    const { merkleRoot, batchSize } = event.args;
    await recordSettlement(
      context,
      event,
      { kind: "legacy", eventSignature: "BatchSettlement(bytes32,uint256)", merkleRoot, batchSize },
      { legacySettlements: 1 },
    );
  },
);

og("InferenceSettlementRelay:Settlement", async ({ event, context }) => {
  const { inputHash, outputHash } = event.args;
  await recordSettlement(
    context,
    event,
    { kind: "legacy", eventSignature: "Settlement(bytes32,bytes32)", inputHash, outputHash },
    { legacySettlements: 1 },
  );
});

og("InferenceSettlementRelay:SettlementWithMetadata", async ({ event, context }) => {
  const { inputHash, outputHash, inputData, outputData } = event.args;
  // Decoded as bytes: anyone could call the early relays, and need not have sent valid UTF-8.
  const [modelInfoBytes] = decodeAbiParameters(
    [{ type: "bytes" }, { type: "bytes" }, { type: "bytes" }],
    event.log.data,
  );
  const { text, altered } = displayText(modelInfoBytes, MODEL_INFO_LENGTH);
  if (altered) await countAnomaly(context, event, "text-sanitised");
  await recordSettlement(
    context,
    event,
    {
      kind: "legacy",
      eventSignature: "SettlementWithMetadata(bytes32,bytes32,string,bytes,bytes)",
      inputHash,
      outputHash,
      modelInfo: text,
      modelInfoHex: modelInfoBytes,
      inputData,
      outputData,
    },
    { legacySettlements: 1 },
  );
});
