/**
 * Heartbeats: two facilitators relay them in rounds, one with a transaction per heartbeat, the other with one for all. Nodes
 * and one relayer have outages; some heartbeats arrive late or out of order, and an unrelated account replays some.
 */
import { encodeCall } from "../chain.ts";
import { heartbeatMessage, signPss } from "../pss.ts";
import { at } from "./cast.ts";
import { atFraction, type NodeState, type OgWorld, type SignedHeartbeat } from "./ogWorld.ts";

const HOUR = 3600;
const MAX_SIGNING_TO_BLOCK_SECONDS = 12;
const LATE = 0.015;
const SENT_AGAIN = 0.012;
/** How often a relayer tries for a node that is switched off. */
const TRIED_IN_VAIN = 0.15;

interface Heartbeat extends SignedHeartbeat {
  readonly node: NodeState;
}

/** Plans the rounds of both relayers and the nodes' outages. */
export function planHeartbeats(world: OgWorld): void {
  const { span, cast, pace } = world;
  cast.heartbeatRelayers.forEach((_, relayer) => {
    planRound(world, relayer, span.from + 60 + Math.floor((relayer * pace.heartbeatIntervalSeconds) / 2));
  });
  for (const node of world.nodes) planOutages(world, node);
}

/** Whether the registry accepts a heartbeat in the current block. */
const accepted = (world: OgWorld, { node, signedAt }: Heartbeat, now: number): boolean =>
  node.registered && node.enabled && signedAt <= now && now - signedAt <= world.heartbeatMaxAge;

function planRound(world: OgWorld, relayer: number, when: number): void {
  const draw = world.random.fork(`round ${relayer} ${when}`);
  const interval = intervalAt(world, when);
  world.timeline.plan(when + draw.integer(0, Math.min(10, Math.floor(interval / 10))), async (now) => {
    planRound(world, relayer, nextRound(world, when));
    if (relayer === 1 && relayerIsSilent(world, now)) return;
    const punctual: Heartbeat[] = [];
    for (const node of world.nodes) {
      if (node.identity.index % world.cast.heartbeatRelayers.length !== relayer) continue;
      if (!node.registered || node.dark || node.stopped) continue;
      if (!node.enabled && !draw.chance(TRIED_IN_VAIN)) continue;
      const heartbeat = sign(node, now - draw.integer(1, MAX_SIGNING_TO_BLOCK_SECONDS));
      const delay = draw.integer(200, 2400);
      if (draw.chance(LATE)) planLate(world, relayer, heartbeat, now + delay);
      else punctual.push(heartbeat);
      if (draw.chance(SENT_AGAIN)) planRepeat(world, heartbeat, now + delay);
    }
    if (relayer === 0) for (const heartbeat of punctual) await send(world, relayer, heartbeat, now);
    else await sendTogether(world, relayer, punctual, now);
  });
}

const intervalAt = ({ span, pace }: OgWorld, when: number): number =>
  when < span.until ? pace.heartbeatIntervalSeconds : pace.liveHeartbeatSeconds;

/** The history's last round is followed by a live one no later than live ones follow each other. */
function nextRound(world: OgWorld, when: number): number {
  const next = when + intervalAt(world, when);
  const { span, pace } = world;
  return when < span.until ? Math.min(next, span.until + pace.liveHeartbeatSeconds) : next;
}

function sign(node: NodeState, signedAt: number): Heartbeat {
  const { key, teeId } = node.identity;
  const heartbeat = { signedAt, signature: signPss(key, heartbeatMessage(teeId, signedAt)) };
  node.newestHeartbeat = heartbeat;
  return { node, ...heartbeat };
}

const callOf = ({ node, signedAt, signature }: Heartbeat) =>
  [node.identity.teeId, BigInt(signedAt), signature] as const;

async function send(world: OgWorld, relayer: number, heartbeat: Heartbeat, now: number): Promise<void> {
  const from = at(world.cast.heartbeatRelayers, relayer);
  await world.chain.call(
    from,
    world.contracts.registry,
    "heartbeat",
    callOf(heartbeat),
    !accepted(world, heartbeat, now),
  );
}

/** One transaction for all; a refused heartbeat would take the others with it, so it is left out. */
async function sendTogether(world: OgWorld, relayer: number, all: Heartbeat[], now: number): Promise<void> {
  const { registry, multicaller } = world.contracts;
  const calls = all
    .filter((heartbeat) => accepted(world, heartbeat, now))
    .map((heartbeat) => ({
      target: registry.address,
      data: encodeCall(registry, "heartbeat", callOf(heartbeat)),
    }));
  if (calls.length === 0) return;
  await world.chain.call(at(world.cast.heartbeatRelayers, relayer), multicaller, "aggregate", [calls]);
}

/** Held back, so that younger ones may come first; too late, and it is refused. */
function planLate(world: OgWorld, relayer: number, heartbeat: Heartbeat, when: number): void {
  world.timeline.plan(when, (now) => send(world, relayer, heartbeat, now));
}

/** The same signature again, from anyone: accepted until it is too old. */
function planRepeat(world: OgWorld, heartbeat: Heartbeat, when: number): void {
  world.timeline.plan(when, async (now) => {
    const { chain, cast, contracts } = world;
    await chain.call(
      cast.passerBy,
      contracts.registry,
      "heartbeat",
      callOf(heartbeat),
      !accepted(world, heartbeat, now),
    );
  });
}

/** An unrelated account sends a node's last signature again, in the next block. */
export function replayNewest(world: OgWorld, node: NodeState, heartbeat: SignedHeartbeat): void {
  planRepeat(world, { node, ...heartbeat }, 0);
}

/** The second relayer is down once in the history, for 2.2 hours or a twentieth of it. */
function relayerIsSilent({ span }: OgWorld, now: number): boolean {
  const from = atFraction(span, 0.66);
  return now >= from && now < from + Math.min(2.2 * HOUR, (span.until - span.from) / 20);
}

/** Outages of a node's own: mostly about an hour, a few times a week; one node often, one for good. */
function planOutages(world: OgWorld, node: NodeState): void {
  const { index } = node.identity;
  const { timeline, span } = world;
  const draw = world.random.fork(`outages ${index}`);
  const meanBetween = index === 4 ? 4 * HOUR : 30 * HOUR;
  if (index === 8)
    timeline.plan(atFraction(span, 0.7), () => {
      node.dark = true;
    });
  else planNext(span.from);

  function planNext(after: number): void {
    timeline.plan(Math.floor(after + draw.wait(meanBetween)), (now) => {
      node.dark = true;
      timeline.plan(now + 600 + Math.floor(draw.wait(HOUR)), (later) => {
        node.dark = false;
        planNext(later);
      });
    });
  }
}
