/** The node that a path names. */
import { ApiError } from "../errors.ts";
import { findNode, type NodeDetail, registriesOf } from "../queries/nodes/nodes.ts";
import type { AnswerState } from "../queries/state/answerState.ts";
import type { Moment } from "../queries/state/moment.ts";
import { type ApiSettings, resolveRegistry } from "../queries/state/service.ts";
import { addressParameter } from "./parameters.ts";

/** The registry of one node: unlike in lists, `all` would not name one. */
export const oneRegistryParameter = () =>
  addressParameter()
    .optional()
    .openapi({ description: "Registry address. Default: the first configured registry." });

/**
 * The node in the given registry, or in the first configured one.
 * @throws {ApiError} `node-not-found`, `invalid-parameter` for a registry that is not indexed.
 */
export async function requireNode(
  state: AnswerState,
  moment: Moment,
  settings: ApiSettings,
  teeId: string,
  registry: string | undefined,
  detail: NodeDetail,
) {
  const wanted = resolveRegistry(settings, registry);
  const node =
    wanted === undefined
      ? null
      : await findNode(state.transaction, moment, { registry: wanted, teeId }, detail);
  if (node !== null) return node;
  const others = await registriesOf(state.transaction, moment, teeId);
  throw new ApiError(
    "node-not-found",
    `teeId: "${teeId}" was not registered in ${wanted ?? "any registry"} at ${moment.time}${others.length === 0 ? "" : `; registry= may be ${others.join(" or ")}`}`,
    { parameter: "teeId", value: teeId, registries: others },
  );
}
