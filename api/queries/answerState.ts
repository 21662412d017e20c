/** The state an answer is made from, by REST or GraphQL: positions, the rows that belong to them, and the moment. */
import type { ChainName } from "../../config/environment.ts";
import { ApiError } from "../errors.ts";
import { type AsOf, type ChainAsOf, momentOf } from "./asOf.ts";
import type { ReadTransaction } from "./database.ts";
import { type Moment, momentAt } from "./moment.ts";
import { observationRevision } from "./observations.ts";
import { indexing, type Position, readEvidence, readProgress } from "./position.ts";
import type { ApiService } from "./service.ts";

/** The chains an answer has something from: an optional one that is not ready leaves its fields null. */
export interface ChainsUsed {
  readonly required: readonly ChainName[];
  readonly optional?: readonly ChainName[];
}

/** The state an answer is made from. */
export class AnswerState {
  constructor(
    readonly transaction: ReadTransaction,
    readonly asOf: AsOf,
  ) {}

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
}

/**
 * Positions of the chains in the answer; null for an optional one that is not ready.
 * @throws {ApiError} `indexing` when a required one is not.
 */
export async function readPositions(
  { settings, watcher }: ApiService,
  transaction: ReadTransaction,
  { required, optional = [] }: ChainsUsed,
): Promise<Readonly<Record<ChainName, Position | null>>> {
  const progress = await readProgress(transaction, settings.chainIds, [...required, ...optional]);
  const admitted = (chain: ChainName): Position | null => {
    if (!required.includes(chain) && !optional.includes(chain)) return null;
    const position = watcher.admit(chain, progress[chain]);
    if (position === null && required.includes(chain)) throw indexing(chain, progress[chain]);
    return position;
  };
  return { og: admitted("og"), base: admitted("base") };
}

/**
 * Checks that the rows up to a cursor's blocks are still those its first page was made from.
 * @throws {ApiError} `cursor-expired`, or `indexing` while a chain recovers.
 */
export async function verifyPinned(
  transaction: ReadTransaction,
  pinned: AsOf,
  positions: Readonly<Record<ChainName, Position | null>>,
  { required }: ChainsUsed,
): Promise<AsOf> {
  const verify = async (chain: ChainName): Promise<ChainAsOf | null> => {
    const [part, position] = [pinned[chain], positions[chain]];
    if (part === null && !required.includes(chain)) return null;
    if (part !== null && position === null) throw indexing(chain, { ready: false, position: null });
    const evidence =
      part === null || position === null || part.chainId !== position.chainId
        ? undefined
        : await readEvidence(transaction, chain, part.chainId, part.blockNumber);
    const same =
      part !== null &&
      position !== null &&
      evidence !== undefined &&
      part.blockNumber <= position.blockNumber &&
      part.evidence?.blockNumber === evidence?.blockNumber &&
      part.evidence?.blockHash === evidence?.blockHash;
    if (!same)
      throw new ApiError(
        "cursor-expired",
        `${chain} no longer has the state at block ${part?.blockNumber ?? "?"} that the cursor is pinned to; start again without after`,
        { chain },
      );
    return part;
  };
  return { og: await verify("og"), base: await verify("base") };
}

/** Whatever besides blocks an answer follows from: the software, and observations off chain. */
export async function revisionOf(
  { settings }: ApiService,
  transaction: ReadTransaction,
  asOf: AsOf,
): Promise<string> {
  if (asOf.og === null) return settings.version;
  return `${settings.version} ${await observationRevision(transaction)}`;
}
