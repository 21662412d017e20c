/** The earlier generations of registry and relay: a little history of their own at the beginning. */
import type { Address, Hex } from "viem";
import { keccak256, stringToHex } from "viem";
import { upgradeRelay } from "../placement.ts";
import { heartbeatMessage, signPss } from "../pss.ts";
import { at, type NodeIdentity } from "./cast.ts";
import { atFraction, type OgWorld, utf8Hex } from "./ogWorld.ts";
import { registrationInput } from "./registryTraffic.ts";

const TEE_OPERATOR = keccak256(stringToHex("TEE_OPERATOR"));
const GRACE_PERIOD_SECONDS = 1800;
/** Where the node that was removed came back. */
const MOVED_ENDPOINT = "https://back.legacy.example.net";

/** Sends what the earlier relay recorded, then replaces its code; takes no time of its own. */
export async function settleOnLegacyRelay(world: OgWorld, mine: () => Promise<void>): Promise<void> {
  const { chain, cast, contracts } = world;
  const draw = world.random.fork("legacy relay");
  for (let i = 0; i < 3; i++)
    await chain.call(draw.pick(cast.operators.slice(1)), contracts.legacyRelay, "settle", [
      draw.hex(32),
      draw.hex(32),
    ]);
  await chain.call(cast.batchRelayer, contracts.legacyRelay, "batchSettle", [draw.hex(32), 17n]);
  await chain.call(cast.passerBy, contracts.legacyRelay, "settleWithMetadata", [
    draw.hex(32),
    draw.hex(32),
    "meta-llama/Llama-3.1-8B\u0000<i>",
    utf8Hex('{"prompt":"What is 2 + 2?"}'),
    "0x00fffe",
  ]);
  await mine();
  await upgradeRelay(chain, contracts, cast.admin);
}

/** Plans the earlier registry's life, within the first tenth of the history. */
export function planLegacyRegistry(world: OgWorld): void {
  const { timeline, span, cast, chain, contracts } = world;
  const registry = contracts.legacyRegistry;
  const { admin } = cast;
  const on = (fraction: number, act: (now: number) => Promise<unknown>) =>
    timeline.plan(atFraction(span, fraction), async (now) => {
      await act(now);
    });
  const call = (from: Address, name: string, args: readonly unknown[], reverts = false) =>
    chain.call(from, registry, name, args, reverts);
  const [veteran, leaver, revoked] = [
    at(cast.legacyNodes, 0),
    at(cast.legacyNodes, 1),
    at(cast.legacyNodes, 2),
  ];
  // The wallet contract has no business here: the first legacy node's owner acts for itself.
  const owner = at(cast.operators, 1);
  const pcr = veteran.image.pcrHash;
  const running = new Set<NodeIdentity>();

  on(0.001, async () => {
    await call(admin, "addTEEType", [0, "LLMProxy"]);
    await call(admin, "addTEEType", [1, "Validator"]);
    await call(admin, "grantRole", [TEE_OPERATOR, owner]);
    await call(admin, "approvePCR", [pcr, veteran.image.version]);
    await call(admin, "approvePCR", [world.random.fork("old pcr").hex(32), "v0.8.0"]);
    await call(admin, "setAWSRootCertificate", [world.random.fork("legacy aws root").hex(400)]);
  });
  on(0.002, async () => {
    for (const node of [veteran, leaver, revoked]) {
      await chain.send({ from: owner, to: registry.address, data: registrationInput(node) });
      running.add(node);
    }
  });
  planRounds(world, running, atFraction(span, 0.003), atFraction(span, 0.08));

  on(0.02, async () => {
    running.delete(revoked);
    await call(owner, "deactivateTEE", [revoked.teeId]);
  });
  on(0.025, async () => {
    await call(admin, "activateTEE", [revoked.teeId]);
    running.add(revoked);
  });
  on(0.03, () => call(admin, "revokePCR", [world.random.fork("old pcr").hex(32)]));
  on(0.04, async () => {
    running.delete(leaver);
    await call(owner, "removeTEE", [leaver.teeId]);
  });
  on(0.045, async () => {
    const moved = { ...leaver, endpoint: utf8Hex(MOVED_ENDPOINT), paymentAddress: cast.passerBy };
    await chain.send({ from: owner, to: registry.address, data: registrationInput(moved) });
    running.add(leaver);
  });
  on(0.055, async () => {
    running.delete(leaver);
    await call(owner, "removeTEE", [leaver.teeId]);
  });
  on(0.05, () => call(admin, "deactivateTEEType", [1]));
  on(0.06, () => call(admin, "revokePCR", [pcr, BigInt(GRACE_PERIOD_SECONDS)]));
  on(0.08, async () => {
    running.clear();
    await call(owner, "deactivateTEE", [revoked.teeId]);
  });
}

/** Heartbeats of the earlier registry's running nodes. */
function planRounds(world: OgWorld, running: ReadonlySet<NodeIdentity>, when: number, until: number): void {
  if (when >= until) return;
  world.timeline.plan(when, async (now) => {
    for (const node of running) {
      const signedAt = now - 4;
      const signature: Hex = signPss(node.key, heartbeatMessage(node.teeId, signedAt));
      await world.chain.call(
        at(world.cast.heartbeatRelayers, 0),
        world.contracts.legacyRegistry,
        "heartbeat",
        [node.teeId, BigInt(signedAt), signature],
      );
    }
    planRounds(world, running, when + world.pace.heartbeatIntervalSeconds, until);
  });
}
