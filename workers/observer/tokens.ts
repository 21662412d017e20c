/**
 * What tokens say of themselves, once each: handlers read no state of a past block that a pruned RPC could not repeat, and a
 * token can be any contract at all.
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
import { displayText } from "../../src/decode/text.ts";
import { type BlockPoint, connect, isRevert, messageOf } from "./endpoint.ts";
import { Retries } from "./retries.ts";

const SYMBOL_LENGTH = 32;
/** Anyone can pay in tokens of their own: a cycle reads so many new ones. */
const TOKENS_PER_CYCLE = 50;
/** From one attempt at a token to the next, at most. */
const MAX_DELAY_MS = 600_000;
/** What takes the place of bytes that are no UTF-8. */
const NOT_UTF8 = "\uFFFD";
/** Longer answers are looked at no further. */
const MAX_ANSWER_BYTES = 4_096;
const UNDEFINED_TABLE = "42P01";

const SYMBOL = "0x95d89b41";
const DECIMALS = "0x313ce567";
const symbolAbi = parseAbi(["function symbol() view returns (string)"]);

/** Tokens of payments and channels, and the configured ones, that have told nothing yet; but for those that wait. */
async function untold(
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
    if ((error as { code?: string }).code === UNDEFINED_TABLE) return []; // nothing is published yet
    throw error;
  }
}

/**
 * @returns undefined when the contract refuses; `0x` also when there is no contract.
 * @throws when the RPC does not answer.
 */
async function ask(
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

/** Text as ERC-20 has it, or the 32 bytes of tokens that are older. */
export function symbolOf(answer: Hex | undefined): string | null {
  if (answer === undefined || size(answer) < 32 || size(answer) > MAX_ANSWER_BYTES) return null;
  const bytes = symbolBytes(answer);
  if (bytes === null) return null;
  const text = displayText(bytes, SYMBOL_LENGTH).text.trim();
  return text === "" || text.includes(NOT_UTF8) ? null : text;
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

/** ERC-20's uint8. */
export function decimalsOf(answer: Hex | undefined): number | null {
  if (answer === undefined || size(answer) !== 32) return null;
  const value = hexToBigInt(answer);
  return value <= 255n ? Number(value) : null;
}

/** How many tokens told something, or refused for good, and how many could not be asked. */
export interface ToldTokens {
  readonly told: number;
  readonly failed: number;
}

export class TokenReader {
  readonly #retries = new Retries<Address>(MAX_DELAY_MS, (token) => token);

  constructor(
    private readonly pool: pg.Pool,
    private readonly chain: ChainSettings,
    /** Asked before anybody pays in them. */
    private readonly configured: readonly Address[],
    private readonly nowMs: () => number,
    private readonly log: Log,
  ) {}

  /**
   * Asks every new token, and again those whose time has come.
   * @param advanced - called after every token.
   * @throws {NoEndpointError} when no RPC can be used.
   */
  async step(signal: AbortSignal, advanced: () => void = () => {}): Promise<ToldTokens> {
    const told = { told: 0, failed: 0 };
    const waiting = this.#retries.waiting(this.nowMs());
    const tokens = await untold(this.pool, this.chain.chainId, this.configured, waiting);
    if (tokens.length === 0) return told;
    // from any endpoint: one that is behind a contract does not know it, and is asked again
    const { client, block } = await connect(this.chain, "BASE_RPC_URL", 0);
    for (const token of tokens) {
      if (signal.aborted) break;
      try {
        await this.#read(client, token, block);
        this.#retries.succeed(token);
        told.told += 1;
      } catch (error) {
        this.#retries.fail(token, this.nowMs());
        told.failed += 1;
        this.log.debug(`token ${token} could not be asked, it will be again: ${messageOf(error)}`);
      }
      advanced();
    }
    return told;
  }

  async #read(client: PublicClient, token: Address, block: BlockPoint): Promise<void> {
    const [symbolAnswer, decimalsAnswer] = [
      await ask(client, token, SYMBOL, block),
      await ask(client, token, DECIMALS, block),
    ];
    // the endpoint may be behind the block that the contract came with
    if (symbolAnswer === "0x" && decimalsAnswer === "0x") throw new Error("there is no such contract");
    const [symbol, decimals] = [symbolOf(symbolAnswer), decimalsOf(decimalsAnswer)];
    await this.pool.query(
      `insert into observations.token (chain_id, address, symbol, decimals, block_number, block_hash, block_timestamp)
       values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
      [this.chain.chainId, token, symbol, decimals, block.number, block.hash, block.timestamp],
    );
    this.log.info(`token ${token}: ${symbol ?? "no symbol"}, ${decimals ?? "no"} decimals`);
  }
}
