/** On-chain inferences: the precompile's log first, the hub's event right after it in the same transaction. */
import type { Context } from "ponder:registry";
import { inferenceCursor, onchainInference } from "ponder:schema";
import type { Hex } from "viem";
import {
  addNetworkCounts,
  countAnomaly,
  type LogEvent,
  positionOf,
  recordBlock,
  timeOf,
} from "./counters.ts";
import { decodeInferenceHead, repeatsResponse } from "./decode/inferenceLog.ts";
import { displayText } from "./decode/text.ts";
import { og } from "./registry.ts";

const TEXT_LENGTH = 256;

type Kind = "chat" | "completion" | "model" | "workflow";
type InferenceLogEvent = LogEvent & { readonly log: { readonly address: Hex; readonly data: Hex } };

async function recordPrecompileLog(context: Context, event: InferenceLogEvent, kind: Kind): Promise<void> {
  await recordBlock(context, event);
  const head = decodeInferenceHead(event.log.data);
  if (head === null) await countAnomaly(context, event, "malformed-inference-log");
  const modelCid = head === null ? null : displayText(head.modelCidBytes, TEXT_LENGTH);
  const inferenceId = head === null ? null : displayText(head.inferenceIdBytes, TEXT_LENGTH);
  if (modelCid?.altered || inferenceId?.altered) await countAnomaly(context, event, "text-sanitised");
  await context.db.insert(onchainInference).values({
    ...positionOf(context, event),
    kind,
    mode: head?.mode ?? null,
    modelCid: modelCid?.text ?? null,
    modelCidHex: head?.modelCidBytes ?? null,
    inferenceId: inferenceId?.text ?? null,
    inferenceIdHex: head?.inferenceIdBytes ?? null,
    caller: event.transaction.from,
    timestamp: timeOf(event),
    txHash: event.transaction.hash,
    requestData: event.log.data,
  });
  await addNetworkCounts(context, timeOf(event), { onchainInferences: 1 });

  const here = { txHash: event.transaction.hash, blockNumber: Number(event.block.number) };
  const begun = { ...here, logIndexes: [event.log.logIndex] };
  await context.db
    .insert(inferenceCursor)
    .values({ chainId: context.chain.id, ...begun })
    .onConflictDoUpdate((row) =>
      row.txHash === here.txHash ? { logIndexes: [...row.logIndexes, event.log.logIndex] } : begun,
    );
}

/**
 * The precompile log of the transaction that a hub's event belongs to: of its kind, not claimed by another one; of
 * several the newest whose response it repeats, else the newest. A scheduled workflow announces the result of a model run
 * that the hub may have announced already.
 */
async function precompileLogOf(context: Context, event: InferenceLogEvent, kind: Kind) {
  const chainId = context.chain.id;
  const cursor = await context.db.find(inferenceCursor, { chainId });
  if (cursor === null || cursor.txHash !== event.transaction.hash) return undefined;
  let newest: { chainId: number; blockNumber: number; logIndex: number } | undefined;
  for (const logIndex of cursor.logIndexes.toReversed()) {
    const position = { chainId, blockNumber: cursor.blockNumber, logIndex };
    const inference = await context.db.find(onchainInference, position);
    const matches =
      kind === "workflow" ? inference?.kind === "model" : inference?.kind === kind && inference.hub === null;
    if (!matches) continue;
    if (inference?.requestData != null && repeatsResponse(inference.requestData, event.log.data))
      return position;
    newest ??= position;
  }
  return newest;
}

/** Gives a hub's event to its precompile log, or a row of its own. */
async function recordHubEvent(
  context: Context,
  event: InferenceLogEvent,
  hubEvent: string,
  kind: Kind,
  caller?: Hex,
): Promise<void> {
  const hub = {
    hub: event.log.address,
    hubEvent,
    hubLogIndex: event.log.logIndex,
    hubData: event.log.data,
    // A scheduled workflow runs a model on behalf of the caller it names.
    ...(caller === undefined ? {} : { kind, caller }),
  };
  await recordBlock(context, event);
  const position = await precompileLogOf(context, event, kind);
  if (position !== undefined) {
    await context.db.update(onchainInference, position).set(hub);
    return;
  }
  await countAnomaly(context, event, "hub-event-without-precompile-log");
  await context.db.insert(onchainInference).values({
    ...positionOf(context, event),
    kind,
    caller: event.transaction.from,
    timestamp: timeOf(event),
    txHash: event.transaction.hash,
    ...hub,
  });
  await addNetworkCounts(context, timeOf(event), { onchainInferences: 1 });
}

og("InferencePrecompile:LLMChat", ({ event, context }) => recordPrecompileLog(context, event, "chat"));
og("InferencePrecompile:LLMCompletionEvent", ({ event, context }) =>
  recordPrecompileLog(context, event, "completion"),
);
og("InferencePrecompile:ModelInferenceEvent", ({ event, context }) =>
  recordPrecompileLog(context, event, "model"),
);

og("InferenceHub:LLMChatResult", ({ event, context }) =>
  recordHubEvent(context, event, "LLMChatResult", "chat"),
);
og("InferenceHub:LLMCompletionResult", ({ event, context }) =>
  recordHubEvent(context, event, "LLMCompletionResult", "completion"),
);
og("InferenceHub:InferenceResult", ({ event, context }) =>
  recordHubEvent(context, event, "InferenceResult", "model"),
);
og("InferenceHub:InferenceResultEmitted", ({ event, context }) =>
  recordHubEvent(context, event, "InferenceResultEmitted", "workflow", event.args.caller),
);
