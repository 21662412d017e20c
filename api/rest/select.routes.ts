/** `/v1/select`: which node to send the next inference to. Answered from memory. */
import { z } from "@hono/zod-openapi";
import { entityTag, refuseStale, setFreshness, tagMatches } from "../queries/state/asOf.ts";
import type { ApiService } from "../queries/state/service.ts";
import { SCORING } from "../scoring/index.ts";
import { EXCLUSION_REASONS } from "../snapshot/candidates.ts";
import { type NamedQuestion, questionOf } from "../snapshot/question.ts";
import type { SelectionAnswer } from "../snapshot/selector.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type { Snapshots } from "../snapshot/snapshots.ts";
import { unixSeconds } from "./fieldSchemas.ts";
import { nodeSchema } from "./node.schema.ts";
import {
  addressListParameter,
  booleanParameter,
  decimalParameter,
  freshnessParameters,
  hashListParameter,
  hashParameter,
  integerParameter,
  oneOfParameter,
  registryParameter,
  textParameter,
} from "./parameters.ts";
import { type ApiApp, defineRoute } from "./route.ts";

const { mostSelected } = SCORING;

export const selectionSchema = z
  .strictObject({
    asOf: z.strictObject({
      og: z.strictObject({ chainId: z.int(), blockNumber: z.int(), blockTime: unixSeconds() }),
      base: z.null(),
      proofsRevision: z.null(),
      probeRound: z.null(),
      observationsRevision: z.int(),
    }),
    scoreVersion: z.string(),
    seed: z.string(),
    validUntil: unixSeconds().nullable(),
    nodes: z.array(
      z.strictObject({
        rank: z.int(),
        probability: z.number(),
        node: nodeSchema.omit({ metrics: true }),
      }),
    ),
    excluded: z.array(z.strictObject({ reason: z.enum(EXCLUSION_REASONS), count: z.int() })),
  })
  .openapi("SelectionAnswer");

const queryShape = {
  ...freshnessParameters,
  teeType: integerParameter(0, 255, "TEE type.").default(0).openapi({ default: 0 }),
  count: integerParameter(1, mostSelected, "Nodes to return: the first and its fallbacks.")
    .default(1)
    .openapi({ default: 1 }),
  strategy: oneOfParameter(
    ["weighted", "best", "random"],
    "`weighted`: by score within limits per operator and machine. `best`: highest scores first. `random`: each alike.",
  ).default("weighted"),
  seed: textParameter().optional(),
  only: hashListParameter("Node ids to choose among, comma-separated.").optional(),
  exclude: hashListParameter("Node ids to leave out, comma-separated.").optional(),
  owner: addressListParameter("Operators to choose among, comma-separated.").optional(),
  excludeOwner: addressListParameter("Operators to leave out, comma-separated.").optional(),
  pcrHash: hashParameter().optional(),
  pcr: oneOfParameter(
    ["latest"],
    "Only nodes that run the PCR approved last for their type, of those still approved.",
  ).optional(),
  ohttp: booleanParameter("Only nodes with a key for Oblivious HTTP.").optional(),
  minScore: decimalParameter(0, 100, "Lowest score.").optional(),
  minUptime: decimalParameter(
    0,
    1,
    "Lowest share of the observed time, weighed by age, during which the node was proved alive.",
  ).optional(),
  registry: registryParameter().optional(),
};

type Query = z.output<z.ZodObject<typeof queryShape>>;

/** Scores use neither payments nor what the verifier found out, and nobody probes yet. */
function asOfJson({ asOf: { og }, revision }: Snapshot): string {
  if (og === null) throw new Error("a snapshot belongs to a block of OpenGradient");
  const { chainId, blockNumber, blockTime } = og;
  return JSON.stringify({
    og: { chainId, blockNumber, blockTime },
    base: null,
    proofsRevision: null,
    probeRound: null,
    observationsRevision: revision,
  });
}

/** Put together by hand: nodes are JSON already. */
function bodyOf(
  snapshot: Snapshot,
  seed: string,
  { scoreVersion, validUntil, nodes, excluded }: SelectionAnswer,
) {
  const shown = nodes.map(
    ({ rank, probability, json }) => `{"rank":${rank},"probability":${probability},"node":${json}}`,
  );
  return `{"asOf":${asOfJson(snapshot)},"scoreVersion":${JSON.stringify(scoreVersion)},"seed":${JSON.stringify(seed)},"validUntil":${validUntil},"nodes":[${shown.join(",")}],"excluded":${JSON.stringify(excluded)}}`;
}

export interface SelectOptions extends ApiService {
  readonly snapshots: Snapshots;
  /** Makes a seed nobody can foresee. */
  readonly newSeed: () => string;
}

export function selectRoutes(app: ApiApp, { snapshots, newSeed, settings, clock }: SelectOptions): void {
  // A parsed query is the same object as long as its text is remembered.
  const known = new WeakMap<Query, NamedQuestion>();
  const askedBy = (query: Query): NamedQuestion => {
    const before = known.get(query);
    if (before !== undefined) return before;
    const { seed: _, count, maxLag, ...wish } = query;
    const asked = questionOf(settings, wish);
    known.set(query, asked);
    return asked;
  };

  defineRoute(
    app,
    {
      path: "/v1/select",
      operationId: "selectNodes",
      tag: "Selection",
      summary: "Which nodes to use, the first and its fallbacks, with all that is needed to connect.",
      answers: "one",
      schema: selectionSchema,
      params: {},
      query: queryShape,
    },
    async (context, { query }) => {
      const asked = askedBy(query);
      const selector = snapshots.newest;
      const { asOf, revision } = selector.snapshot;
      const now = clock();
      context.set("freshness", asOf);
      refuseStale(asOf, query.maxLag ?? settings.maxLagSeconds, now);
      // Compression is decided further out; said here, it need not be added there.
      const headers = new Headers({ "Content-Type": "application/json", Vary: "Accept-Encoding" });
      setFreshness(headers, asOf, now);
      if (query.seed === undefined) headers.set("Cache-Control", "no-store");
      else {
        const tag = entityTag({ path: context.req.path, query, asOf, revision: String(revision) });
        headers.set("Cache-Control", "no-cache");
        headers.set("ETag", tag);
        if (tagMatches(context.req.header("If-None-Match"), tag)) {
          headers.delete("Content-Type");
          return new Response(null, { status: 304, headers });
        }
      }
      const seed = query.seed ?? newSeed();
      const body = bodyOf(selector.snapshot, seed, selector.select(asked, seed, query.count));
      headers.set("Content-Length", String(Buffer.byteLength(body)));
      return new Response(body, { headers });
    },
  );
}
