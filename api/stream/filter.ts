/** Which events a listener wants. */
import { ApiError } from "../errors.ts";
import type { PaymentFilters } from "../queries/payments/payments.ts";
import type { SettlementFilters } from "../queries/settlements/settlementFilters.ts";
import { CHOSEN_TYPES, type ChosenType, type StreamEvent } from "./events.ts";
import type { PartPlace } from "./place.ts";

/** What events can be chosen by; each as in the list that has such rows. */
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
  readonly types: ReadonlySet<ChosenType>;
  readonly properties: StreamProperties;
  /** Of nodes; null means every one. */
  readonly registries: readonly string[] | null;
}

/** The types of events that have a property. */
const BEARERS: Readonly<Record<keyof StreamProperties, readonly ChosenType[]>> = {
  teeId: ["node", "settlement"],
  owner: ["node"],
  relayer: ["settlement"],
  payer: ["settlement", "payment"],
  payee: ["payment"],
  facilitator: ["payment"],
  token: ["payment"],
  scheme: ["payment"],
};

/** The properties' names, in the order in which they are documented. */
export const STREAM_PROPERTIES = Object.keys(BEARERS) as readonly (keyof StreamProperties)[];

const refuse = (parameter: string, value: string, rule: string): ApiError =>
  new ApiError("invalid-parameter", `${parameter}: "${value}": ${rule}`, { parameter, value, rule });

/**
 * Everything, or the types that were asked for, or those that have each property that was asked for.
 * @throws {ApiError} `invalid-parameter` when nothing could meet what is asked.
 */
export function chooseEvents(
  asked: readonly ChosenType[] | undefined,
  properties: StreamProperties,
  registries: StreamFilter["registries"],
): StreamFilter {
  const given = STREAM_PROPERTIES.filter((name) => properties[name] !== undefined);
  const lacks = (type: ChosenType) => given.find((name) => !BEARERS[name].includes(type));
  if (asked === undefined) {
    const types = CHOSEN_TYPES.filter((type) => lacks(type) === undefined);
    const [first = "", ...others] = given;
    if (types.length === 0)
      throw refuse(
        first,
        String(properties[first as keyof StreamProperties]),
        `no event has ${[first, ...others].join(" and ")}: ask for one of them`,
      );
    return { types: new Set(types), properties, registries };
  }
  // Nobody who names types wants none of them: the stream would never tell anything.
  if (asked.length === 0)
    throw refuse("types", "", `one or more of ${CHOSEN_TYPES.join(", ")}; leave it out for all of them`);
  for (const type of asked) {
    // Blocks go with anything: they tell how far the stream is.
    const missing = lacks(type);
    if (missing === undefined || (type === "block" && asked.length > 1)) continue;
    throw refuse(
      missing,
      String(properties[missing]),
      `${type} events have no ${missing}; leave it or them out`,
    );
  }
  return { types: new Set(asked), properties, registries };
}

/** Every event there is. */
export const EVERYTHING: StreamFilter = { types: new Set(CHOSEN_TYPES), properties: {}, registries: null };

const meets = (wanted: string | undefined, value: string | null): boolean =>
  wanted === undefined || wanted === value;

export function isWanted({ types, properties, registries }: StreamFilter, event: StreamEvent): boolean {
  const { teeId, owner, relayer, payer, payee, facilitator, token, scheme } = properties;
  if (event.type === "reset") return concerns(types, event.place.part);
  if (!types.has(event.type)) return false;
  if (event.type === "block") return true;
  if (event.type === "node")
    return (
      meets(teeId, event.data.teeId) &&
      meets(owner, event.data.owner) &&
      (registries === null || registries.includes(event.data.registry))
    );
  if (event.type === "settlement")
    return (
      meets(teeId, event.data.teeId) &&
      meets(payer, event.data.claimedPayer) &&
      meets(relayer, event.data.relayer)
    );
  return (
    meets(payer, event.data.payer) &&
    meets(payee, event.data.payee) &&
    meets(facilitator, event.data.facilitator) &&
    meets(token, event.data.token) &&
    meets(scheme, event.data.scheme)
  );
}

const SOURCES: Readonly<Record<ChosenType, readonly PartPlace["part"][]>> = {
  node: ["og", "nodes"],
  settlement: ["og", "proofs"],
  payment: ["base"],
  block: ["og", "base"],
};

/** Whether any of these types has something from a part. */
export const concerns = (types: StreamFilter["types"], part: PartPlace["part"]): boolean =>
  [...types].some((type) => SOURCES[type].includes(part));

/** The same choice for the rows of settlements, as their list takes it; null when they are not wanted. */
export const settlementFilters = ({
  types,
  properties: { teeId, payer, relayer },
}: StreamFilter): Pick<SettlementFilters, "teeId" | "payer" | "relayer"> | null =>
  types.has("settlement") ? { teeId, payer, relayer } : null;

/** The same choice for the rows of payments, as their list takes it; null when they are not wanted. */
export const paymentFilters = ({
  types,
  properties: { payer, payee, facilitator, token, scheme },
}: StreamFilter): PaymentFilters | null =>
  types.has("payment") ? { payer, payee, facilitator, token, scheme } : null;
