/** Status: how far each chain is indexed; and AsOf: the state that an answer belongs to. */

import { CHAIN_NAMES, type ChainName } from "../../config/environment.ts";
import { readVerifierBacklog } from "../queries/settlements/backlog.ts";
import type { AsOf, ChainAsOf } from "../queries/state/asOf.ts";
import { readProgress } from "../queries/state/position.ts";
import { readProofTables } from "../queries/state/proofTables.ts";
import { originOf } from "../queries/state/service.ts";
import { SCORE_VERSION } from "../scoring/index.ts";
import { builder } from "./builder/builder.ts";
import { NOTHING } from "./execution/plan/reads.ts";
import type { GraphState } from "./execution/state.ts";

const ChainPosition = builder.objectRef<ChainAsOf>("ChainPosition").implement({
  description: "A block that answers are made at.",
  fields: (t) => ({
    chainId: t.exposeInt("chainId", { description: "EIP-155 id of the chain." }),
    blockNumber: t.expose("blockNumber", { type: "Long" }),
    blockTime: t.expose("blockTime", {
      type: "Timestamp",
      description: "The block's timestamp, unix seconds: `now` for everything about this chain.",
    }),
  }),
});

const AsOfRef = builder.objectRef<AsOf>("AsOf").implement({
  description:
    "The state that this answer belongs to. Equal states give equal answers. Also in the answer's `extensions.asOf`.",
  fields: (t) => ({
    og: t.expose("og", {
      type: ChainPosition,
      nullable: true,
      description: "OpenGradient; null when the request reads nothing of it, or it is not ready.",
    }),
    base: t.expose("base", {
      type: ChainPosition,
      nullable: true,
      description: "Base; null when the request reads nothing of it, or it is not ready.",
    }),
    proofsRevision: t.expose("proofs", {
      type: "Long",
      nullable: true,
      description: "How often the verifier's findings had changed; null when the request reads none.",
    }),
  }),
});

interface ChainStatus {
  readonly chain: ChainName;
  readonly chainId: number;
  readonly blockNumber: number | null;
  readonly blockHash: string | null;
  readonly blockTime: number | null;
  readonly finalizedBlock: number | null;
  readonly lagSeconds: number | null;
  readonly ready: boolean;
}

interface VerifierStatus {
  readonly pending: number | null;
  readonly oldestPendingSeconds: number | null;
}

interface Status {
  readonly chains: readonly ChainStatus[];
  readonly verifier: VerifierStatus;
  readonly version: string;
  readonly scoreVersion: string;
  readonly digest: string;
}

/** Includes chains that are not ready, because they are still being indexed or are recovering. */
async function readStatus({ transaction, service }: GraphState): Promise<Status> {
  const { settings, watcher, clock } = service;
  const progress = await readProgress(transaction, settings.chainIds);
  const secondsSince = (time: number) => Math.max(0, Math.floor(clock() / 1_000) - time);
  const proofs = await readProofTables(transaction, settings.chainIds.og);
  const backlog = await readVerifierBacklog(transaction, proofs, settings.chainIds.og);
  const verifier: VerifierStatus = {
    pending: backlog?.pending ?? null,
    oldestPendingSeconds: backlog?.oldestAt == null ? null : secondsSince(backlog.oldestAt),
  };
  const chains = CHAIN_NAMES.map((chain): ChainStatus => {
    const { position } = progress[chain];
    return {
      chain,
      chainId: settings.chainIds[chain],
      blockNumber: position?.blockNumber ?? null,
      blockHash: position?.blockHash ?? null,
      blockTime: position?.blockTime ?? null,
      finalizedBlock: position?.finalizedBlock ?? null,
      lagSeconds: position === null ? null : secondsSince(position.blockTime),
      ready: watcher.admit(chain, progress[chain]) !== null,
    };
  });
  const { version } = settings;
  return { chains, verifier, version, scoreVersion: SCORE_VERSION, digest: originOf(settings) };
}

export const ChainNameEnum = builder.enumType("ChainName", {
  description: "The chains that are indexed.",
  values: {
    OG: { value: "og", description: "OpenGradient." },
    BASE: { value: "base", description: "Base." },
  } as const,
});

const ChainStatusRef = builder.objectRef<ChainStatus>("ChainStatus").implement({
  description: "How far one chain's index is.",
  fields: (t) => ({
    chain: t.expose("chain", { type: ChainNameEnum, description: "The chain." }),
    chainId: t.exposeInt("chainId", { description: "EIP-155 id of the chain." }),
    blockNumber: t.expose("blockNumber", {
      type: "Long",
      nullable: true,
      description: "Newest indexed block; null before the first.",
    }),
    blockHash: t.expose("blockHash", {
      type: "Hex",
      nullable: true,
      description: "That block's hash, 32 bytes; null when it had no event.",
    }),
    blockTime: t.expose("blockTime", {
      type: "Timestamp",
      nullable: true,
      description: "That block's timestamp, unix seconds.",
    }),
    finalizedBlock: t.expose("finalizedBlock", { type: "Long", nullable: true }),
    lagSeconds: t.expose("lagSeconds", { type: "Long", nullable: true }),
    ready: t.exposeBoolean("ready"),
  }),
});

const VerifierStatusRef = builder.objectRef<VerifierStatus>("VerifierStatus").implement({
  description: "What the verifier still has to check.",
  fields: (t) => ({
    pending: t.expose("pending", { type: "Long", nullable: true }),
    oldestPendingSeconds: t.expose("oldestPendingSeconds", { type: "Long", nullable: true }),
  }),
});

const StatusRef = builder.objectRef<Status>("Status").implement({
  description: "How far everything is.",
  fields: (t) => ({
    chains: t.field({
      type: [ChainStatusRef],
      description: "OpenGradient, then Base.",
      resolve: ({ chains }) => [...chains],
    }),
    verifier: t.expose("verifier", { type: VerifierStatusRef }),
    version: t.exposeString("version"),
    scoreVersion: t.exposeString("scoreVersion"),
    digest: t.exposeString("digest"),
  }),
});

builder.queryFields((t) => ({
  asOf: t.field({
    type: AsOfRef,
    description: "The state that this answer belongs to.",
    resolve: (_, __, { state }) => state.asOf,
  }),
  status: t.field({
    type: StatusRef,
    description: "How far everything is indexed and verified. Answered also while no chain is ready.",
    extensions: { reads: { sources: NOTHING, rows: 2, momentary: true } },
    resolve: (_, __, { state }) => readStatus(state),
  }),
}));
