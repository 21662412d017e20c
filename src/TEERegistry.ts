/** The registry's nodes: registration, status changes, heartbeats. */
import type { Context } from "ponder:registry";
import { earlierNode, node, nodeLiveness, pcr, registryMember, registryState } from "ponder:schema";
import type { Hex } from "viem";
import { lowerHex } from "../abis/lowerHex.ts";
import { addNetworkCounts, countAnomaly, type LogEvent, recordBlock, timeOf } from "./counters.ts";
import { approvedUntil, LEGACY_ANY_TYPE } from "./decode/pcrApproval.ts";
import { activate, activeUntil, deactivate } from "./liveness/active.ts";
import { EMPTY_JOURNAL } from "./liveness/journal.ts";
import { NO_BEATS } from "./liveness/totals.ts";
import { syncMaxAge } from "./maxAge.ts";
import { readRecord } from "./nodeRecord.ts";
import { writeTransition } from "./nodeState.ts";
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
    owner: lowerHex(owner),
    teeType,
    registeredAt,
    registeredBlock: Number(event.block.number),
    registeredLogIndex: event.log.logIndex,
    registeredTxHash: event.transaction.hash,
    ...record,
    removedAt: null,
    ...statusPosition(event),
  };
  // A key registers once, but a removed one (legacy) may come back.
  const known = await context.db.find(nodeLiveness, key);
  const replaced = known === null ? null : await context.db.find(node, key);
  if (replaced !== null)
    await context.db.insert(earlierNode).values({ ...replaced, replacedBlock: registration.registeredBlock });
  await context.db
    .insert(node)
    .values({ ...key, ...registration })
    .onConflictDoUpdate(registration);
  const pcrApprovedUntil =
    record.pcrHash == null ? null : await pcrEnd(context, key.registry, teeType, record.pcrHash);
  const fresh = {
    enabled: true,
    removed: false,
    lastHeartbeatAt: registeredAt,
    lastSignedAt: registeredAt,
    lastSignedMaxAgeSeconds: state.maxAgeSeconds,
    maxAgeSeconds: state.maxAgeSeconds,
    recentSignedAt: String(registeredAt),
    pcrApprovedUntil,
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
      ...EMPTY_JOURNAL,
      ...NO_BEATS,
      settlements: 0,
      settlementLatencySeconds: 0,
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
  await writeTransition(context, liveness, (open) => activate(open, at, until), at, { enabled: true });
  await context.db.update(node, key).set(statusPosition(event));
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
  });
  await context.db.update(node, key).set(statusPosition(event));
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
  });
  await context.db.update(node, key).set({ removedAt: at, ...statusPosition(event) });
  await recordRegistryEvent(context, event, "removed", "TEERemoved(bytes32)", { teeId: key.teeId });
});

// ---------------------------------------------------------------- the clock

// The registries' own silence must not hide a changed heartbeatMaxAge.
og("RegistryClock:block", async ({ event, context }) => {
  const configured = context.contracts.TEERegistry.address;
  const registries = configured === undefined ? [] : Array.isArray(configured) ? configured : [configured];
  for (const address of registries) {
    const registry = lowerHex(address);
    const begun = await context.db.find(registryState, { chainId: context.chain.id, registry });
    if (begun !== null) await syncMaxAge(context, event, registry);
  }
});
