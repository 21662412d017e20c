/**
 * Every list with each of its filters and each pair of them, over old and recent periods, from the middle of the list, and in
 * both directions: a missing index shows up here.
 */
import type { Examples, Values } from "./examples.ts";
import { BEGINS, DAY, headTime } from "./history/size.ts";

export interface ListQuestion {
  readonly path: string;
  /** Where GraphQL has the same list: a field, and what to select of an item. */
  readonly field: string;
  readonly item: string;
  readonly filters: Readonly<Record<string, Values>>;
  /** Whether `from` and `to` bound it. */
  readonly ranged: boolean;
  /** The sort key of a row in the middle of the list. */
  readonly middle: readonly (number | string)[];
}

export function everyList(examples: Examples): readonly ListQuestion[] {
  const { nodes, payers, payees, relayers, tokens, models, inferences, times } = examples;
  const [, middleAt = 0] = times;
  const middleOf = (blockSeconds: number) => [Math.floor((middleAt - BEGINS) / blockSeconds), 0];
  const signed = {
    payer: payers,
    inputHash: examples.inputHashes,
    outputHash: examples.outputHashes,
    model: models,
    signatureValid: ["true", "false"],
  };
  const schemes = ["exact", "upto", "batch-settlement"];
  const MIDDLE_ID = `0x${"7f".repeat(32)}`;
  const questions: readonly ListQuestion[] = [
    {
      path: "/v1/settlements",
      field: "settlements",
      item: "eventId kind verdict",
      filters: {
        kind: ["individual", "batch", "legacy"],
        teeId: nodes,
        payer: payers,
        relayer: relayers,
        verdict: ["pending", "verified", "partial", "invalid", "unavailable", "unverifiable"],
        merkleRoot: examples.roots,
        inferenceId: inferences,
      },
      ranged: true,
      middle: middleOf(3),
    },
    {
      path: "/v1/inferences",
      field: "inferences",
      item: "inferenceId model signatureValid",
      filters: { teeId: nodes, ...signed },
      ranged: true,
      middle: [middleAt, MIDDLE_ID],
    },
    {
      path: `/v1/nodes/${nodes[0]}/inferences`,
      field: "",
      item: "",
      filters: signed,
      ranged: true,
      middle: [middleAt, MIDDLE_ID],
    },
    {
      path: `/v1/nodes/${nodes[0]}/heartbeats`,
      field: "",
      item: "",
      filters: { relayer: relayers },
      ranged: true,
      middle: middleOf(3),
    },
    {
      path: `/v1/nodes/${nodes[0]}/intervals`,
      field: "",
      item: "",
      filters: { notion: ["active", "proved"] },
      ranged: true,
      middle: [middleAt, "active"],
    },
    {
      path: `/v1/nodes/${nodes[0]}/events`,
      field: "",
      item: "",
      filters: { kind: ["registered", "disabled"] },
      ranged: true,
      middle: middleOf(3),
    },
    {
      path: "/v1/payments",
      field: "payments",
      item: "eventId amount organic",
      filters: { payer: payers, payee: payees, token: tokens, scheme: schemes },
      ranged: true,
      middle: middleOf(2),
    },
    {
      path: "/v1/channels",
      field: "channels",
      item: "channelId state",
      filters: {
        payer: payers,
        payee: payees,
        token: tokens,
        scheme: schemes,
        state: ["open", "withdrawing", "closed"],
      },
      ranged: true,
      middle: middleOf(2),
    },
    {
      path: "/v1/onchain-inferences",
      field: "onchainInferences",
      item: "eventId kind mode",
      filters: {
        mode: ["vanilla", "zkml", "tee"],
        kind: ["chat", "completion", "model", "workflow"],
        modelCid: examples.modelCids,
        caller: payers,
      },
      ranged: true,
      middle: middleOf(3),
    },
    {
      path: "/v1/nodes",
      field: "nodes",
      item: "teeId status",
      filters: {
        teeType: ["0", "1"],
        status: ["active", "stale", "disabled", "revoked", "removed"],
        owner: examples.operators,
        paymentAddress: payees,
        pcrHash: examples.pcrs,
        registry: ["all"],
        at: [...times.map(String)],
        sort: ["score", "uptime", "registeredAt", "inferences"],
      },
      ranged: false,
      middle: middleOf(3),
    },
    {
      path: "/v1/models",
      field: "models",
      item: "name",
      filters: { sort: ["lastSeenAt", "inferences"] },
      ranged: true,
      middle: [middleAt, "openai/o4-mini"],
    },
    {
      path: "/v1/operators",
      field: "operators",
      item: "address",
      filters: { registry: ["all"] },
      ranged: false,
      middle: [100, 0],
    },
    { path: "/v1/pcrs", field: "", item: "", filters: { approved: ["true"] }, ranged: false, middle: [0, 0] },
    ...examples.settlements.slice(1, 3).map((id) => ({
      path: `/v1/settlements/${id}/leaves`,
      field: "",
      item: "",
      filters: { verdict: ["valid", "invalid", "unknown-node"] },
      ranged: false,
      middle: [10],
    })),
  ];
  return questions;
}

type Parameters = Readonly<Record<string, string>>;

/** No filter, each value of each filter, and each pair of values of two filters. */
export function combinations(filters: Readonly<Record<string, Values>>): readonly Parameters[] {
  const singles = Object.entries(filters).flatMap(([name, values]) =>
    values.map((value) => ({ name, value })),
  );
  const pairs = singles.flatMap((one, index) =>
    singles
      .slice(index + 1)
      .filter(({ name }) => name !== one.name)
      .map((other) => ({ [one.name]: one.value, [other.name]: other.value })),
  );
  return [{}, ...singles.map(({ name, value }) => ({ [name]: value })), ...pairs];
}

/** No bounds, a day long ago, and everything up to a time long ago. */
export function ranges({ times: [early = 0], size }: Examples): readonly Parameters[] {
  return [
    {},
    { from: String(early), to: String(early + DAY / 2) },
    { to: String(early) },
    { from: String(headTime(size) - 3_600) },
  ];
}
