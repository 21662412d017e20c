/** `/v1/status`, `/health` and `/ready`: these work while nothing else does. */
import { z } from "@hono/zod-openapi";
import { CHAIN_NAMES, type ChainName } from "../../config/environment.ts";
import { readVerifierBacklog } from "../queries/settlements/backlog.ts";
import { type AsOf, chainAsOf, type Freshness, refuseStale, setFreshness } from "../queries/state/asOf.ts";
import { freshnessOfNothing } from "../queries/state/freshness.ts";
import { indexing, type Position, readProgress } from "../queries/state/position.ts";
import { readProofTables } from "../queries/state/proofTables.ts";
import { type ApiService, originOf } from "../queries/state/service.ts";
import { SCORE_VERSION } from "../scoring/index.ts";
import { hash32, unixSeconds } from "./fieldSchemas.ts";
import { answerKept, toKept } from "./keptAnswer.ts";
import { freshnessParameters } from "./parameters.ts";
import { type ApiApp, defineRoute } from "./route.ts";

const chainStatus = z.strictObject({
  chainId: z.int(),
  block: z.strictObject({ number: z.int(), hash: hash32().nullable(), timestamp: unixSeconds() }).nullable(),
  finalizedBlock: z.int().nullable(),
  lagSeconds: z.int().nullable(),
  ready: z.boolean(),
});

export const statusSchema = z
  .strictObject({
    chains: z.strictObject({ og: chainStatus, base: chainStatus }),
    verifier: z.strictObject({
      pending: z.int().nullable(),
      oldestPendingSeconds: z.int().nullable(),
    }),
    prober: z.strictObject({
      due: z.int().nullable(),
      lastRoundAt: unixSeconds().nullable(),
      lastRoundUsable: z.boolean().nullable(),
    }),
    version: z.string(),
    scoreVersion: z.string(),
    digest: z.string(),
  })
  .openapi("Status");

type Positions = Readonly<Record<ChainName, Position | null>>;
const asOfPositions = ({ og, base }: Positions, settings: ApiService["settings"]): AsOf => ({
  og: og === null ? null : chainAsOf(og),
  base: base === null ? null : chainAsOf(base),
  proofs: null,
  origin: originOf(settings),
});

/** For whoever watches the process: nobody may keep it. */
function momentary(body: object, freshness: Freshness, nowMs: number): Response {
  const headers = new Headers({ "Content-Type": "application/json", "Cache-Control": "no-store" });
  setFreshness(headers, freshness, nowMs);
  return new Response(JSON.stringify(body), { headers });
}

export function statusRoutes(app: ApiApp, service: ApiService): void {
  const { settings, clock, watcher } = service;
  const secondsSince = (time: number) => Math.max(0, Math.floor(clock() / 1_000) - time);
  const lagOf = ({ blockTime }: Position) => secondsSince(blockTime);

  defineRoute(
    app,
    {
      path: "/v1/status",
      operationId: "getStatus",
      tag: "Index",
      summary: "How far everything is.",
      answers: "one",
      schema: statusSchema,
      params: {},
      query: freshnessParameters,
    },
    async (context, { query }) => {
      const { progress, backlog } = await service.reader.read(
        async (transaction) => ({
          progress: await readProgress(transaction, settings.chainIds),
          backlog: await readVerifierBacklog(
            transaction,
            await readProofTables(transaction, settings.chainIds.og),
            settings.chainIds.og,
          ),
        }),
        { signal: context.req.raw.signal, client: context.get("fairnessKey") },
      );
      const positions = { og: watcher.admit("og", progress.og), base: watcher.admit("base", progress.base) };
      const asOf = asOfPositions(positions, settings);
      context.set("freshness", asOf);
      if (query.maxLag !== undefined)
        for (const chain of CHAIN_NAMES)
          if (positions[chain] === null) throw indexing(chain, progress[chain]);
      refuseStale(asOf, query.maxLag, clock());
      const statusOf = (chain: ChainName) => {
        // While it is being indexed, or recovers, this is how far it is; nothing is answered from it.
        const { position } = progress[chain];
        return position === null
          ? {
              chainId: settings.chainIds[chain],
              block: null,
              finalizedBlock: null,
              lagSeconds: null,
              ready: false,
            }
          : {
              chainId: position.chainId,
              block: {
                number: position.blockNumber,
                hash: position.blockHash,
                timestamp: position.blockTime,
              },
              finalizedBlock: position.finalizedBlock,
              lagSeconds: lagOf(position),
              ready: positions[chain] !== null,
            };
      };
      const body = {
        chains: { og: statusOf("og"), base: statusOf("base") },
        verifier: {
          pending: backlog?.pending ?? null,
          oldestPendingSeconds: backlog?.oldestAt == null ? null : secondsSince(backlog.oldestAt),
        },
        prober: { due: null, lastRoundAt: null, lastRoundUsable: null },
        version: settings.version,
        scoreVersion: SCORE_VERSION,
        digest: asOf.origin,
      };
      const headers = new Headers();
      setFreshness(headers, asOf, clock());
      // Its lag changes with the clock: it has to be asked for each time.
      return answerKept(context, toKept(JSON.stringify(body), "application/json", "no-cache"), headers);
    },
  );

  defineRoute(
    app,
    {
      path: "/health",
      operationId: "getHealth",
      tag: "Index",
      summary: "Whether the process answers at all.",
      answers: "one",
      momentary: true,
      schema: z.strictObject({ status: z.literal("ok") }),
      params: {},
      query: freshnessParameters,
    },
    () => momentary({ status: "ok" }, freshnessOfNothing(service), clock()),
  );

  defineRoute(
    app,
    {
      path: "/ready",
      operationId: "getReadiness",
      tag: "Index",
      summary: "Whether OpenGradient is indexed and fresh enough to answer from; Base may be down.",
      answers: "one",
      momentary: true,
      schema: z.strictObject({
        ready: z.boolean(),
        chains: z.strictObject({ og: z.boolean(), base: z.boolean() }),
      }),
      params: {},
      query: freshnessParameters,
    },
    // Nothing is read: probes ask every few seconds, and are never refused. The process looks by itself.
    (context, { query }) => {
      if (watcher.failure !== null) throw watcher.failure;
      const positions = { og: watcher.newest("og"), base: watcher.newest("base") };
      const asOf = asOfPositions(positions, settings);
      context.set("freshness", asOf);
      if (positions.og === null) throw indexing("og", watcher.progress("og"));
      refuseStale({ og: asOf.og, base: null }, query.maxLag ?? settings.maxLagSeconds, clock());
      const ready = { ready: true, chains: { og: true, base: positions.base !== null } };
      return momentary(ready, asOf, clock());
    },
  );
}
