/** Finds again what an id names: every type that implements Node, in the state its id names. */

import { findChannel } from "../queries/payments/channels.ts";
import { findPayment } from "../queries/payments/payments.ts";
import { findSettlement } from "../queries/settlements/settlements.ts";
import type { Sources } from "../queries/state/answerState.ts";
import { type EventId, parseEventId } from "../queries/state/eventId.ts";
import type { GraphState } from "./execution/state.ts";
import type { View } from "./execution/view.ts";
import { decodeGlobalId, refuseId } from "./globalId.ts";
import { inferenceById } from "./lists/inferences.ts";
import { FROM } from "./reads.ts";

interface NodeType {
  readonly sources: Sources;
  /** How many parts its key has; one more names the second that was asked about. */
  readonly keyParts: number;
  /** Null when there is none; undefined when the key is none. */
  readonly find: (view: View, key: readonly string[]) => Promise<object | null | undefined>;
}

const ADDRESS = /^0x[0-9a-f]{40}$/;
const HASH = /^0x[0-9a-f]{64}$/;

const isAddress = (text: string | undefined): text is string => text !== undefined && ADDRESS.test(text);
const isHash = (text: string | undefined): text is string => text !== undefined && HASH.test(text);

const account = async (_: View, [address]: readonly string[]) =>
  isAddress(address) ? { address } : undefined;

/** @param find - only for events of the chain that the id names. */
const event =
  (chain: "og" | "base", find: (view: View, id: EventId) => Promise<object | null>): NodeType["find"] =>
  async (view, [text = ""]) => {
    const id = parseEventId(text);
    if (id === null) return undefined;
    return id.chainId === view.state.settings.chainIds[chain] ? find(view, id) : null;
  };

const NODE_TYPES: Readonly<Record<string, NodeType>> = {
  TeeNode: {
    sources: FROM.og,
    keyParts: 2,
    find: async ({ loaders }, [registry, teeId]) =>
      isAddress(registry) && isHash(teeId) ? loaders.wholeNode.load({ registry, teeId }) : undefined,
  },
  Settlement: {
    sources: FROM.proofs,
    keyParts: 1,
    find: event("og", async (view, id) =>
      findSettlement(view.state.transaction, view.state.proofs, await view.og(), id),
    ),
  },
  Inference: {
    sources: FROM.proofs,
    keyParts: 1,
    find: async (view, [id]) => (isHash(id) ? inferenceById(view, id) : undefined),
  },
  Payment: {
    sources: FROM.baseAndMaybeOg,
    keyParts: 1,
    find: event("base", async (view, id) =>
      findPayment(view.state.transaction, await view.base(), await view.optionalOg(), id),
    ),
  },
  Channel: {
    sources: FROM.base,
    keyParts: 1,
    find: async (view, [channelId]) =>
      isHash(channelId) ? findChannel(view.state.transaction, await view.base(), channelId) : undefined,
  },
  Operator: {
    sources: FROM.ogAndMaybeBase,
    keyParts: 2,
    async find({ loaders }, [scope = "", address]) {
      // The API gives ids of an operator in one registry and in all of them, and no others.
      if (!isAddress(address) || (scope !== "all" && !isAddress(scope))) return undefined;
      const registries = scope === "all" ? null : [scope];
      const operator = await loaders.operator.load({ address, registries });
      return operator === null ? null : { ...operator, registries };
    },
  },
  Payer: { sources: FROM.nothing, keyParts: 1, find: account },
  Relayer: { sources: FROM.nothing, keyParts: 1, find: account },
};

const typeNamed = (typename: string): NodeType | undefined =>
  Object.hasOwn(NODE_TYPES, typename) ? NODE_TYPES[typename] : undefined;

/** What finding an id reads; nothing when it is no id. */
export function sourcesOfId(id: unknown): Sources {
  try {
    return (
      (typeof id === "string" ? typeNamed(decodeGlobalId(id).typename)?.sources : undefined) ?? FROM.nothing
    );
  } catch {
    return FROM.nothing;
  }
}

/**
 * @returns null when there is no such thing.
 * @throws {ApiError} `invalid-parameter` when the id is none of ours.
 */
export async function nodeById(state: GraphState, id: string): Promise<object | null> {
  const { typename, parts } = decodeGlobalId(id);
  const type = typeNamed(typename);
  if (type === undefined || parts.length < type.keyParts || parts.length > type.keyParts + 1)
    throw refuseId(id);
  const second = parts[type.keyParts];
  if (second !== undefined && !/^(?:0|[1-9]\d{0,14})$/.test(second)) throw refuseId(id);
  const view = state.view(second === undefined ? null : Number(second));
  const found = await type.find(view, parts.slice(0, type.keyParts));
  if (found === undefined) throw refuseId(id);
  return found === null ? null : { ...view.show(found), __typename: typename };
}
