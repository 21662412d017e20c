/** Computes relayer silences directly from their definition, over all heartbeats. */
import { isSilence, type RelayerSilence } from "../../api/scoring/index.ts";
import { DAY, HOUR, MAX_AGE, type RelayedHeartbeat } from "./world.ts";

/**
 * @param heartbeats - known at `now`, in order of blocks.
 * @param isFresh - whether a heartbeat carried a new signed second.
 */
export function silencesOf(
  heartbeats: readonly RelayedHeartbeat[],
  operatorOf: ReadonlyMap<string, string>,
  isFresh: (heartbeat: RelayedHeartbeat) => boolean,
  now: number,
): readonly RelayerSilence[] {
  const operator = (nodeId: string) => operatorOf.get(nodeId) ?? nodeId;
  const byRelayer = new Map<string, RelayedHeartbeat[]>();
  for (const heartbeat of heartbeats) {
    const sent = byRelayer.get(heartbeat.relayer) ?? [];
    byRelayer.set(heartbeat.relayer, sent);
    sent.push(heartbeat);
  }
  const silences: RelayerSilence[] = [];
  for (const [relayer, sent] of byRelayer)
    for (const [index, { receivedAt: fromAt }] of sent.entries()) {
      const untilAt = sent[index + 1]?.receivedAt ?? null;
      if (!isSilence((untilAt ?? now) - fromAt, MAX_AGE)) continue;
      const before = heartbeats.filter(
        ({ receivedAt }) => receivedAt > fromAt - HOUR && receivedAt <= fromAt,
      );
      const carried = new Map(
        before
          .filter((heartbeat) => heartbeat.relayer === relayer)
          .map(({ nodeId }) => [nodeId, { nodeId, operator: operator(nodeId) }]),
      );
      const operators = new Set([...carried.values()].map((one) => one.operator));
      const during = heartbeats.filter(
        (heartbeat) =>
          heartbeat.receivedAt > fromAt &&
          heartbeat.receivedAt < Math.min(untilAt ?? now, fromAt + DAY) &&
          heartbeat.relayer !== relayer &&
          operators.has(operator(heartbeat.nodeId)) &&
          isFresh(heartbeat),
      );
      silences.push({
        relayer,
        fromAt,
        untilAt,
        maxAgeSeconds: MAX_AGE,
        carried: [...carried.values()],
        operatorsHeard: new Set(before.map(({ nodeId }) => operator(nodeId))).size,
        operatorsAliveElsewhere: [...new Set(during.map(({ nodeId }) => operator(nodeId)))],
      });
    }
  return silences;
}
