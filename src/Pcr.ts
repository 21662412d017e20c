/** The registry's PCR records and TEE types, and what a revocation does to the nodes that run the code. */
import type { Context } from "ponder:registry";
import {
  activeInterval,
  type node,
  type nodeLiveness,
  pcr,
  registryEvent,
  teeType as teeTypeTable,
} from "ponder:schema";
import type { Hex } from "viem";
import { countAnomaly, type LogEvent, timeOf } from "./counters.ts";
import { stringBytes } from "./decode/eventString.ts";
import { clampToSafe } from "./decode/number.ts";
import { approvedUntil, LEGACY_ANY_TYPE } from "./decode/pcrApproval.ts";
import { displayText } from "./decode/text.ts";
import { activeUntil, deactivate, reconsider } from "./liveness/active.ts";
import { forEachMember, syncMaxAge } from "./maxAge.ts";
import { writeTransition } from "./nodeState.ts";
import { og } from "./registry.ts";
import { recordRegistryEvent, registryOf } from "./registryEvents.ts";

const LABEL_LENGTH = 256;

type RegistryLogEvent = LogEvent & {
  readonly log: { readonly address: Hex; readonly logIndex: number; readonly data: Hex };
};

interface PcrChange {
  readonly context: Context;
  readonly event: RegistryLogEvent;
  readonly pcrHash: Hex;
  readonly teeType: number;
  readonly signature: string;
}

const changedAt = (event: RegistryLogEvent) => ({
  changedBlock: Number(event.block.number),
  changedLogIndex: event.log.logIndex,
});

async function label(context: Context, event: RegistryLogEvent) {
  const bytes = stringBytes(event.log.data);
  const { text, altered } = displayText(bytes, LABEL_LENGTH);
  if (altered) await countAnomaly(context, event, "text-sanitised");
  return { text, bytes };
}

async function approve({ context, event, pcrHash, teeType, signature }: PcrChange) {
  const registry = registryOf(event);
  const at = timeOf(event);
  const { text, bytes } = await label(context, event);
  const approval = {
    ...{ approved: true, version: text, versionHex: bytes, approvedAt: at, revokedAt: null },
    ...changedAt(event),
  };
  await context.db
    .insert(pcr)
    .values({
      chainId: context.chain.id,
      registry,
      teeType,
      pcrHash,
      ...approval,
      firstApprovedAt: at,
      approvals: 1,
      revocations: 0,
    })
    .onConflictDoUpdate((row) => ({
      ...approval,
      firstApprovedAt: row.firstApprovedAt ?? at,
      approvals: row.approvals + 1,
    }));
  await recordRegistryEvent(context, event, "pcr-approved", signature, {
    pcrHash,
    teeType,
    label: text,
    labelHex: bytes,
  });
  await reconsiderNodes({ context, event, pcrHash, teeType, signature });
}

async function revoke({ context, event, pcrHash, teeType, signature }: PcrChange, gracePeriodSeconds = 0) {
  const registry = registryOf(event);
  const effectiveAt = Math.min(timeOf(event) + gracePeriodSeconds, Number.MAX_SAFE_INTEGER);
  await context.db
    .insert(pcr)
    .values({
      chainId: context.chain.id,
      registry,
      teeType,
      pcrHash,
      approved: false,
      version: "",
      versionHex: "0x",
      firstApprovedAt: null,
      approvedAt: null,
      revokedAt: effectiveAt,
      approvals: 0,
      revocations: 1,
      ...changedAt(event),
    })
    .onConflictDoUpdate((row) => ({
      ...changedAt(event),
      approved: false,
      revokedAt: effectiveAt,
      revocations: row.revocations + 1,
    }));
  await recordRegistryEvent(context, event, "pcr-revoked", signature, { pcrHash, teeType, effectiveAt });
  await reconsiderNodes({ context, event, pcrHash, teeType, signature });
}

/**
 * Carries a PCR's change to its nodes: their activity is cut or allowed again, and those that this very transaction
 * disabled (the registry does it before it announces the revocation) were disabled by the revocation.
 */
async function reconsiderNodes({ context, event, pcrHash, teeType }: PcrChange) {
  const registry = registryOf(event);
  const at = timeOf(event);
  const chainId = context.chain.id;
  const state = await syncMaxAge(context, event, registry);
  await forEachMember(context, state, async (liveness, record) => {
    if (teeType !== LEGACY_ANY_TYPE && record.teeType !== teeType) return;
    const claimed = await claimDisabled(
      context,
      event,
      liveness,
      record,
      record.pcrHash === null || record.pcrHash === pcrHash,
    );
    if (record.pcrHash !== pcrHash) return;
    const records = [
      await context.db.find(pcr, { chainId, registry, teeType: record.teeType, pcrHash }),
      await context.db.find(pcr, { chainId, registry, teeType: LEGACY_ANY_TYPE, pcrHash }),
    ];
    const pcrApprovedUntil = approvedUntil(records);
    if (pcrApprovedUntil === liveness.pcrApprovedUntil && !claimed) return;
    const until = activeUntil(liveness.lastHeartbeatAt, state.maxAgeSeconds, pcrApprovedUntil);
    const eligible = liveness.enabled && !liveness.removed;
    await writeTransition(
      context,
      liveness,
      (open) => {
        if (!eligible) return { open, ended: null };
        // It ended with a grace period: said now, while it is known.
        const lapsed = open !== null && open.until === liveness.pcrApprovedUntil && until <= at;
        return lapsed ? deactivate(open, at, "pcr-revoked") : reconsider(open, at, until, "pcr-revoked");
      },
      at,
      { pcrApprovedUntil },
    );
  });
}

async function claimDisabled(
  context: Context,
  event: RegistryLogEvent,
  liveness: typeof nodeLiveness.$inferSelect,
  record: typeof node.$inferSelect,
  runsThePcr: boolean,
): Promise<boolean> {
  const inThisTransaction = record.statusTxHash === event.transaction.hash;
  if (!runsThePcr || !inThisTransaction || liveness.enabled || liveness.removed) return false;
  const position = {
    chainId: context.chain.id,
    blockNumber: record.statusBlock,
    logIndex: record.statusLogIndex,
  };
  const change = await context.db.find(registryEvent, position);
  if (change?.kind !== "disabled" || change.cause === "pcr-revocation") return false;
  await context.db.update(registryEvent, position).set({ cause: "pcr-revocation" });
  const { chainId, registry, teeId, closedIntervals } = liveness;
  const key = { chainId, registry, teeId, ordinal: closedIntervals - 1 };
  const interval = await context.db.find(activeInterval, key);
  if (interval?.endCause === "disabled" && interval.untilAt === timeOf(event))
    await context.db.update(activeInterval, key).set({ endCause: "pcr-revoked" });
  return true;
}

og(
  "TEERegistry:PCRApproved(bytes32 indexed pcrHash, uint8 indexed teeType, string version)",
  ({ event, context }) =>
    approve({ context, event, ...event.args, signature: "PCRApproved(bytes32,uint8,string)" }),
);
og("TEERegistry:PCRApproved(bytes32 indexed pcrHash, string version)", ({ event, context }) =>
  approve({
    context,
    event,
    ...event.args,
    teeType: LEGACY_ANY_TYPE,
    signature: "PCRApproved(bytes32,string)",
  }),
);
og("TEERegistry:PCRRevoked(bytes32 indexed pcrHash, uint8 indexed teeType)", ({ event, context }) =>
  revoke({ context, event, ...event.args, signature: "PCRRevoked(bytes32,uint8)" }),
);
og("TEERegistry:PCRRevoked(bytes32 indexed pcrHash)", ({ event, context }) =>
  revoke({ context, event, ...event.args, teeType: LEGACY_ANY_TYPE, signature: "PCRRevoked(bytes32)" }),
);
og("TEERegistry:PCRRevoked(bytes32 indexed pcrHash, uint256 gracePeriod)", ({ event, context }) =>
  revoke(
    { context, event, ...event.args, teeType: LEGACY_ANY_TYPE, signature: "PCRRevoked(bytes32,uint256)" },
    clampToSafe(event.args.gracePeriod),
  ),
);

og("TEERegistry:TEETypeAdded", async ({ event, context }) => {
  const registry = registryOf(event);
  await syncMaxAge(context, event, registry);
  const { text, bytes } = await label(context, event);
  const typeId = event.args.typeId;
  const named = { name: text, nameHex: bytes, deactivatedAt: null };
  await context.db
    .insert(teeTypeTable)
    .values({
      chainId: context.chain.id,
      registry,
      typeId,
      ...named,
      addedAt: timeOf(event),
      addedBlock: Number(event.block.number),
    })
    .onConflictDoUpdate(named);
  await recordRegistryEvent(context, event, "type-added", "TEETypeAdded(uint8,string)", {
    teeType: typeId,
    label: text,
    labelHex: bytes,
  });
});

og("TEERegistry:TEETypeDeactivated", async ({ event, context }) => {
  const registry = registryOf(event);
  await syncMaxAge(context, event, registry);
  const key = { chainId: context.chain.id, registry, typeId: event.args.typeId };
  if ((await context.db.find(teeTypeTable, key)) === null)
    await countAnomaly(context, event, "unknown-tee-type");
  else await context.db.update(teeTypeTable, key).set({ deactivatedAt: timeOf(event) });
  await recordRegistryEvent(context, event, "type-deactivated", "TEETypeDeactivated(uint8)", {
    teeType: key.typeId,
  });
});
