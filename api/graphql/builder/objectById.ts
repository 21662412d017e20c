/** `node(id:)`: finds the object that an id names, in the state that the id names. Domains register their types. */
import type { Sources } from "../../queries/state/answerState.ts";
import { type EventId, parseEventId } from "../../queries/state/eventId.ts";
import { NOTHING } from "../execution/plan/reads.ts";
import type { GraphState, View } from "../execution/state.ts";
import { builder } from "./builder.ts";
import { decodeGlobalId, refuseId } from "./globalId.ts";

/** How to find an object of one type. */
interface Lookup {
  readonly sources: Sources;
  /** How many parts the type's key has; an id of a past state has one more, the second. */
  readonly keyParts: number;
  /** Null when there is no such object; undefined when the key is malformed. */
  readonly find: (view: View, key: readonly string[]) => Promise<object | null | undefined>;
}

const LOOKUPS = new Map<string, Lookup>();

/** Makes the objects of a type findable by their `id`. */
export function registerLookup(typename: string, lookup: Lookup): void {
  LOOKUPS.set(typename, lookup);
}

const ADDRESS = /^0x[0-9a-f]{40}$/;
const HASH = /^0x[0-9a-f]{64}$/;

export const isAddress = (text: string | undefined): text is string =>
  text !== undefined && ADDRESS.test(text);
export const isHash = (text: string | undefined): text is string => text !== undefined && HASH.test(text);

/** The look-up of a type whose key is an address. Every address exists. */
export const findAccount: Lookup["find"] = async (_, [address]) =>
  isAddress(address) ? { address } : undefined;

/**
 * The look-up of a type whose key is an event's id.
 * @param find - only called for events of `chain`.
 */
export const findEvent =
  (chain: "og" | "base", find: (view: View, id: EventId) => Promise<object | null>): Lookup["find"] =>
  async (view, [text = ""]) => {
    const id = parseEventId(text);
    if (id === null) return undefined;
    return id.chainId === view.state.settings.chainIds[chain] ? find(view, id) : null;
  };

/** What looking up an id reads; nothing when it is malformed. */
function sourcesOfId(id: unknown): Sources {
  try {
    return (
      (typeof id === "string" ? LOOKUPS.get(decodeGlobalId(id).typename)?.sources : undefined) ?? NOTHING
    );
  } catch {
    return NOTHING;
  }
}

/**
 * @returns null when there is no such object.
 * @throws {ApiError} `invalid-parameter` when this API gives no such id.
 */
async function objectById(state: GraphState, id: string): Promise<object | null> {
  const { typename, parts } = decodeGlobalId(id);
  const lookup = LOOKUPS.get(typename);
  if (lookup === undefined || parts.length < lookup.keyParts || parts.length > lookup.keyParts + 1)
    throw refuseId(id);
  const second = parts[lookup.keyParts];
  if (second !== undefined && !/^(?:0|[1-9]\d{0,14})$/.test(second)) throw refuseId(id);
  const view = state.view(second === undefined ? null : Number(second));
  const found = await lookup.find(view, parts.slice(0, lookup.keyParts));
  if (found === undefined) throw refuseId(id);
  return found === null ? null : { ...view.scope(found), __typename: typename };
}

builder.queryField("node", (t) =>
  t.field({
    type: builder.nodeInterfaceRef(),
    nullable: true,
    description: "Whatever has this id; null when there is no such thing any more.",
    args: { id: t.arg.id({ required: true, description: "An `id` of this API." }) },
    extensions: { reads: ({ id }) => ({ sources: sourcesOfId(id), rows: 10 }) },
    resolve: (_, { id }, { state }) => objectById(state, String(id)),
  }),
);
