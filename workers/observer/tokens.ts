/**
 * Reads each token's symbol and decimals once. Indexing does not: its handlers must not read state that a pruned RPC cannot
 * serve again, and a token can be any contract at all.
 */
import type pg from "pg";
import {
  type Address,
  decodeFunctionResult,
  type Hex,
  hexToBigInt,
  type PublicClient,
  parseAbi,
  size,
} from "viem";
import type { ChainSettings } from "../../config/environment.ts";
import type { Log } from "../../config/log.ts";
import { isUnpublished } from "../../db/sqlState.ts";
import { displayText } from "../../src/decode/text.ts";
import { type BlockPoint, connect, isRevert, messageOf } from "./endpoint.ts";
import { Retries } from "./retries.ts";

const SYMBOL_LENGTH = 32;
/** Anyone can pay in a token of their own, so the number of new ones is unbounded. */
const TOKENS_PER_CYCLE = 50;
/** The longest pause between two attempts at one token. */
const MAX_DELAY_MS = 600_000;
/** What decoders put in place of invalid UTF-8. */
const REPLACEMENT_CHARACTER = "\uFFFD";
/** Longer answers are ignored. */
const MAX_ANSWER_BYTES = 4_096;

const SYMBOL = "0x95d89b41";
const DECIMALS = "0x313ce567";
const symbolAbi = parseAbi(["function symbol() view returns (string)"]);

/** Lists tokens of payments and channels, and the configured ones, that were not read yet, except those in `waiting`. */
async function listUnread(
  pool: pg.Pool,
  chainId: number,
  configured: readonly Address[],
  waiting: readonly Address[],
): Promise<readonly Address[]> {
  try {
    const { rows } = await pool.query<{ token: Address }>(
      `with recursive paid (token) as (
         (select token from base.payment order by token limit 1)
         union all
         select (select p.token from base.payment p where p.token > paid.token order by p.token limit 1)
         from paid where paid.token is not null
       ), named as (
         select token from paid where token is not null
         union select token from base.channel
         union select unnest($2::text[])
       )
       select token from named
       where not exists (select from observations.token t where t.chain_id = $1 and t.address = named.token)
         and token <> all($3::text[])
       order by token limit $4`,
      [chainId, configured, waiting, TOKENS_PER_CYCLE],
    );
    return rows.map(({ token }) => token);
  } catch (error) {
    if (isUnpublished(error)) return [];
    throw error;
  }
}

/**
 * Calls the token's contract.
 * @returns undefined when the call reverts; `0x` also when there is no contract.
 * @throws when the RPC does not answer.
 */
async function readToken(
  client: PublicClient,
  to: Address,
  data: Hex,
  block: BlockPoint,
): Promise<Hex | undefined> {
  try {
    return (await client.call({ to, data, blockNumber: BigInt(block.number) })).data ?? "0x";
  } catch (error) {
    if (isRevert(error)) return undefined;
    throw error;
  }
}

/** Decodes `symbol()`: a string as in ERC-20, or 32 bytes as in older tokens. */
export function symbolOf(answer: Hex | undefined): string | null {
  if (answer === undefined || size(answer) < 32 || size(answer) > MAX_ANSWER_BYTES) return null;
  const bytes = symbolBytes(answer);
  if (bytes === null) return null;
  const text = displayText(bytes, SYMBOL_LENGTH).text.trim();
  return text === "" || text.includes(REPLACEMENT_CHARACTER) ? null : text;
}

function symbolBytes(answer: Hex): Hex | null {
  if (size(answer) === 32) return answer.replace(/(00)+$/, "") as Hex; // still hex, of fewer bytes
  try {
    const text = decodeFunctionResult({ abi: symbolAbi, data: answer });
    return `0x${Buffer.from(text, "utf8").toString("hex")}`;
  } catch {
    return null;
  }
}

/** Decodes `decimals()`, a uint8. */
export function decimalsOf(answer: Hex | undefined): number | null {
  if (answer === undefined || size(answer) !== 32) return null;
  const value = hexToBigInt(answer);
  return value <= 255n ? Number(value) : null;
}

/** How many tokens were read, a revert included, and how many reads failed. */
export interface TokenCounts {
  readonly read: number;
  readonly failed: number;
}

export class TokenReader {
  readonly #retries = new Retries<Address>(MAX_DELAY_MS, (token) => token);

  constructor(
    private readonly pool: pg.Pool,
    private readonly chain: ChainSettings,
    /** Read even before anybody pays in them. */
    private readonly configured: readonly Address[],
    private readonly nowMs: () => number,
    private readonly log: Log,
  ) {}

  /**
   * Reads new tokens, and those due for a retry.
   * @param advanced - called after every token.
   * @throws {NoEndpointError} when no RPC is usable.
   */
  async step(signal: AbortSignal, advanced: () => void = () => {}): Promise<TokenCounts> {
    const counts = { read: 0, failed: 0 };
    const waiting = this.#retries.waiting(this.nowMs());
    const tokens = await listUnread(this.pool, this.chain.chainId, this.configured, waiting);
    if (tokens.length === 0) return counts;
    // any endpoint will do: one that has not seen the contract yet leads to a retry
    const { client, block } = await connect(this.chain, "BASE_RPC_URL", 0);
    for (const token of tokens) {
      if (signal.aborted) break;
      try {
        await this.#read(client, token, block);
        this.#retries.succeed(token);
        counts.read += 1;
      } catch (error) {
        this.#retries.fail(token, this.nowMs());
        counts.failed += 1;
        this.log.debug(`token ${token} could not be read and will be retried: ${messageOf(error)}`);
      }
      advanced();
    }
    return counts;
  }

  async #read(client: PublicClient, token: Address, block: BlockPoint): Promise<void> {
    const [symbolAnswer, decimalsAnswer] = [
      await readToken(client, token, SYMBOL, block),
      await readToken(client, token, DECIMALS, block),
    ];
    // the endpoint may be behind the block that created the contract
    if (symbolAnswer === "0x" && decimalsAnswer === "0x")
      throw new Error(`there is no contract at ${token} at block ${block.number}`);
    const [symbol, decimals] = [symbolOf(symbolAnswer), decimalsOf(decimalsAnswer)];
    await this.pool.query(
      `insert into observations.token (chain_id, address, symbol, decimals, block_number, block_hash, block_timestamp)
       values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
      [this.chain.chainId, token, symbol, decimals, block.number, block.hash, block.timestamp],
    );
    this.log.info(`token ${token}: ${symbol ?? "no symbol"}, ${decimals ?? "no"} decimals`);
  }
}
