/** Sets OpenGradient's chain up and plans its traffic. */
import type { BlobFiles } from "./blobStore.ts";
import type { DevChain } from "./chain.ts";
import type { CompiledContracts } from "./compile.ts";
import { placeOgContracts } from "./placement.ts";
import type { SeededRandom } from "./random.ts";
import { Timeline } from "./timeline.ts";
import type { Cast } from "./traffic/cast.ts";
import { planHeartbeats } from "./traffic/heartbeats.ts";
import { planLegacyRegistry, settleOnLegacyRelay } from "./traffic/legacyHistory.ts";
import type { OgWorld, Pace, Span } from "./traffic/ogWorld.ts";
import { planOnchainInferences } from "./traffic/onchainInferences.ts";
import { openRegistry, planRegistry } from "./traffic/registryTraffic.ts";
import { planSettlements } from "./traffic/settlements.ts";

export async function openOgWorld(
  chain: DevChain,
  compiled: CompiledContracts,
  blobs: BlobFiles,
  cast: Cast,
  random: SeededRandom,
  span: Span,
  pace: Pace,
): Promise<OgWorld> {
  const contracts = await placeOgContracts(chain, compiled, cast.admin);
  const world: OgWorld = {
    chain,
    contracts,
    blobs,
    cast,
    random,
    timeline: new Timeline(),
    span,
    pace,
    nodes: cast.nodes.map((identity) => ({
      identity,
      registered: false,
      enabled: false,
      dark: false,
      stopped: false,
      newestHeartbeat: null,
    })),
    approvedImages: new Set(),
    heartbeatMaxAge: 1800,
  };
  const mineNext = () => chain.mine(Math.max(span.from, chain.timestamp + 1));
  await mineNext();
  await settleOnLegacyRelay(world, mineNext);
  await mineNext();
  await openRegistry(world);
  await mineNext();

  planLegacyRegistry(world);
  planRegistry(world);
  planHeartbeats(world);
  planSettlements(world);
  planOnchainInferences(world);
  return world;
}
