/** Sets Base's chain up and plans its traffic. */
import type { DevChain } from "./chain.ts";
import type { CompiledContracts } from "./compile.ts";
import { placeBaseContracts } from "./placement.ts";
import type { SeededRandom } from "./random.ts";
import { Timeline } from "./timeline.ts";
import { type BaseWorld, openWallets } from "./traffic/baseWorld.ts";
import type { Cast } from "./traffic/cast.ts";
import { planChannels } from "./traffic/channels.ts";
import type { Pace, Span } from "./traffic/ogWorld.ts";
import { planPayments } from "./traffic/payments.ts";

export async function openBaseWorld(
  chain: DevChain,
  compiled: CompiledContracts,
  cast: Cast,
  random: SeededRandom,
  span: Span,
  pace: Pace,
): Promise<BaseWorld> {
  const contracts = await placeBaseContracts(chain, compiled);
  const world: BaseWorld = { chain, contracts, cast, random, timeline: new Timeline(), span, pace };
  await openWallets(world);
  await chain.mine(span.from);

  planPayments(world);
  planChannels(world);
  return world;
}
