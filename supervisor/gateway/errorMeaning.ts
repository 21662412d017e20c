/**
 * Classifies an endpoint's error. Providers agree neither on codes nor on wording, so the text decides, whether it is in
 * `message` or in `data`. `testing/providerErrors.ts` lists the wordings this was written for.
 */
import { type BlockRange, blockRange, type RpcError, type RpcRequest, textOf } from "./jsonRpc.ts";
import { retryAfterIn } from "./retryAfter.ts";

export type Meaning =
  /** Too many blocks in one eth_getLogs; `maxBlocks` when the text names the limit. */
  | { readonly kind: "blocks"; readonly maxBlocks: number | undefined }
  /** Too many or too large results, whatever the range; `suggested` when the text names a range that would do. */
  | { readonly kind: "results" | "size"; readonly suggested: BlockRange | undefined }
  /** Too many requests. */
  | { readonly kind: "rate"; readonly retryAfterMs: number | undefined }
  /** The state or history of an old block is gone. */
  | { readonly kind: "pruned" }
  /** This node does not know the block: too new for it, or, for an old one, pruned. */
  | { readonly kind: "lagging" }
  /** A transient fault of the endpoint. */
  | { readonly kind: "fault" }
  | { readonly kind: "revert" }
  /** Anything that a retry would not change. */
  | { readonly kind: "other" };

const RATE =
  /rate.?limit|rate exceeded|too many requests|over (?:the )?rate|requests? (?:rate|limit|count|quota)\b|(?:\d|requests?|calls?)\s?(?:\/|per )\s?(?:s|sec|second|min|minute|day|month)\b|requests limited|per second capacity|throttl|compute units|throughput|credits|quota|\brps\b|over capacity|capacity (?:limit|exceeded)|too much load|usage (?:limit|cap)|back ?off|slow down/i;
const RATE_CODES = new Set([429, -32005, -32029]);

const PRUNED =
  /missing trie node|state .{0,90}(?:not (?:be )?(?:available|found)|unavailable)|world state unavailable|historical (?:state|rpc)|no (?:historical|state)\b|trie does not|state (?:is |has been |already )*(?:been )?(?:pruned|discarded)|prun(?:ed|ing)|out of (?:the )?(?:proof )?window|maximum proof window|failed to load state at height|version (?:does not exist|mismatch)|lowest height|finalizeblock|archiv(?:e|al)|state histories/i;
const LAGGING =
  /header not found|(?:unknown|nonexistent|missing|future) block|block .{0,80}(?:not found|not available|not exist|does ?n.t exist|out of range)|(?:could ?n.t|could not|cannot|can.t) (?:be found|find)|beyond (?:the )?(?:current |latest )*(?:head|block)|after last accepted|greater than (?:the )?(?:latest|current)|less than or equal to the current|cannot query unfinalized|not (?:yet )?(?:been )?(?:indexed|synced|canonical)|node is (?:still )?(?:syncing|behind)|resource not found/i;
const FAULT =
  /internal (?:json-?rpc )?error|internal server error|time(?:d)? ?-?out|temporar|unavailable|overloaded|try again|busy|upstream|connection|no response|bad gateway|no (?:healthy )?(?:backend|node|provider)|not (?:currently )?(?:healthy|ready)|unhealthy|backend (?:is )?(?:offline|returned)|invalid response|went wrong|\beof\b|context canceled|deadline exceeded/i;
const FAULT_CODES = new Set([-32603, -32010, -32011, -32013, -32015]);

/** Of eth_getLogs. */
const RESULTS =
  /(?:more than|exceeds?|exceeded|max(?:imum)?|over|too many|number of|limit of)\s+(?:(?:allowed|max(?:imum)?|number of|limit of|[\d,._]+k?)\s+){0,3}(?:results?|logs?|events?|entries|records)\b|(?:results?|logs|events) .{0,30}exceeds? (?:the )?limit/i;
const SIZE =
  /(?:response|result|payload|reply|body|data)s?(?: (?:is|was|size|body|length|of|the|for|query|has))*.{0,12}(?:too (?:big|large)|exceed|should not|larger than|greater than|over the limit)|(?:query|execution|request|filter) ?time(?:d)? ?-?out|deadline exceeded|query took too long|too (?:heavy|expensive)/i;
const BLOCKS =
  /(?:block ?range|blocks? (?:distance|span|count)|range|too many blocks|blocks).{0,80}(?:exceed|too|limit|max|greater|smaller|larger|over\b|at most|allow|up to|should work|not supported)|(?:exceed|too|limit|max|greater|smaller|larger|over\b|at most|allow|up to).{0,80}(?:block ?range|range|blocks)|query must be smaller than size/i;

/** @param request - what was refused. */
export function meaningOf(error: RpcError, request: RpcRequest): Meaning {
  const text = textOf(error)
    .replaceAll(/https?:\/\/\S+/g, "")
    .replaceAll(/\b(?:eth_)?get_?logs\b/gi, "");
  const isLogs = request.method === "eth_getLogs";
  if (!isLogs && (error.code === 3 || /\brevert/i.test(error.message))) return { kind: "revert" };
  if (error.code === 429 || (RATE.test(text) && error.code !== -32601))
    return { kind: "rate", retryAfterMs: retryAfterIn(error) };
  if (isLogs) {
    const limit = limitOf(text, blockRange(request));
    if (limit !== undefined) return limit;
  }
  if (RATE_CODES.has(error.code)) return { kind: "rate", retryAfterMs: retryAfterIn(error) };
  if (error.code === -32601) return { kind: "other" };
  if (PRUNED.test(text)) return { kind: "pruned" };
  if (LAGGING.test(text)) return { kind: "lagging" };
  if (FAULT_CODES.has(error.code) || FAULT.test(text)) return { kind: "fault" };
  return /limit (?:exceeded|reached)/i.test(text)
    ? { kind: "rate", retryAfterMs: retryAfterIn(error) }
    : { kind: "other" };
}

function limitOf(text: string, asked: BlockRange | undefined): Meaning | undefined {
  // a range that ends in the future is not too wide
  if (/beyond|not found|extends/i.test(text) && LAGGING.test(text)) return undefined;
  if (SIZE.test(text)) return { kind: "size", suggested: suggestedRange(text, asked) };
  if (RESULTS.test(text)) return { kind: "results", suggested: suggestedRange(text, asked) };
  if (BLOCKS.test(text)) return { kind: "blocks", maxBlocks: maxBlocksIn(text, asked) };
  // an unnamed limit: try a smaller range
  return /^limit exceeded\.?$/i.test(text) ? { kind: "results", suggested: undefined } : undefined;
}

const RANGE = /\[?\b(0x[0-9a-f]+|\d+)\s*(?:,|-|–|to|\.\.)\s*(0x[0-9a-f]+|\d+)\b\]?/gi;

/** The part of `asked` that the text suggests, starting at its first block; undefined without such a hint. */
function suggestedRange(text: string, asked: BlockRange | undefined): BlockRange | undefined {
  if (asked === undefined) return undefined;
  for (const [, first, last] of text.matchAll(RANGE)) {
    const from = Number(first);
    const to = Number(last);
    if (from === asked.from && to >= from && to < asked.to) return { from, to };
  }
  return undefined;
}

const NUMBER =
  /(?<![\w.,[])(\d{1,3}(?:[,._]\d{3})+|\d+)(k)?\b(?![.,]?\d|\s*(?:ms|s|seconds?|requests?|calls?|results?|logs?|events?|addresses|topics|filters|bytes|[kmg]b)\b)/gi;
/** Text right before a limit, without another number in between. */
const NAMES_LIMIT = /(?:max(?:imum)?|limit(?:ed|s)?|at most|up to|allow(?:ed|s)?|>)[^\d]{0,60}$/i;
const COMPARES =
  /(?:exceeds?|exceeded|greater than|smaller than|larger than|over|more than|wider than)[^\d]{0,40}$/i;
/** Text right before the range that was requested. */
const NAMES_ASKED =
  /(?:got|requested|asked|actual|received|querying|from|to|(?<!max(?:imum)? )(?:block )?range\s*(?:is|=|:|of)?)\s*$/i;

/**
 * The limit that a text names: not simply its first number, but the one described as the limit. It must be below the refused
 * range; of several candidates the smallest is taken.
 */
function maxBlocksIn(text: string, asked: BlockRange | undefined): number | undefined {
  // some providers count blocks, others the distance between first and last
  const refused = asked === undefined ? Number.POSITIVE_INFINITY : asked.to - asked.from;
  const candidates = [...text.matchAll(NUMBER)].flatMap((match) => {
    const count = Number(match[1]?.replaceAll(/[,._]/g, "")) * (match[2] === undefined ? 1 : 1_000);
    if (!Number.isSafeInteger(count) || count < 1 || (count >= refused && refused > 1)) return [];
    const before = text.slice(0, match.index);
    const after = text.slice(match.index + match[0].length);
    const named = NAMES_LIMIT.test(before) || /^\s*(?:is |blocks? )*(?:max|limit|allowed)/i.test(after);
    const score =
      (named ? 4 : COMPARES.test(before) ? 2 : 0) +
      (/^[\s-]*blocks?\b/i.test(after) ? 1 : 0) -
      (NAMES_ASKED.test(before) ? 3 : 0);
    return score > 0 ? [{ count, score }] : [];
  });
  const best = Math.max(...candidates.map(({ score }) => score));
  const limits = candidates.filter(({ score }) => score === best).map(({ count }) => count);
  return limits.length === 0 ? undefined : Math.min(...limits);
}
