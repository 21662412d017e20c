/** Answers eth_getLogs over a range: splits it into pieces that endpoints accept, and trusts only those whose head is beyond it. */
import { toBody } from "./answer.ts";
import type { ChainHeads } from "./chainHeads.ts";
import { type Failover, FinalError, MAX_LAG_ROUND } from "./failover.ts";
import { type BlockRange, blockRange, type RpcError, type RpcRequest } from "./jsonRpc.ts";
import { blocksIn, splitAfter, splitRange } from "./logRanges.ts";
import type { Upstream } from "./upstream.ts";

const PIECES_AT_ONCE = 8;
/** Suggested ranges to try for one request before halving it instead. */
const MAX_HINTS = 8;
/** Rounds in which every endpoint failed, before the request itself may be the cause. */
const FAILED_ROUNDS = 2;

interface Query {
  /** Bytes left for its answer. */
  bytesLeft: number;
  hintsLeft: number;
}

export class LogQueries {
  readonly #failover: Failover;
  readonly #heads: ChainHeads<Upstream>;
  readonly #maxBytes: number;

  /** @param maxBytes - of an answer. */
  constructor(failover: Failover, heads: ChainHeads<Upstream>, maxBytes: number) {
    this.#failover = failover;
    this.#heads = heads;
    this.#maxBytes = maxBytes;
  }

  /** Answers one eth_getLogs. @throws {FinalError} for a final error. @throws the signal's reason. */
  async ask(request: RpcRequest, signal: AbortSignal): Promise<Buffer> {
    const range = blockRange(request);
    if (range === undefined) return (await this.#failover.ask(request, signal)).body;
    const query = { bytesLeft: this.#maxBytes, hintsLeft: MAX_HINTS };
    return toBody(await this.#ask(request, range, query, signal));
  }

  async #ask(request: RpcRequest, range: BlockRange, query: Query, signal: AbortSignal): Promise<unknown[]> {
    const blocks = blocksIn(range);
    for (let round = 0; ; round += 1) {
      const tried = new Set<Upstream>();
      let final: RpcError | undefined;
      let failed: Upstream | undefined;
      let behind = false;
      for (;;) {
        const upstream = await this.#failover.pick(tried, () => false, signal, range.to);
        if (upstream === undefined) break;
        tried.add(upstream);
        const limit = upstream.blockLimit;
        if (blocks > limit.blocks) return this.#askPieces(splitRange(request, limit.blocks), query, signal);
        const answer = await this.#failover.askForLogs(upstream, request, signal);
        if (answer === "behind") {
          behind = true;
          const head = this.#heads.head(upstream) ?? 0;
          if (this.#heads.isUnconfirmed(upstream)) upstream.warnUnconfirmed(head);
          else upstream.warnLag(head, Math.max(range.to, this.#heads.newest()));
          continue;
        }
        if (answer.kind === "result") {
          limit.answered(blocks);
          query.bytesLeft -= answer.body.length;
          if (query.bytesLeft < 0) throw new FinalError(tooLarge(this.#maxBytes));
          return answer.value as unknown[]; // resultCheck.ts has checked that it is an array
        }
        if (answer.kind === "fault" || answer.kind === "unreachable") failed = upstream;
        if (answer.kind !== "error") continue;
        const { error, meaning } = answer;
        if (blocks > 1 && meaning.kind === "blocks") {
          upstream.learnBlockLimit(blocks, meaning.maxBlocks);
          return this.#askPieces(splitRange(request, limit.blocks), query, signal);
        }
        // log density varies along the chain, so this range's limit says nothing about others
        if (blocks > 1 && (meaning.kind === "results" || meaning.kind === "size"))
          return this.#askPieces(narrower(request, range, meaning.suggested, query), query, signal);
        const isTransient = meaning.kind === "lagging" && (round < 1 || range.to <= this.#heads.newest());
        if (!isTransient) final = error;
      }
      if (final !== undefined) throw new FinalError(final);
      // some endpoints fail at requests that are too heavy, and answer everything else
      if (failed !== undefined && blocks > 1 && round + 1 >= FAILED_ROUNDS)
        if (await this.#failover.answers(failed, signal))
          return this.#askPieces(splitRange(request, Math.ceil(blocks / 2)), query, signal);
      await this.#failover.backOff(behind ? Math.min(round, MAX_LAG_ROUND) : round, signal);
    }
  }

  async #askPieces(pieces: readonly RpcRequest[], query: Query, signal: AbortSignal): Promise<unknown[]> {
    const answers: unknown[][] = [];
    let next = 0;
    const worker = async () => {
      for (let index = next++; index < pieces.length; index = next++) {
        const piece = pieces[index];
        const range = piece && blockRange(piece);
        if (piece !== undefined && range !== undefined)
          answers[index] = await this.#ask(piece, range, query, signal);
      }
    };
    await Promise.all(Array.from({ length: Math.min(PIECES_AT_ONCE, pieces.length) }, worker));
    return answers.flat();
  }
}

function narrower(
  request: RpcRequest,
  range: BlockRange,
  suggested: BlockRange | undefined,
  query: Query,
): RpcRequest[] {
  if (suggested === undefined || query.hintsLeft === 0)
    return splitRange(request, Math.ceil(blocksIn(range) / 2));
  query.hintsLeft -= 1;
  return splitAfter(request, suggested.to);
}

/** The wording makes Ponder ask for fewer blocks. */
const tooLarge = (maxBytes: number): RpcError => ({
  code: -32005,
  message: `query exceeds max results: the logs are more than ${maxBytes} bytes; ask for fewer blocks`,
});
