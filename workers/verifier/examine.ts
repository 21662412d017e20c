/** Fetches one job's blob, has it checked, and decides the outcome. */
import { blobIdOf } from "../../proofs/blobId.ts";
import type { Hex } from "../../proofs/hex.ts";
import { shownText } from "../../proofs/shownText.ts";
import type { Aggregators, Answer } from "./fetch/aggregators.ts";
import type { GetFailure } from "./fetch/httpGet.ts";
import type { LargeBlobSlots, MemoryHold } from "./fetch/memoryHold.ts";
import { afterAbsence, afterFailure, afterRefusal, type RetrySchedule } from "./jobs/schedule.ts";
import type { Recheckable, Unfinished } from "./record/outcome.ts";

/** A blob that is invalid whatever its content: too large, or under an impossible id. */
export interface Refused {
  readonly state: "invalid";
  readonly reason: string;
  readonly detail: string;
}

export interface Examination {
  readonly aggregators: Aggregators;
  readonly largeBlobs: LargeBlobSlots;
  readonly schedule: RetrySchedule;
  /** In [0, 1). */
  readonly random: () => number;
}

interface BlobJob {
  /** Null when it cannot be a blob id. */
  readonly blobIdHex: Hex | null;
  readonly attempts: number;
  readonly absences: number;
  readonly refusedForSeconds: number | null;
}

/** The verdict's reason for each way that a fetch can fail. */
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
 * Fetches a blob and has it checked. One aggregator may serve wrong bytes while another serves the right ones, so unless a
 * finding is `isFinal` the next aggregator is asked too. Without a final finding the first one stands, and the blob is
 * fetched again later.
 * @param hold - accounts for the blob's memory; the caller releases it.
 * @throws {CheckError} when the blob could not be checked. @throws when `signal` aborts.
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
  const paused: Extract<Answer, { kind: "paused" }>[] = [];
  for await (const answer of aggregators.ask(blobId, hold, signal)) {
    signal.throwIfAborted();
    if (answer.kind === "found") {
      const found = await check(answer.bytes);
      if (isFinal(found)) return found;
      finding ??= found;
    } else if (answer.kind === "too-large") finding ??= refused("too-large", answer.detail);
    else if (answer.kind === "failed") failures.push(answer);
    else if (answer.kind === "paused") paused.push(answer);
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
    // attempts that found the blob absent were not failures
    return pending(
      REASONS[failure.reason],
      failure.detail,
      afterFailure(job.attempts - job.absences, random()),
    );
  const [pause] = paused;
  if (pause !== undefined) return pending("aggregator-failing", pause.detail, pause.forMs / 1000 + random());
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
