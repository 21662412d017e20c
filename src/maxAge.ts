/**
 * `heartbeatMaxAge` of each registry, with its history to the block. No event announces a change, so the view is read at
 * registry events and every hundred blocks, and a change is dated by bisection. A heartbeat looks when the last look is five
 * minutes old, after it was applied: what heartbeats did since a change is in their nodes' journals and is applied again.
 */
import type { Context } from "ponder:registry";
import {
  heartbeatMaxAge,
  maxAgeUncertainty,
  node,
  nodeLiveness,
  registryMember,
  registryState,
} from "ponder:schema";
import { type Hex, toFunctionSelector } from "viem";
import { heartbeatMaxAgeAbi } from "../abis/TEERegistry.ts";
import { isStateGone, isUnreadable } from "./chainState.ts";
import { clampToSafe } from "./decode/number.ts";
import { rebuildNode } from "./rebuild.ts";

/** The contract's default, assumed until the view could be read. */
const DEFAULT_MAX_AGE = 1800n;
/** A registry without the view is asked again only after this many blocks; `JOURNAL_BLOCKS` is longer. */
const ABSENT_RETRY_BLOCKS = 300;
/** A look costs a call to the RPC, one after the other; a value that lasted less than this decided little. */
const HEARTBEAT_PATIENCE_SECONDS = 300;

export type RegistryState = typeof registryState.$inferSelect;
type Block = { readonly block: { readonly number: bigint; readonly timestamp: bigint } };

type Reading = { readonly value: bigint } | { readonly unreadable: "state-gone" | "absent" };

const SELECTOR = toFunctionSelector(heartbeatMaxAgeAbi[0]);

/** Reads the view at the event's own block, or at `blockNumber`. */
async function readMaxAge(context: Context, registry: Hex, blockNumber?: number): Promise<Reading> {
  const call = {
    abi: heartbeatMaxAgeAbi,
    address: registry,
    // By its selector, which viem takes as it is: hashing the name for every block costs more than the rest of the
    // call. Its types know only names.
    functionName: SELECTOR as "heartbeatMaxAge",
    retryEmptyResponse: false,
  } as const;
  try {
    const value = await (blockNumber === undefined
      ? context.client.readContract(call)
      : context.client.readContract({ ...call, blockNumber: BigInt(blockNumber) }));
    return { value };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return { unreadable: isStateGone(error) ? "state-gone" : "absent" };
  }
}

/**
 * Brings a registry's `heartbeatMaxAge` up to the event's block, rewriting what a change touches. Creates the
 * registry's state at its first event. For every event but heartbeats.
 */
export async function syncMaxAge(context: Context, event: Block, registry: Hex): Promise<RegistryState> {
  const known = await context.db.find(registryState, { chainId: context.chain.id, registry });
  if (known !== null && Number(event.block.number) < known.maxAgeNextReadBlock) return known;
  // Without a block number Ponder foresees the call and reads its answer ahead, together with many others.
  return look(context, event, registry, known, await readMaxAge(context, registry));
}

/** The same for a heartbeat, after it was applied and noted in its node's journal. */
export async function syncMaxAgeAfterHeartbeat(context: Context, event: Block, registry: Hex): Promise<void> {
  const known = await context.db.find(registryState, { chainId: context.chain.id, registry });
  const blockNumber = Number(event.block.number);
  const patient =
    known !== null &&
    (blockNumber < known.maxAgeNextReadBlock ||
      Number(event.block.timestamp) < known.maxAgeCheckedAt + HEARTBEAT_PATIENCE_SECONDS);
  if (patient) return;
  // With the block number Ponder does not try to foresee the call: for a rare call of a frequent event it would build the
  // request of every event and use none.
  await look(context, event, registry, known, await readMaxAge(context, registry, blockNumber));
}

async function look(
  context: Context,
  event: Block,
  registry: Hex,
  known: RegistryState | null,
  reading: Reading,
): Promise<RegistryState> {
  const key = { chainId: context.chain.id, registry };
  const blockNumber = Number(event.block.number);
  const wait = "unreadable" in reading && reading.unreadable === "absent" ? ABSENT_RETRY_BLOCKS : 1;
  const checked = {
    maxAgeCheckedAt: Number(event.block.timestamp),
    maxAgeNextReadBlock: blockNumber + wait,
    ...("value" in reading ? { maxAgeReadBlock: blockNumber } : {}),
  };
  if (known === null) return begin(context, event, registry, reading, checked);
  if ("unreadable" in reading) {
    const uncertain = known.maxAgeUncertain ? {} : await doubt(context, known);
    return context.db.update(registryState, key).set({ ...checked, ...uncertain });
  }
  const certain = known.maxAgeUncertain ? await settle(context, event, known) : {};
  const current = await context.db.find(heartbeatMaxAge, { ...key, ordinal: known.maxAgeOrdinal });
  if (current === null)
    throw new Error(`heartbeat_max_age: row ${known.maxAgeOrdinal} of ${registry} is missing`);
  if (reading.value === current.value)
    return context.db.update(registryState, key).set({ ...checked, ...certain });

  const changes = await findChanges(context, event, registry, known, current.value, reading.value);
  for (const [index, change] of changes.entries())
    await context.db.insert(heartbeatMaxAge).values({
      ...key,
      ordinal: known.maxAgeOrdinal + 1 + index,
      ...change,
    });
  const bounded = known.maxAgeUncertain ? {} : await doubtBounded(context, known, changes);
  const state = await context.db.update(registryState, key).set({
    ...checked,
    ...certain,
    ...bounded,
    maxAgeSeconds: clampToSafe(reading.value),
    maxAgeOrdinal: known.maxAgeOrdinal + changes.length,
  });
  await forEachMember(context, known, (liveness) =>
    rebuildNode(
      context,
      liveness,
      changes.map(({ fromAt, valueSeconds }) => ({ fromAt, maxAgeSeconds: valueSeconds })),
    ),
  );
  return state;
}

type Checked = Pick<RegistryState, "maxAgeCheckedAt" | "maxAgeNextReadBlock">;

/** Notes that the value is not known from the last reading on. */
async function doubt(context: Context, known: RegistryState) {
  await context.db.insert(maxAgeUncertainty).values({
    chainId: known.chainId,
    registry: known.registry,
    ordinal: known.maxAgeUncertainties,
    precision: "bounded",
    afterBlock: known.maxAgeReadBlock,
    afterAt: known.maxAgeCheckedAt,
    untilBlock: null,
    untilAt: null,
  });
  return { maxAgeUncertainties: known.maxAgeUncertainties + 1, maxAgeUncertain: true };
}

/**
 * Notes that the value is known from the event on: what was decided since the last reading was decided by the value of
 * then, so that it does not help to know at which block in between the value changed.
 */
async function settle(
  context: Context,
  event: Block,
  { chainId, registry, maxAgeUncertainties }: RegistryState,
) {
  await context.db.update(maxAgeUncertainty, { chainId, registry, ordinal: maxAgeUncertainties - 1 }).set({
    untilBlock: Number(event.block.number),
    untilAt: Number(event.block.timestamp),
  });
  return { maxAgeUncertain: false };
}

type Change = Awaited<ReturnType<typeof findChange>>;

/** Notes where changes could not be dated to the block although the last reading succeeded. */
async function doubtBounded(context: Context, known: RegistryState, changes: readonly Change[]) {
  const { chainId, registry } = known;
  let ordinal = known.maxAgeUncertainties;
  for (const [index, { precision, afterBlock, fromBlock, fromAt }] of changes.entries()) {
    if (precision === "exact") continue;
    // the time of a block not later than `afterBlock`
    const afterAt = changes[index - 1]?.fromAt ?? known.maxAgeCheckedAt;
    await context.db.insert(maxAgeUncertainty).values({
      ...{ chainId, registry, ordinal, precision, afterBlock, afterAt },
      untilBlock: fromBlock,
      untilAt: fromAt,
    });
    ordinal += 1;
  }
  return { maxAgeUncertainties: ordinal };
}

async function begin(
  context: Context,
  event: Block,
  registry: Hex,
  reading: Reading,
  checked: Checked,
): Promise<RegistryState> {
  const key = { chainId: context.chain.id, registry };
  const value = "value" in reading ? reading.value : DEFAULT_MAX_AGE;
  await context.db.insert(heartbeatMaxAge).values({
    ...key,
    ordinal: 0,
    value,
    valueSeconds: clampToSafe(value),
    fromBlock: Number(event.block.number),
    fromAt: Number(event.block.timestamp),
    precision: "value" in reading ? "exact" : "assumed",
    afterBlock: null,
  });
  const uncertain = !("value" in reading);
  if (uncertain)
    await context.db.insert(maxAgeUncertainty).values({
      ...key,
      ordinal: 0,
      precision: "assumed",
      ...{ afterBlock: null, afterAt: null, untilBlock: null, untilAt: null },
    });
  return context.db.insert(registryState).values({
    ...key,
    maxAgeUncertainties: uncertain ? 1 : 0,
    maxAgeUncertain: uncertain,
    memberCount: 0,
    maxAgeSeconds: clampToSafe(value),
    maxAgeOrdinal: 0,
    maxAgeReadBlock: null,
    ...checked,
  });
}

/** Every change since the last successful read, in order; the last one is to the value that holds now. */
async function findChanges(
  context: Context,
  event: Block,
  registry: Hex,
  { maxAgeReadBlock }: RegistryState,
  valueBefore: bigint,
  valueNow: bigint,
) {
  const changes = [await findChange(context, event, registry, valueBefore, maxAgeReadBlock, valueNow)];
  for (let last = changes[0]; last !== undefined && last.value !== valueNow; last = changes.at(-1))
    changes.push(await findChange(context, event, registry, last.value, last.fromBlock, valueNow));
  return changes;
}

/**
 * Bisects the blocks since the last successful read for the first one with another value than `before`. Blocks whose
 * state is gone only narrow the search from below; what remains unknown is stored as bounds.
 */
async function findChange(
  context: Context,
  event: Block,
  registry: Hex,
  before: bigint,
  lastReadBlock: number | null,
  valueNow: bigint,
) {
  let unchangedAt = lastReadBlock;
  let low = lastReadBlock ?? 0;
  let high = Number(event.block.number);
  let value = valueNow;
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2);
    const reading = await readMaxAge(context, registry, middle);
    if ("value" in reading && reading.value !== before) {
      high = middle;
      value = reading.value;
    } else {
      low = middle;
      if ("value" in reading) unchangedAt = middle;
    }
  }
  const fromAt =
    high === Number(event.block.number)
      ? event.block.timestamp
      : (await context.client.getBlock({ blockNumber: BigInt(high) })).timestamp;
  return {
    value,
    valueSeconds: clampToSafe(value),
    fromBlock: high,
    fromAt: Number(fromAt),
    precision: unchangedAt === high - 1 ? "exact" : "bounded",
    afterBlock: unchangedAt,
  };
}

/** Visits every node of a registry in order of registration. */
export async function forEachMember(
  context: Context,
  state: RegistryState,
  visit: (liveness: typeof nodeLiveness.$inferSelect, record: typeof node.$inferSelect) => Promise<void>,
): Promise<void> {
  const { chainId, registry } = state;
  for (let position = 0; position < state.memberCount; position++) {
    const member = await context.db.find(registryMember, { chainId, registry, position });
    if (member === null) throw new Error(`registry_member: position ${position} of ${registry} is missing`);
    const key = { chainId, registry, teeId: member.teeId };
    const [liveness, record] = [await context.db.find(nodeLiveness, key), await context.db.find(node, key)];
    if (liveness === null || record === null)
      throw new Error(`node ${member.teeId} of ${registry} is missing`);
    await visit(liveness, record);
  }
}
