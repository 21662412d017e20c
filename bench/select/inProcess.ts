/** Measures scoring and selection on their own, on the same rows, without HTTP. */

import { createReader } from "../../api/queries/reading/database.ts";
import { chainAsOf, momentOf } from "../../api/queries/state/asOf.ts";
import { PositionWatcher, readProgress } from "../../api/queries/state/position.ts";
import type { ApiSettings } from "../../api/queries/state/service.ts";
import { questionOf } from "../../api/snapshot/question.ts";
import { RegistryEvidence } from "../../api/snapshot/registryEvidence.ts";
import { scoreRegistry } from "../../api/snapshot/registryScores.ts";
import { Selector } from "../../api/snapshot/selector.ts";
import { Snapshots } from "../../api/snapshot/snapshots.ts";
import { BASE_CHAIN_ID, OG_CHAIN_ID } from "../../api/testing/worlds/chainTables.ts";
import { REGISTRY } from "../../api/testing/worlds/registryHistory.ts";
import { createLog } from "../../config/log.ts";
import { median } from "../figures.ts";

/** More than it takes to compile what is measured. */
const RUNS = 25;
const SELECTIONS = 20_000;
const COUNT = 3;

const settings: ApiSettings = {
  chainIds: { og: OG_CHAIN_ID, base: BASE_CHAIN_ID },
  registries: [REGISTRY],
  commonPayees: [],
  dailyOrganicCaps: [],
  allowPrivateEndpoints: false,
  maxLagSeconds: 120,
  graphqlMaxResponseBytes: 4_194_304,
  version: "bench",
  build: "bench",
};

async function medianMs(work: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const startedAt = performance.now();
    await work();
    times.push(performance.now() - startedAt);
  }
  return median(times);
}

export interface InProcessFigures {
  /** Reading everything there is of all nodes, and what they inherited. */
  readonly readMs: number;
  /** Scoring all nodes, nothing kept from before. */
  readonly scoreMs: number;
  /** Weighing all nodes for a question that was not asked before. */
  readonly prepareMs: number;
  /** One selection of three. */
  readonly selectMicros: number;
}

export async function measureInProcess(databaseUrl: string): Promise<InProcessFigures> {
  const reader = createReader({
    urls: [databaseUrl],
    connections: 2,
    statementTimeoutMs: 120_000,
    onConnectionError: () => {},
  });
  const pause = () => undefined;
  try {
    const startedAt = performance.now();
    const evidence = await reader.read(async (transaction) => {
      const { og } = await readProgress(transaction, settings.chainIds, ["og"]);
      if (og.position === null) throw new Error("the history has no head");
      const moment = momentOf(chainAsOf(og.position));
      return RegistryEvidence.begin(transaction, moment, REGISTRY, settings.commonPayees, null);
    });
    await evidence.settle(pause);
    const readMs = performance.now() - startedAt;
    const scoreMs = await medianMs(() => scoreRegistry(evidence, null, settings, pause));

    const log = createLog({ LOG_LEVEL: "warn", LOG_FORMAT: "pretty" }, "bench");
    const snapshots = new Snapshots({ reader, watcher: new PositionWatcher(), settings, log, pause });
    await snapshots.refresh();
    const { snapshot } = snapshots.newest;
    const asked = questionOf(settings, { teeType: 0, strategy: "weighted" });
    const prepareMs = await medianMs(() => new Selector(snapshot).select(asked, "seed", COUNT));
    const selector = snapshots.newest;
    const selectionsMs = await medianMs(() => {
      for (let index = 0; index < SELECTIONS; index++) selector.select(asked, `seed ${index}`, COUNT);
    });
    return { readMs, scoreMs, prepareMs, selectMicros: (1_000 * selectionsMs) / SELECTIONS };
  } finally {
    await reader.close();
  }
}
