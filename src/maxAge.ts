/**
 * `heartbeatMaxAge` of each registry, with its history to the block. No event announces a change, so the view is read
 * at every block with a registry event and every hundred blocks. Between two reads lies no registry event, so a change
 * found by bisection is applied before anything that follows it has been handled.
 */
import type { Context } from "ponder:registry";
import { heartbeatMaxAge, node, nodeLiveness, registryMember, registryState } from "ponder:schema";
import type { Hex } from "viem";
import { TEERegistryAbi } from "../abis/TEERegistry.ts";
import { isStateGone, isUnreadable } from "./chainState.ts";
import { clampToSafe } from "./decode/number.ts";
import { activeUntil, reconsider } from "./liveness/active.ts";
import { writeTransition } from "./nodeState.ts";

/** The contract's default, assumed until the view could be read. */
const DEFAULT_MAX_AGE = 1800n;
/** A registry without the view is asked again only after this many blocks. */
const ABSENT_RETRY_BLOCKS = 1000;

export type RegistryState = typeof registryState.$inferSelect;
type Block = { readonly block: { readonly number: bigint; readonly timestamp: bigint } };

type Reading = { readonly value: bigint } | { readonly unreadable: "state-gone" | "absent" };

async function readMaxAge(context: Context, registry: Hex, blockNumber?: number): Promise<Reading> {
  try {
    const view = {
      abi: TEERegistryAbi,
      address: registry,
      functionName: "heartbeatMaxAge",
      retryEmptyResponse: false,
    } as const;
    // At the event's own block the number is left out: Ponder prefetches what it can predict.
    const value =
      blockNumber === undefined
        ? await context.client.readContract(view)
        : await context.client.readContract({ ...view, blockNumber: BigInt(blockNumber) });
    return { value };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return { unreadable: isStateGone(error) ? "state-gone" : "absent" };
  }
}

/**
 * Brings a registry's `heartbeatMaxAge` up to the event's block, rewriting the intervals that a change touches.
 * Creates the registry's state at its first event.
 */
export async function syncMaxAge(context: Context, event: Block, registry: Hex): Promise<RegistryState> {
  const key = { chainId: context.chain.id, registry };
  const blockNumber = Number(event.block.number);
  const known = await context.db.find(registryState, key);
  if (known !== null && blockNumber < known.maxAgeNextReadBlock) return known;

  const reading = await readMaxAge(context, registry);
  if (known === null) return begin(context, event, registry, reading);
  if ("unreadable" in reading) {
    const wait = reading.unreadable === "absent" ? ABSENT_RETRY_BLOCKS : 1;
    return context.db.update(registryState, key).set({ maxAgeNextReadBlock: blockNumber + wait });
  }
  const current = await context.db.find(heartbeatMaxAge, { ...key, ordinal: known.maxAgeOrdinal });
  if (current === null)
    throw new Error(`heartbeat_max_age: row ${known.maxAgeOrdinal} of ${registry} is missing`);
  const readNow = { maxAgeReadBlock: blockNumber, maxAgeNextReadBlock: blockNumber + 1 };
  if (reading.value === current.value) return context.db.update(registryState, key).set(readNow);

  const change = await findChange(
    context,
    event,
    registry,
    current.value,
    known.maxAgeReadBlock,
    reading.value,
  );
  const ordinal = known.maxAgeOrdinal + 1;
  await context.db.insert(heartbeatMaxAge).values({ ...key, ordinal, ...change });
  const state = await context.db
    .update(registryState, key)
    .set({ ...readNow, maxAgeSeconds: change.valueSeconds, maxAgeOrdinal: ordinal });
  await forEachMember(context, state, async (liveness) => {
    if (!liveness.enabled || liveness.removed) return;
    const until = activeUntil(liveness.lastHeartbeatAt, state.maxAgeSeconds, liveness.pcrApprovedUntil);
    await writeTransition(
      context,
      liveness,
      (open) => reconsider(open, change.fromAt, until, "max-age"),
      change.fromAt,
    );
  });
  return state;
}

async function begin(
  context: Context,
  event: Block,
  registry: Hex,
  reading: Reading,
): Promise<RegistryState> {
  const key = { chainId: context.chain.id, registry };
  const blockNumber = Number(event.block.number);
  const readable = "value" in reading;
  const value = readable ? reading.value : DEFAULT_MAX_AGE;
  await context.db.insert(heartbeatMaxAge).values({
    ...key,
    ordinal: 0,
    value,
    valueSeconds: clampToSafe(value),
    fromBlock: blockNumber,
    fromAt: Number(event.block.timestamp),
    precision: readable ? "exact" : "assumed",
    afterBlock: null,
  });
  const wait = !readable && reading.unreadable === "absent" ? ABSENT_RETRY_BLOCKS : 1;
  return context.db.insert(registryState).values({
    ...key,
    memberCount: 0,
    maxAgeSeconds: clampToSafe(value),
    maxAgeOrdinal: 0,
    maxAgeReadBlock: readable ? blockNumber : null,
    maxAgeNextReadBlock: blockNumber + wait,
  });
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
