/** One job's blob: ask for it, check it, and say what came of it. */
import { blobIdOf } from "../../proofs/blobId.ts";
import type { Hex } from "../../proofs/hex.ts";
import { shownText } from "../../proofs/shownText.ts";
import type { Aggregators, Answer } from "./fetch/aggregators.ts";
import type { GetFailure } from "./fetch/httpGet.ts";
import type { LargeBlobPlaces, MemoryHold } from "./fetch/memoryHold.ts";
import { afterAbsence, afterFailure, afterRefusal, type RetrySchedule } from "./jobs/schedule.ts";
import type { Recheckable, Unfinished } from "./record/outcome.ts";

/** A blob that cannot be what it should be, whatever is in it. */
export interface Refused {
  readonly state: "invalid";
  readonly reason: string;
  readonly detail: string;
}

export interface Examination {
  readonly aggregators: Aggregators;
  readonly places: LargeBlobPlaces;
  readonly schedule: RetrySchedule;
  /** In [0, 1). */
  readonly random: () => number;
}

interface BlobJob {
  /** Null when it cannot be one. */
  readonly blobIdHex: Hex | null;
  readonly attempts: number;
  readonly absences: number;
  readonly refusedForSeconds: number | null;
}

/** Why there is no answer, in the words of verdicts. */
const REASONS: Readonly<Record<GetFailure, string>> = {
  unreachable: "aggregator-failing",
  "no-answer": "aggregator-failing",
  "server-error": "aggregator-failing",
  "private-address": "aggregator-failing",
  "redirect-refused": "aggregator-failing",
  "slow-body": "blob-slow",
  "broken-body": "blob-broken",
};
const DETAIL_LENGTH = 500;

/**
 * Gets a blob and has it checked. What one aggregator serves may be wrong while another's is right, and may be right later:
 * unless a finding is `isFinal`, the next one is asked too, and when no finding is, the first one stands until the blob is
 * asked for again.
 * @param hold - what the blob's memory is charged to; the caller releases it.
 * @throws {CheckError} when it could not be checked. @throws when `signal` aborts.
 */
export async function examine<Finding extends object>(
  { aggregators, schedule, random }: Examination,
  job: BlobJob,
  hold: MemoryHold,
  check: (bytes: Uint8Array<ArrayBuffer>) => Promise<Finding>,
  isFinal: (finding: Finding) => boolean,
  signal: AbortSignal,
): Promise<((Finding | Refused) & Recheckable) | Unfinished> {
  const blobId = job.blobIdHex === null ? null : blobIdOf(job.blobIdHex);
  if (blobId === null)
    return refused("impossible-blob-id", "the settlement's blob id is not 43 base64url characters");

  let finding: Finding | Refused | undefined;
  const failures: Extract<Answer, { kind: "failed" }>[] = [];
  const resting: Extract<Answer, { kind: "resting" }>[] = [];
  for await (const answer of aggregators.ask(blobId, hold, signal)) {
    signal.throwIfAborted();
    if (answer.kind === "found") {
      const found = await check(answer.bytes);
      if (isFinal(found)) return found;
      finding ??= found;
    } else if (answer.kind === "too-large") finding ??= refused("too-large", answer.detail);
    else if (answer.kind === "failed") failures.push(answer);
    else if (answer.kind === "resting") resting.push(answer);
  }
  signal.throwIfAborted();
  if (finding !== undefined) {
    const delaySeconds = afterRefusal(job.refusedForSeconds, schedule, random());
    return delaySeconds === null ? finding : { ...finding, again: { delaySeconds, absences: job.absences } };
  }
  const pending = (reason: string, detail: string, delaySeconds: number): Unfinished => ({
    state: "pending",
    reason,
    detail: shownText(detail, DETAIL_LENGTH),
    again: { delaySeconds, absences: job.absences },
  });
  const [failure] = failures;
  if (failure !== undefined)
    // tries that were answered were no failures
    return pending(
      REASONS[failure.reason],
      failure.detail,
      afterFailure(job.attempts - job.absences, random()),
    );
  const [rest] = resting;
  if (rest !== undefined) return pending("aggregator-failing", rest.detail, rest.forMs / 1000 + random());
  const absences = job.absences + 1;
  const { delaySeconds, unavailable } = afterAbsence(absences, schedule, random());
  return {
    state: unavailable ? "unavailable" : "pending",
    reason: "blob-missing",
    detail: "no aggregator has the blob",
    again: { delaySeconds, absences },
  };
}

const refused = (reason: string, detail: string): Refused => ({ state: "invalid", reason, detail });
