/** Which events a subscriber receives. */
import { ApiError } from "../errors.ts";
import type { PaymentFilters } from "../queries/payments/payments.ts";
import type { SettlementFilters } from "../queries/settlements/settlementFilters.ts";
import { SELECTABLE_TYPES, type SelectableType, type StreamEvent } from "./events.ts";
import type { Source } from "./streamPosition.ts";

/** The properties that events can be filtered by, each as in the list of such rows. */
export interface StreamProperties {
  readonly teeId?: string | undefined;
  readonly owner?: string | undefined;
  readonly relayer?: string | undefined;
  readonly payer?: string | undefined;
  readonly payee?: string | undefined;
  readonly facilitator?: string | undefined;
  readonly token?: string | undefined;
  readonly scheme?: PaymentFilters["scheme"];
}

export interface StreamFilter {
  readonly types: ReadonlySet<SelectableType>;
  readonly properties: StreamProperties;
  /** The registries whose nodes are included; null for all. */
  readonly registries: readonly string[] | null;
}

/** The event types that have each property. */
const TYPES_BY_PROPERTY: Readonly<Record<keyof StreamProperties, readonly SelectableType[]>> = {
  teeId: ["node", "settlement"],
  owner: ["node"],
  relayer: ["settlement"],
  payer: ["settlement", "payment"],
  payee: ["payment"],
  facilitator: ["payment"],
  token: ["payment"],
  scheme: ["payment"],
};

/** The names of the properties, in documented order. */
// Object.keys loses the type of the keys.
const STREAM_PROPERTIES = Object.keys(TYPES_BY_PROPERTY) as readonly (keyof StreamProperties)[];

const refuse = (parameter: string, value: string, rule: string): ApiError =>
  new ApiError("invalid-parameter", `${parameter}: "${value}": ${rule}`, { parameter, value, rule });

/**
 * Creates the filter for a request. Without `requested` types it includes every type that has all of the given properties.
 * @throws {ApiError} `invalid-parameter` when no event can match.
 */
export function createFilter(
  requested: readonly SelectableType[] | undefined,
  properties: StreamProperties,
  registries: StreamFilter["registries"],
): StreamFilter {
  const given = STREAM_PROPERTIES.filter((name) => properties[name] !== undefined);
  const missingProperty = (type: SelectableType) =>
    given.find((name) => !TYPES_BY_PROPERTY[name].includes(type));
  if (requested === undefined) {
    const types = SELECTABLE_TYPES.filter((type) => missingProperty(type) === undefined);
    const [first, ...others] = given;
    if (types.length === 0 && first !== undefined)
      throw refuse(
        first,
        String(properties[first]),
        `no event has ${[first, ...others].join(" and ")}: ask for one of them`,
      );
    return { types: new Set(types), properties, registries };
  }
  // An empty list is a mistake: the stream would stay silent.
  if (requested.length === 0)
    throw refuse("types", "", `one or more of ${SELECTABLE_TYPES.join(", ")}; leave it out for all of them`);
  for (const type of requested) {
    // Blocks go with any filter: they show how far the stream is.
    const missing = missingProperty(type);
    if (missing === undefined || (type === "block" && requested.length > 1)) continue;
    throw refuse(
      missing,
      String(properties[missing]),
      `${type} events have no ${missing}; leave it or them out`,
    );
  }
  return { types: new Set(requested), properties, registries };
}

/** Matches every event. */
export const MATCH_ALL: StreamFilter = { types: new Set(SELECTABLE_TYPES), properties: {}, registries: null };

const equalsIfGiven = (expected: string | undefined, value: string | null): boolean =>
  expected === undefined || expected === value;

/** Whether a subscriber with this filter receives the event. */
export function matches({ types, properties, registries }: StreamFilter, event: StreamEvent): boolean {
  const { teeId, owner, relayer, payer, payee, facilitator, token, scheme } = properties;
  if (event.type === "reset") return selectsSource(types, event.offset.source);
  if (!types.has(event.type)) return false;
  if (event.type === "block") return true;
  if (event.type === "node")
    return (
      equalsIfGiven(teeId, event.data.teeId) &&
      equalsIfGiven(owner, event.data.owner) &&
      (registries === null || registries.includes(event.data.registry))
    );
  if (event.type === "settlement")
    return (
      equalsIfGiven(teeId, event.data.teeId) &&
      equalsIfGiven(payer, event.data.claimedPayer) &&
      equalsIfGiven(relayer, event.data.relayer)
    );
  return (
    equalsIfGiven(payer, event.data.payer) &&
    equalsIfGiven(payee, event.data.payee) &&
    equalsIfGiven(facilitator, event.data.facilitator) &&
    equalsIfGiven(token, event.data.token) &&
    equalsIfGiven(scheme, event.data.scheme)
  );
}

/** A node's registration is a row of og's chain, so its reorgs concern nodes too. */
const SOURCES_BY_TYPE: Readonly<Record<SelectableType, readonly Source[]>> = {
  node: ["og", "nodes"],
  settlement: ["og", "proofs"],
  payment: ["base"],
  block: ["og", "base"],
};

/** Whether any of these types has events from a source. */
export const selectsSource = (types: StreamFilter["types"], source: Source): boolean =>
  [...types].some((type) => SOURCES_BY_TYPE[type].includes(source));

/** The filter for the list of settlements; null when settlements are not selected. */
export const settlementFilters = ({
  types,
  properties: { teeId, payer, relayer },
}: StreamFilter): Pick<SettlementFilters, "teeId" | "payer" | "relayer"> | null =>
  types.has("settlement") ? { teeId, payer, relayer } : null;

/** The filter for the list of payments; null when payments are not selected. */
export const paymentFilters = ({
  types,
  properties: { payer, payee, facilitator, token, scheme },
}: StreamFilter): PaymentFilters | null =>
  types.has("payment") ? { payer, payee, facilitator, token, scheme } : null;
