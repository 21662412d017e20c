/** Finds the recorded inference for a request and its answer, as their user has them. */
import { z } from "zod";
import type { Hex } from "./hex.ts";
import { inferenceId } from "./inference.ts";
import { readJson } from "./jsonText.ts";
import { bytes32, unixSeconds } from "./payloadClaims.ts";
import { isJsonObject, type JsonValue } from "./pythonJson.ts";
import { requestHash } from "./requestHash.ts";
import { hashOfResponse } from "./responseHash.ts";
import { shownText } from "./shownText.ts";

export interface InferenceHashes {
  readonly inputHash: Hex;
  readonly outputHash: Hex;
  /** Null when the response does not say which node signed it, and when. */
  readonly inferenceId: Hex | null;
  /**
   * The hashes that the response itself gives otherwise: then the node signed another request than this one, or the
   * response was changed on its way.
   */
  readonly contradicted: readonly ("inputHash" | "outputHash")[];
}

/**
 * @param request - the JSON that was sent to `/v1/chat/completions`.
 * @param response - the JSON that came back, or what an SDK made of it.
 * @throws {JsonTextError} when one is no JSON, {@link RequestShapeError} and {@link ResponseShapeError} when it is
 *   something else.
 */
export function inferenceHashes(request: string, response: string): InferenceHashes {
  const answer = readJson(response);
  const inputHash = requestHash(request).hash;
  const outputHash = hashOfResponse(answer);
  const said = (...names: string[]) => named(answer, names);
  const claims = {
    inputHash: bytes32(said("tee_request_hash")),
    outputHash: bytes32(said("tee_output_hash")),
  };
  const contradicted = [
    ...(claims.inputHash === null || claims.inputHash === inputHash ? [] : (["inputHash"] as const)),
    ...(claims.outputHash === null || claims.outputHash === outputHash ? [] : (["outputHash"] as const)),
  ];
  const teeId = bytes32(said("tee_id", "teeId"));
  const timestamp = unixSeconds(said("tee_timestamp", "teeTimestamp"));
  const isSigned = teeId !== null && timestamp !== null && timestamp >= 0n && timestamp < 2n ** 256n;
  return {
    inputHash,
    outputHash,
    inferenceId: isSigned ? inferenceId({ teeId, inputHash, outputHash, timestamp }) : null,
    contradicted,
  };
}

const named = (value: JsonValue, names: readonly string[]): JsonValue =>
  (isJsonObject(value) ? names.map((name) => value.get(name)).find((said) => said !== undefined) : null) ??
  null;

const hex = z.string().regex(/^0x[0-9a-f]*$/);
const foundInference = z.object({
  id: hex.length(66),
  teeId: hex,
  inputHash: hex,
  outputHash: hex,
  /** Unix seconds. */
  signedAt: z.number().nullable(),
  /** Null while undecided. */
  signatureValid: z.boolean().nullable(),
  settlements: z.array(z.object({ id: z.string(), leafIndex: z.number().nullable() })),
  model: z.string().nullable(),
  nodeAtSigning: z
    .object({
      status: z.string(),
      pcrHash: hex.nullable(),
      pcrVersion: z.string().nullable(),
      pcrApproved: z.boolean().nullable(),
    })
    .nullable(),
});
const answerSchema = z.object({
  items: z.array(foundInference),
  pageInfo: z.object({ endCursor: z.string().nullable(), hasNextPage: z.boolean() }),
});

/** An inference as `/v1/inferences` lists it; what else it lists is left out. */
export type FoundInference = z.infer<typeof foundInference>;

/** Thrown when the API cannot be reached, or does not answer with a list of inferences. */
export class ApiUnavailableError extends Error {
  override readonly name = "ApiUnavailableError";
  readonly code = "api-unavailable";
}

export interface FetchedAnswer {
  readonly ok: boolean;
  readonly status: number;
  json(): Promise<unknown>;
}

const PAGE_LIMIT = 1000;
/** Anyone can post leaves with the same hashes and an invalid signature, so not all of them are read. */
const MAX_PAGES = 20;

/**
 * Looks the hashes up in an index.
 * @param api - its base URL, with or without a trailing slash.
 * @param get - `fetch`, or like it.
 * @returns the inference of `inferenceId` first, then those with a valid signature, undecided ones, invalid ones; newest
 *   signed first. Empty when none is recorded.
 * @throws {ApiUnavailableError} when the index cannot be reached.
 */
export async function findInference(
  api: string,
  { inputHash, outputHash, inferenceId }: Pick<InferenceHashes, "inputHash" | "outputHash" | "inferenceId">,
  get: (url: string) => Promise<FetchedAnswer>,
): Promise<readonly FoundInference[]> {
  const url = new URL("v1/inferences", `${api.replace(/\/+$/, "")}/`);
  for (const [name, value] of Object.entries({ inputHash, outputHash, limit: String(PAGE_LIMIT) }))
    url.searchParams.set(name, value);
  const found: FoundInference[] = [];
  for (let page = 0; page < MAX_PAGES; page++) {
    const { items, pageInfo } = await readPage(url, get);
    const strange = items.find((item) => item.inputHash !== inputHash || item.outputHash !== outputHash);
    if (strange)
      throw new ApiUnavailableError(`${url.origin} answers with ${strange.id}, which has other hashes`);
    found.push(...items);
    if (!pageInfo.hasNextPage || pageInfo.endCursor === null) break;
    if (items.some(({ id }) => id === inferenceId)) break;
    url.searchParams.set("after", pageInfo.endCursor);
  }
  const rank = ({ id, signatureValid }: FoundInference) =>
    id === inferenceId ? 0 : signatureValid === true ? 1 : signatureValid === null ? 2 : 3;
  // Stable: the index's own order decides among equals.
  return found.sort((a, b) => rank(a) - rank(b));
}

async function readPage(url: URL, get: (url: string) => Promise<FetchedAnswer>) {
  let answer: FetchedAnswer;
  let body: unknown;
  try {
    answer = await get(url.href);
    body = await answer.json();
  } catch (error) {
    throw new ApiUnavailableError(`${url.origin} does not answer with JSON (${causeOf(error)})`, {
      cause: error,
    });
  }
  if (!answer.ok) {
    const problem = z.object({ detail: z.string() }).safeParse(body).data;
    const detail = problem ? `: ${shownText(problem.detail, 300)}` : "";
    throw new ApiUnavailableError(`${url.origin} answers ${answer.status}${detail}`);
  }
  const page = answerSchema.safeParse(body);
  if (!page.success)
    throw new ApiUnavailableError(`${url.origin} answers no list of inferences: is it the index's API?`);
  return page.data;
}

/** fetch only says "fetch failed"; the reason is in the cause. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  const { cause } = error;
  return shownText(cause instanceof Error && cause.message !== "" ? cause.message : error.message, 200);
}
