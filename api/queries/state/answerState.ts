/** The state an answer is made from, by REST or GraphQL: positions, the rows that belong to them, and the moment. */
import type { ChainName } from "../../../config/environment.ts";
import { ApiError } from "../../errors.ts";
import type { ReadTransaction } from "../reading/database.ts";
import { type AsOf, type ChainAsOf, chainAsOf, momentOf } from "./asOf.ts";
import { type Moment, momentAt } from "./moment.ts";
import { observationRevision } from "./observations.ts";
import { findPinned, type Pin } from "./pin.ts";
import { indexing, type Position, readProgress } from "./position.ts";
import { type ProofTables, readProofTables } from "./proofTables.ts";
import { type ApiService, originOf } from "./service.ts";

/** What an answer has something from: an optional chain that is not ready leaves its fields null. */
export interface Sources {
  readonly required: readonly ChainName[];
  readonly optional?: readonly ChainName[];
  /** What the verifier found out. */
  readonly proofs?: "read";
}

/** The state an answer is made from. */
export class AnswerState {
  readonly #proofs: ProofTables | null;

  constructor(
    readonly transaction: ReadTransaction,
    readonly asOf: AsOf,
    proofs: ProofTables | null,
  ) {
    this.#proofs = proofs;
  }

  /** What the verifier found out, when that is among the answer's sources. */
  get proofs(): ProofTables {
    if (this.#proofs === null) throw new Error("proofs are not among the sources of this answer");
    return this.#proofs;
  }

  /** The newest state of a chain that the answer requires. */
  moment(chain: ChainName): Moment {
    const moment = this.optionalMoment(chain);
    if (moment === null) throw new Error(`${chain} is not among the chains this answer requires`);
    return moment;
  }

  /** Null while the chain cannot be answered from. */
  optionalMoment(chain: ChainName): Moment | null {
    const part = this.asOf[chain];
    return part === null ? null : momentOf(part);
  }

  /**
   * OpenGradient's state at a second, or now.
   * @throws {ApiError} `at-in-future`.
   */
  async momentAt(at: number | undefined): Promise<Moment> {
    const newest = this.moment("og");
    if (at === undefined) return newest;
    if (at > newest.time)
      throw new ApiError(
        "at-in-future",
        `at: ${at} is after the newest indexed block's time, ${newest.time}; give that or an earlier one`,
        {
          parameter: "at",
          value: String(at),
          rule: `at most ${newest.time}`,
          newestBlock: newest.blockNumber,
          newestBlockTime: newest.time,
        },
      );
    return momentAt(this.transaction, "og", newest, at);
  }

  /** A chain's state at a second, or now: its newest when it is not there yet, null while it cannot be answered from. */
  async optionalMomentAt(chain: ChainName, at: number | undefined): Promise<Moment | null> {
    const newest = this.optionalMoment(chain);
    return newest === null || at === undefined ? newest : momentAt(this.transaction, chain, newest, at);
  }
}

type Positions = Readonly<Record<ChainName, Position | null>>;

/**
 * The newest state, or, with a cursor's pin, the state that its first page was made from. Verdicts are today's on
 * every page: the proofs may have moved on since, but not back.
 * @throws {ApiError} `indexing` while a required chain cannot be answered from, `cursor-expired` when the pinned state
 * can no longer be served.
 */
export async function readState(
  service: ApiService,
  transaction: ReadTransaction,
  sources: Sources,
  pinned: Pin | null,
): Promise<AnswerState> {
  const origin = originOf(service.settings);
  if (pinned !== null && pinned.origin !== origin)
    throw expired("another version or configuration of this API made the cursor");
  const positions = await readPositions(service, transaction, sources);
  const tables =
    sources.proofs === undefined ? null : await readProofTables(transaction, service.settings.chainIds.og);
  const proofs = tables?.revision ?? null;
  if (pinned?.proofs != null && (proofs === null || proofs < pinned.proofs))
    throw expired(`the proofs are at revision ${proofs ?? "0"}, the cursor is pinned to ${pinned.proofs}`);
  const chains =
    pinned === null
      ? {
          og: positions.og === null ? null : chainAsOf(positions.og),
          base: positions.base === null ? null : chainAsOf(positions.base),
        }
      : await verifyPinned(transaction, pinned, positions, sources);
  return new AnswerState(transaction, { ...chains, proofs, origin }, tables);
}

const expired = (why: string, facts: Readonly<Record<string, unknown>> = {}) =>
  new ApiError("cursor-expired", `${why}; start again without after`, facts);

/** Null for an optional chain that is not ready. OpenGradient is looked at in any case: every answer says how far it is. */
async function readPositions(
  { settings, watcher }: ApiService,
  transaction: ReadTransaction,
  { required, optional = [] }: Sources,
): Promise<Positions> {
  const sources = [...required, ...optional];
  const progress = await readProgress(transaction, settings.chainIds, ["og", ...sources]);
  if (!sources.includes("og")) watcher.admit("og", progress.og);
  const admitted = (chain: ChainName): Position | null => {
    if (!sources.includes(chain)) return null;
    const position = watcher.admit(chain, progress[chain]);
    if (position === null && required.includes(chain)) throw indexing(chain, progress[chain]);
    return position;
  };
  return { og: admitted("og"), base: admitted("base") };
}

/** The state that a cursor is pinned to, when the rows up to its blocks are still those its first page was made from. */
async function verifyPinned(
  transaction: ReadTransaction,
  pinned: Pin,
  positions: Positions,
  { required }: Sources,
): Promise<Readonly<Record<ChainName, ChainAsOf | null>>> {
  const verify = async (chain: ChainName): Promise<ChainAsOf | null> => {
    const [part, position] = [pinned[chain], positions[chain]];
    if (part === null && !required.includes(chain)) return null;
    if (part !== null && position === null) throw indexing(chain, { ready: false, position: null });
    const found = part === null || position === null ? null : await findPinned(transaction, part, position);
    if (found === null)
      throw expired(
        `${chain} no longer has the state at block ${part?.blockNumber ?? "?"} that the cursor is pinned to`,
        { chain },
      );
    return found;
  };
  return { og: await verify("og"), base: await verify("base") };
}

/** Whatever an answer follows from that its `asOf` does not say: observations off chain. */
export async function revisionOf({ transaction }: AnswerState): Promise<string> {
  return String(await observationRevision(transaction));
}
