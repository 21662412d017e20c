/** The registry's nodes: registration, status changes, heartbeats. */
import type { Context } from "ponder:registry";
import {
  heartbeat,
  node,
  nodeBucket,
  nodeLiveness,
  pcr,
  provedGap,
  registryMember,
  registryState,
} from "ponder:schema";
import type { Hex } from "viem";
import {
  addNetworkCounts,
  BUCKET_SECONDS,
  bucketStart,
  countAnomaly,
  type LogEvent,
  positionOf,
  recordBlock,
  timeOf,
} from "./counters.ts";
import { clampToSafe } from "./decode/number.ts";
import { activate, activeUntil, deactivate } from "./liveness/active.ts";
import { isOutage, rememberSigned, splitGap } from "./liveness/proved.ts";
import { syncMaxAge } from "./maxAge.ts";
import { readRecord } from "./nodeRecord.ts";
import { type Liveness, writeTransition } from "./nodeState.ts";
import { approvedUntil, LEGACY_ANY_TYPE } from "./pcrApproval.ts";
import { og } from "./registry.ts";
import { causeOf, recordRegistryEvent, registryOf } from "./registryEvents.ts";

type RegistryLogEvent = LogEvent & { readonly log: { readonly address: Hex; readonly logIndex: number } };

const nodeKey = (context: Context, event: RegistryLogEvent, teeId: Hex) => ({
  chainId: context.chain.id,
  registry: registryOf(event),
  teeId,
});

const statusPosition = (event: RegistryLogEvent) => ({
  statusBlock: Number(event.block.number),
  statusLogIndex: event.log.logIndex,
  statusTxHash: event.transaction.hash,
});

og("TEERegistry:TEERegistered", async ({ event, context }) => {
  const { teeId, owner, teeType } = event.args;
  const key = nodeKey(context, event, teeId);
  const state = await syncMaxAge(context, event, key.registry);
  const registeredAt = timeOf(event);
  const record = await readRecord(context, event, key.registry, teeId);
  if (record.recordSource === null) await countAnomaly(context, event, "record-unreadable");
  else if (record.publicKey === null) await countAnomaly(context, event, "public-key-mismatch");

  const registration = {
    owner: owner.toLowerCase() as Hex,
    teeType,
    registeredAt,
    registeredBlock: Number(event.block.number),
    registeredLogIndex: event.log.logIndex,
    registeredTxHash: event.transaction.hash,
    ...record,
    removedAt: null,
  };
  // A key registers once, but a removed one (legacy) may come back.
  const known = await context.db.find(nodeLiveness, key);
  await context.db
    .insert(node)
    .values({ ...key, ...registration })
    .onConflictDoUpdate(registration);
  const pcrApprovedUntil =
    record.pcrHash == null ? null : await pcrEnd(context, key.registry, teeType, record.pcrHash as Hex);
  const fresh = {
    enabled: true,
    removed: false,
    lastHeartbeatAt: registeredAt,
    lastSignedAt: registeredAt,
    lastSignedMaxAgeSeconds: state.maxAgeSeconds,
    recentSignedAt: [registeredAt],
    pcrApprovedUntil,
    ...statusPosition(event),
  };
  if (known === null) {
    await context.db
      .insert(registryMember)
      .values({ chainId: key.chainId, registry: key.registry, position: state.memberCount, teeId });
    await context.db
      .update(registryState, { chainId: key.chainId, registry: key.registry })
      .set({ memberCount: state.memberCount + 1 });
    await context.db.insert(nodeLiveness).values({
      ...key,
      ...fresh,
      activeFrom: null,
      activeUntil: null,
      closedIntervals: 0,
      provedGaps: 0,
      heartbeats: 0,
      distinctHeartbeats: 0,
    });
  }
  const liveness = known ?? (await requireLiveness(context, key));
  const until = activeUntil(registeredAt, state.maxAgeSeconds, pcrApprovedUntil);
  await writeTransition(
    context,
    liveness,
    (open) => activate(open, registeredAt, until),
    registeredAt,
    fresh,
  );
  await recordRegistryEvent(context, event, "registered", "TEERegistered(bytes32,address,uint8)", {
    teeId,
    teeType,
    account: registration.owner,
    pcrHash: record.pcrHash,
  });
  await addNetworkCounts(context, registeredAt, { registrations: 1 });
});

async function requireLiveness(context: Context, key: { chainId: number; registry: Hex; teeId: Hex }) {
  const liveness = await context.db.find(nodeLiveness, key);
  if (liveness === null) throw new Error(`node_liveness: ${key.teeId} of ${key.registry} is missing`);
  return liveness;
}

async function pcrEnd(
  context: Context,
  registry: Hex,
  teeType: number,
  pcrHash: Hex,
): Promise<number | null> {
  const key = { chainId: context.chain.id, registry, pcrHash };
  const typed = await context.db.find(pcr, { ...key, teeType });
  const untyped = await context.db.find(pcr, { ...key, teeType: LEGACY_ANY_TYPE });
  return approvedUntil([typed, untyped]);
}

// ---------------------------------------------------------------- status

async function enabled({
  event,
  context,
  signature,
}: {
  event: StatusEvent;
  context: Context;
  signature: string;
}) {
  const key = nodeKey(context, event, event.args.teeId);
  const state = await syncMaxAge(context, event, key.registry);
  const at = timeOf(event);
  const liveness = await context.db.find(nodeLiveness, key);
  const record = await context.db.find(node, key);
  if (liveness === null || record === null) return unknownNode(context, event);
  // Enabling does not refresh the heartbeat: a node that was silent for too long stays stale.
  const until = activeUntil(liveness.lastHeartbeatAt, state.maxAgeSeconds, liveness.pcrApprovedUntil);
  await writeTransition(context, liveness, (open) => activate(open, at, until), at, {
    enabled: true,
    ...statusPosition(event),
  });
  const cause = await causeOf(context, event, key.registry, record.owner);
  await recordRegistryEvent(context, event, "enabled", signature, { teeId: key.teeId, cause });
}

async function disabled({
  event,
  context,
  signature,
}: {
  event: StatusEvent;
  context: Context;
  signature: string;
}) {
  const key = nodeKey(context, event, event.args.teeId);
  await syncMaxAge(context, event, key.registry);
  const at = timeOf(event);
  const liveness = await context.db.find(nodeLiveness, key);
  const record = await context.db.find(node, key);
  if (liveness === null || record === null) return unknownNode(context, event);
  await writeTransition(context, liveness, (open) => deactivate(open, at, "disabled"), at, {
    enabled: false,
    ...statusPosition(event),
  });
  // A PCR revocation in the same transaction follows its nodes' events and claims them (Pcr.ts).
  const cause = await causeOf(context, event, key.registry, record.owner);
  await recordRegistryEvent(context, event, "disabled", signature, { teeId: key.teeId, cause });
}

type StatusEvent = RegistryLogEvent & { readonly args: { readonly teeId: Hex } };

/** An event of a node whose registration lies before the configured start block. */
async function unknownNode(context: Context, event: RegistryLogEvent): Promise<void> {
  await recordBlock(context, event);
  await countAnomaly(context, event, "event-of-unknown-node");
}

og("TEERegistry:TEEEnabled", ({ event, context }) =>
  enabled({ event, context, signature: "TEEEnabled(bytes32)" }),
);
og("TEERegistry:TEEActivated", ({ event, context }) =>
  enabled({ event, context, signature: "TEEActivated(bytes32)" }),
);
og("TEERegistry:TEEDisabled", ({ event, context }) =>
  disabled({ event, context, signature: "TEEDisabled(bytes32)" }),
);
og("TEERegistry:TEEDeactivated", ({ event, context }) =>
  disabled({ event, context, signature: "TEEDeactivated(bytes32)" }),
);

og("TEERegistry:TEERemoved", async ({ event, context }) => {
  const key = nodeKey(context, event, event.args.teeId);
  await syncMaxAge(context, event, key.registry);
  const at = timeOf(event);
  const liveness = await context.db.find(nodeLiveness, key);
  if (liveness === null) return unknownNode(context, event);
  await writeTransition(context, liveness, (open) => deactivate(open, at, "removed"), at, {
    enabled: false,
    removed: true,
    ...statusPosition(event),
  });
  await context.db.update(node, key).set({ removedAt: at });
  await recordRegistryEvent(context, event, "removed", "TEERemoved(bytes32)", { teeId: key.teeId });
});

// ---------------------------------------------------------------- heartbeats

og("TEERegistry:HeartbeatReceived", async ({ event, context }) => {
  const key = nodeKey(context, event, event.args.teeId);
  const state = await syncMaxAge(context, event, key.registry);
  const liveness = await context.db.find(nodeLiveness, key);
  if (liveness === null) return unknownNode(context, event);
  const receivedAt = timeOf(event);
  // The contract refuses a signed time after its block's; an earlier registry may not have.
  const signedAt = Math.min(clampToSafe(event.args.timestamp), receivedAt);
  const repeated = liveness.recentSignedAt.includes(signedAt);
  const latestSignedAt = Math.max(liveness.lastSignedAt, signedAt);

  const provedGaps = repeated
    ? liveness.provedGaps
    : await recordSignedSecond(context, liveness, signedAt, receivedAt, state.maxAgeSeconds);
  const until = activeUntil(receivedAt, state.maxAgeSeconds, liveness.pcrApprovedUntil);
  await writeTransition(
    context,
    liveness,
    // Some legacy registries accepted heartbeats of disabled nodes; the rule needs both.
    (open) => (liveness.enabled ? activate(open, receivedAt, until) : { open, ended: null }),
    receivedAt,
    {
      lastHeartbeatAt: receivedAt,
      lastSignedAt: latestSignedAt,
      lastSignedMaxAgeSeconds:
        signedAt > liveness.lastSignedAt ? state.maxAgeSeconds : liveness.lastSignedMaxAgeSeconds,
      provedGaps,
      recentSignedAt: rememberSigned(liveness.recentSignedAt, signedAt, receivedAt, state.maxAgeSeconds),
      heartbeats: liveness.heartbeats + 1,
      distinctHeartbeats: liveness.distinctHeartbeats + (repeated ? 0 : 1),
    },
  );

  await recordBlock(context, event);
  await context.db.insert(heartbeat).values({
    ...positionOf(context, event),
    registry: key.registry,
    teeId: key.teeId,
    receivedAt,
    signedAt,
    latestSignedAt,
    repeated,
    relayer: event.transaction.from,
    txHash: event.transaction.hash,
  });
  const lateness = receivedAt - signedAt;
  for (const intervalSeconds of BUCKET_SECONDS)
    await context.db
      .insert(nodeBucket)
      .values({
        ...key,
        intervalSeconds,
        startAt: bucketStart(receivedAt, intervalSeconds),
        heartbeats: 1,
        distinctHeartbeats: repeated ? 0 : 1,
        latenessSeconds: lateness,
        maxLatenessSeconds: lateness,
      })
      .onConflictDoUpdate((row) => ({
        heartbeats: row.heartbeats + 1,
        distinctHeartbeats: row.distinctHeartbeats + (repeated ? 0 : 1),
        latenessSeconds: row.latenessSeconds + lateness,
        maxLatenessSeconds: Math.max(row.maxLatenessSeconds, lateness),
      }));
  await addNetworkCounts(context, receivedAt, { heartbeats: 1 });
});

/** Writes the gap that a new signed second closes, or splits the one it falls into. Returns the number of rows then. */
async function recordSignedSecond(
  context: Context,
  liveness: Liveness,
  signedAt: number,
  receivedAt: number,
  maxAgeSeconds: number,
): Promise<number> {
  const key = { chainId: liveness.chainId, registry: liveness.registry, teeId: liveness.teeId };
  let ordinal = liveness.provedGaps;
  if (signedAt > liveness.lastSignedAt) {
    const gap = {
      lastSignedAt: liveness.lastSignedAt,
      nextSignedAt: signedAt,
      maxAgeSeconds: liveness.lastSignedMaxAgeSeconds,
    };
    if (isOutage(gap))
      await context.db.insert(provedGap).values({ ...key, ordinal: ordinal++, ...gap, knownAt: receivedAt });
    return ordinal;
  }
  // Out of order. A gap that was known before this second was signed ends before it, and so do all earlier ones.
  for (let previous = liveness.provedGaps - 1; previous >= 0; previous--) {
    const gap = await context.db.find(provedGap, { ...key, ordinal: previous });
    if (gap === null || gap.knownAt < signedAt) break;
    if (gap.supersededAt !== null || signedAt <= gap.lastSignedAt || signedAt >= gap.nextSignedAt) continue;
    await context.db.update(provedGap, { ...key, ordinal: previous }).set({ supersededAt: receivedAt });
    const { lastSignedAt, nextSignedAt } = gap;
    for (const part of splitGap(
      { lastSignedAt, nextSignedAt, maxAgeSeconds: gap.maxAgeSeconds },
      signedAt,
      maxAgeSeconds,
    ))
      await context.db.insert(provedGap).values({ ...key, ordinal: ordinal++, ...part, knownAt: receivedAt });
    break;
  }
  return ordinal;
}

// ---------------------------------------------------------------- the clock

// The registries' own silence must not hide a changed heartbeatMaxAge.
og("RegistryClock:block", async ({ event, context }) => {
  const configured = context.contracts.TEERegistry.address;
  const registries = configured === undefined ? [] : Array.isArray(configured) ? configured : [configured];
  for (const address of registries) {
    const registry = address.toLowerCase() as Hex;
    const begun = await context.db.find(registryState, { chainId: context.chain.id, registry });
    if (begun !== null) await syncMaxAge(context, event, registry);
  }
});
