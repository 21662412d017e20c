/**
 * Handlers that only insert the rows of each event and of its block, without any state that a later event needs: the baseline
 * for the indexer. They listen to the same registry and relay events, including rare and legacy ones, because Ponder reads every
 * column of every block and transaction until it has seen each event a hundred times; fewer events would mean less work.
 */
import { type Context, ponder } from "ponder:registry";
import { block, heartbeat, registryEvent, settlement } from "ponder:schema";
import type { Hex } from "viem";

let newestBlock: Hex | undefined;

async function insertBlock(context: Context, { number, hash, timestamp }: BlockOf): Promise<void> {
  if (hash === newestBlock) return;
  newestBlock = hash;
  await context.db
    .insert(block)
    .values({ chainId: context.chain.id, number: Number(number), hash, timestamp: Number(timestamp) })
    .onConflictDoNothing();
}

interface BlockOf {
  readonly number: bigint;
  readonly hash: Hex;
  readonly timestamp: bigint;
}

ponder.on("TEERegistry:HeartbeatReceived", async ({ event, context }) => {
  await insertBlock(context, event.block);
  const receivedAt = Number(event.block.timestamp);
  await context.db.insert(heartbeat).values({
    chainId: context.chain.id,
    blockNumber: Number(event.block.number),
    logIndex: event.log.logIndex,
    registry: event.log.address,
    teeId: event.args.teeId,
    receivedAt,
    signedAt: Number(event.args.timestamp),
    latestSignedAt: Number(event.args.timestamp),
    repeated: false,
    heartbeatsSoFar: 0,
    repeatedSoFar: 0,
    latenessSecondsSoFar: 0,
    relayer: event.transaction.from,
    txHash: event.transaction.hash,
  });
});

for (const [name, kind] of [
  ["TEERegistry:TEERegistered", "registered"],
  ["TEERegistry:TEEEnabled", "enabled"],
  ["TEERegistry:TEEDisabled", "disabled"],
  ["TEERegistry:TEEActivated", "enabled"],
  ["TEERegistry:TEEDeactivated", "disabled"],
  ["TEERegistry:TEERemoved", "removed"],
] as const)
  ponder.on(name, async ({ event, context }) => {
    await insertBlock(context, event.block);
    await context.db.insert(registryEvent).values({
      chainId: context.chain.id,
      blockNumber: Number(event.block.number),
      logIndex: event.log.logIndex,
      registry: event.log.address,
      kind,
      timestamp: Number(event.block.timestamp),
      txHash: event.transaction.hash,
      sender: event.transaction.from,
      signature: name,
      teeId: event.args.teeId,
    });
  });

ponder.on("InferenceSettlementRelay:IndividualSettlement", async ({ event, context }) => {
  await insertBlock(context, event.block);
  await context.db.insert(settlement).values({
    chainId: context.chain.id,
    blockNumber: Number(event.block.number),
    logIndex: event.log.logIndex,
    relay: event.log.address,
    kind: "individual",
    eventSignature: "IndividualSettlement",
    txHash: event.transaction.hash,
    settledAt: Number(event.block.timestamp),
    relayer: event.transaction.from,
    teeId: event.args.teeId,
    claimedPayer: event.args.ethAddress,
    inputHash: event.args.inputHash,
    outputHash: event.args.outputHash,
    signedAt: event.args.timestamp,
    signature: event.args.signature,
    blobIdHex: event.args.walrusBlobId,
  });
});

ponder.on(
  "InferenceSettlementRelay:BatchSettlement(bytes32 indexed merkleRoot, uint256 batchSize, bytes walrusBlobId)",
  async ({ event, context }) => {
    await insertBlock(context, event.block);
    await context.db.insert(settlement).values({
      chainId: context.chain.id,
      blockNumber: Number(event.block.number),
      logIndex: event.log.logIndex,
      relay: event.log.address,
      kind: "batch",
      eventSignature: "BatchSettlement",
      txHash: event.transaction.hash,
      settledAt: Number(event.block.timestamp),
      relayer: event.transaction.from,
      merkleRoot: event.args.merkleRoot,
      batchSize: event.args.batchSize,
      blobIdHex: event.args.walrusBlobId,
    });
  },
);

for (const [name, kind] of [
  ["TEERegistry:PCRApproved(bytes32 indexed pcrHash, uint8 indexed teeType, string version)", "pcr-approved"],
  ["TEERegistry:PCRApproved(bytes32 indexed pcrHash, string version)", "pcr-approved"],
  ["TEERegistry:PCRRevoked(bytes32 indexed pcrHash, uint8 indexed teeType)", "pcr-revoked"],
  ["TEERegistry:PCRRevoked(bytes32 indexed pcrHash)", "pcr-revoked"],
  ["TEERegistry:PCRRevoked(bytes32 indexed pcrHash, uint256 gracePeriod)", "pcr-revoked"],
  ["TEERegistry:TEETypeAdded", "type-added"],
  ["TEERegistry:TEETypeDeactivated", "type-deactivated"],
  ["TEERegistry:RoleGranted", "role-granted"],
  ["TEERegistry:RoleRevoked", "role-revoked"],
  ["TEERegistry:RoleAdminChanged", "role-admin-changed"],
  ["TEERegistry:AWSCertificateUpdated", "certificate-updated"],
] as const)
  ponder.on(name, async ({ event, context }) => {
    await insertBlock(context, event.block);
    await context.db.insert(registryEvent).values({
      chainId: context.chain.id,
      blockNumber: Number(event.block.number),
      logIndex: event.log.logIndex,
      registry: event.log.address,
      kind,
      timestamp: Number(event.block.timestamp),
      txHash: event.transaction.hash,
      sender: event.transaction.from,
      signature: name,
    });
  });
