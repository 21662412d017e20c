/**
 * The verifier: claims jobs, fetches and checks their blobs, records the outcomes, and keeps verdicts and buckets in sync
 * with the chain. Any number of verifiers may share one database; each may be killed at any moment.
 */
import type pg from "pg";
import type { Log } from "../../config/log.ts";
import type { BatchLimits } from "../../proofs/batchBlob.ts";
import type { Hex } from "../../proofs/hex.ts";
import type { PayloadLimits } from "../../proofs/payloadLimits.ts";
import { Steps } from "../steps.ts";

import { CheckError, Checkers } from "./check/checkers.ts";
import { settleDirty, sumDirty } from "./derive/dirty.ts";
import { type Examination, examine } from "./examine.ts";
import { MemoryHold } from "./fetch/memoryHold.ts";
import { GroupCommit } from "./groupCommit.ts";
import { type BatchJob, Claims, type PayloadJob, type SignatureJob } from "./jobs/claims.ts";
import { afterFailure } from "./jobs/schedule.ts";
import { LaneRunner } from "./lanes.ts";
import { type BatchOutcome, recordBatches, weightOf } from "./record/batches.ts";
import type { Unfinished } from "./record/outcome.ts";
import { type PayloadOutcome, recordPayloads } from "./record/payloads.ts";
import { recordSignatures } from "./record/signatures.ts";
import { knownKeys } from "./sync/keys.ts";
import { Notices } from "./sync/notices.ts";
import { Synchroniser } from "./sync/synchroniser.ts";
import { Tally } from "./tally.ts";
import { WakeSignal } from "./wakeSignal.ts";

/** Any constant that no other advisory lock of the database uses. */
const SYNC_LOCK = 0x4f47_0011;
const SYNC_EVERY_MS = 2_000;
/** A full comparison of the whole history is cheap, and repairs what a missed notification left behind. */
const FULL_SYNC_EVERY_MS = 600_000;
const DERIVE_EVERY_MS = 1_000;
const SUM_EVERY_MS = 1_000;
const REPORT_EVERY_MS = 60_000;
/** Comparing and summing a long history takes minutes, and a lane's jobs may fetch from slow aggregators one after another. */
const MAX_QUIET_SECONDS = 900;
/** Per transaction. */
const LEAVES_PER_COMMIT = 10_000;
const OUTCOMES_PER_COMMIT = 200;

export interface VerifierSettings {
  readonly chainId: number;
  /** The current registry. */
  readonly registry: Hex;
  readonly threads: number;
  readonly leaseSeconds: number;
  readonly batchLimits: BatchLimits;
  readonly payloadLimits: PayloadLimits;
  /** This verifier's name; unique to its process. */
  readonly holder: string;
  readonly databaseUrl: string;
}

export class Verifier {
  readonly #claims: Claims;
  readonly #checkers: Checkers;
  readonly #tally = new Tally();
  readonly #synchroniser: Synchroniser;
  readonly #notices: Notices;
  readonly #lanes: readonly Pick<LaneRunner<"batch">, "run" | "wake" | "isBusy">[];
  readonly #syncSignal = new WakeSignal();
  readonly #deriveSignal = new WakeSignal();
  readonly #batchCommit: GroupCommit<BatchOutcome>;
  readonly #payloadCommit: GroupCommit<PayloadOutcome>;

  constructor(
    private readonly pool: pg.Pool,
    private readonly settings: VerifierSettings,
    private readonly examination: Examination,
    private readonly log: Log,
    private readonly steps = new Steps(),
  ) {
    const { holder } = settings;
    this.#claims = new Claims(pool, holder, settings.leaseSeconds);
    this.#checkers = new Checkers(settings.threads);
    this.#synchroniser = new Synchroniser(pool, { ...settings, onKeys: () => this.#learnKeys() }, log);
    this.#batchCommit = new GroupCommit(
      (outcomes) => recordBatches(pool, holder, outcomes),
      weightOf,
      LEAVES_PER_COMMIT,
    );
    this.#payloadCommit = new GroupCommit(
      (outcomes) => recordPayloads(pool, holder, outcomes),
      () => 1,
      OUTCOMES_PER_COMMIT,
    );
    this.#notices = new Notices(
      settings.databaseUrl,
      {
        onBlock: () => this.#syncSignal.wake(),
        onSwitch: () => {
          this.#synchroniser.startOver();
          this.#syncSignal.wake();
        },
        onProofs: () => {
          for (const lane of this.#lanes) lane.wake();
          this.#deriveSignal.wake();
        },
      },
      log,
    );
    this.#lanes = this.#makeLanes();
  }

  /** Works until `signal` aborts; then releases the jobs that are not recorded, and resolves. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    await this.#learnKeys().catch((error: Error) => this.log.debug(error.message));
    await this.#notices.start();
    // leases are extended until the last job has ended
    const jobs = Promise.all([...this.#lanes.map((lane) => lane.run(signal)), this.#keepLeases(signal)]);
    const loops = [
      this.#repeat("synchronise", SYNC_EVERY_MS, this.#syncSignal, () => this.#synchronise(signal), signal),
      this.#repeat(
        "derive",
        DERIVE_EVERY_MS,
        this.#deriveSignal,
        (advanced) => this.#derive(advanced, signal),
        signal,
      ),
      this.#report(signal),
    ];
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    await this.#checkers.close();
    await Promise.all([jobs, ...loops]);
    await this.#claims.release().catch((error: Error) => this.log.debug(error.message));
    await this.#notices.stop();
    this.steps.stop();
  }

  #signal: AbortSignal = new AbortController().signal;

  #makeLanes() {
    const { log } = this;
    const claims = this.#claims;
    const step = (title: string, work: () => Promise<void>) => this.steps.run(title, MAX_QUIET_SECONDS, work);
    const batch = (jobs: readonly BatchJob[]) =>
      step("check batches", () => this.#each(jobs, (job, hold) => this.#batch(job, hold)));
    const payload = (jobs: readonly PayloadJob[]) =>
      step("check payloads", () => this.#each(jobs, (job, hold) => this.#payload(job, hold)));
    const signatures = (jobs: readonly SignatureJob[]) =>
      step("check signatures", () => this.#guard(() => this.#signatures(jobs)));
    const single = { jobsPerSlot: 1, pauseMs: () => this.examination.aggregators.pausedForMs() };
    const many = { slots: 2, jobsPerSlot: 500 };
    return [
      new LaneRunner(claims, { kind: "batch", tried: false, slots: 64, ...single, work: batch }, log),
      new LaneRunner(claims, { kind: "batch", tried: true, slots: 12, ...single, work: batch }, log),
      new LaneRunner(claims, { kind: "payload", tried: false, slots: 64, ...single, work: payload }, log),
      new LaneRunner(claims, { kind: "payload", tried: true, slots: 8, ...single, work: payload }, log),
      new LaneRunner(claims, { kind: "signature", tried: false, ...many, work: signatures }, log),
      new LaneRunner(claims, { kind: "signature", tried: true, ...many, work: signatures }, log),
    ];
  }

  /** Works on the jobs in turn; a large blob keeps its slot until its outcome is recorded. */
  async #each<Job>(jobs: readonly Job[], work: (job: Job, hold: MemoryHold) => Promise<void>): Promise<void> {
    for (const job of jobs) {
      const hold = new MemoryHold(this.examination.largeBlobs);
      await this.#guard(() => work(job, hold));
      hold.release();
    }
  }

  async #batch(job: BatchJob, hold: MemoryHold): Promise<void> {
    const { batchLimits: limits } = this.settings;
    const finding = await examine(
      this.examination,
      job,
      hold,
      (bytes) =>
        this.#checkers.perform({ kind: "batch" as const, bytes, merkleRoot: job.merkleRoot, limits }),
      ({ state }) => state === "proven",
      this.#signal,
    ).catch((error) => this.#unchecked(error, job));
    await this.#batchCommit.add({ job, ...finding });
    this.#tally.batch(finding.state, "leaves" in finding ? finding.leaves.count : 0);
    this.#deriveSignal.wake();
  }

  async #payload(job: PayloadJob, hold: MemoryHold): Promise<void> {
    const { teeId, inputHash, outputHash } = job;
    const expected = { teeId, inputHash, outputHash, timestamp: BigInt(job.timestamp) };
    const { payloadLimits: limits } = this.settings;
    const finding = await examine(
      this.examination,
      job,
      hold,
      (bytes) => this.#checkers.perform({ kind: "payload" as const, bytes, expected, limits }),
      ({ state, reason }) => state === "matched" || reason === "not-recomputable",
      this.#signal,
    ).catch((error) => this.#unchecked(error, job));
    await this.#payloadCommit.add({ job, ...finding });
    this.#tally.payload(finding.state);
    this.#deriveSignal.wake();
  }

  async #signatures(jobs: readonly SignatureJob[]): Promise<void> {
    const task = { kind: "signatures" as const, signatures: jobs.map((job) => ({ ...job })) };
    const findings = await this.#checkers.perform(task);
    await recordSignatures(
      this.pool,
      this.settings.holder,
      jobs.map((job, index) => ({ job, valid: findings[index] ?? null })),
    );
    this.#tally.signatures(jobs.length);
    this.#deriveSignal.wake();
  }

  /** Postpones a job whose check ended without a result, with exponential back-off. */
  #unchecked(error: unknown, job: BatchJob | PayloadJob): Unfinished {
    if (!(error instanceof CheckError) || this.#signal.aborted) throw error;
    this.log.error(`the blob of job ${job.key} could not be checked: ${error.message}`);
    return {
      state: "pending",
      reason: "check-failed",
      detail: "the blob could not be checked; the check will be retried",
      again: {
        delaySeconds: afterFailure(job.attempts - job.absences, this.examination.random()),
        absences: job.absences,
      },
    };
  }

  /** Logs a failure; the job keeps its lease until it expires, and is then retried. */
  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!this.#signal.aborted)
        this.log.warn(`a job failed and will be retried: ${error instanceof Error ? error.message : error}`);
    }
  }

  async #synchronise(signal: AbortSignal): Promise<void> {
    if (performance.now() - this.#fullSyncAt > FULL_SYNC_EVERY_MS) {
      this.#fullSyncAt = performance.now();
      this.#synchroniser.startOver();
      await this.#notices.refresh();
    }
    const changed = await this.#notices.alone(SYNC_LOCK, () => this.#synchroniser.pass(signal));
    await this.#learnKeys();
    if (changed === true) for (const lane of this.#lanes) lane.wake();
  }

  #fullSyncAt = performance.now();

  async #learnKeys(): Promise<void> {
    const { rows } = await this.pool.query<{ count: number }>(
      "select count(*)::float8 as count from proofs.node_key",
    );
    if (rows[0]?.count === this.#checkers.knownKeys) return;
    for await (const keys of knownKeys(this.pool)) this.#checkers.addKeys(keys);
  }

  async #derive(advanced: () => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await settleDirty(this.pool)) > 0) advanced();
    const now = performance.now();
    if (now < this.#nextSumAt && this.#lanes.some((lane) => lane.isBusy)) return;
    await sumDirty(this.pool, this.settings.chainId, signal);
    // while lanes are busy, do not recompute an hour for every batch, and spend at most a fifth of the time on sums
    this.#nextSumAt = performance.now() + Math.max(SUM_EVERY_MS, 4 * (performance.now() - now));
  }

  #nextSumAt = 0;

  async #keepLeases(signal: AbortSignal): Promise<void> {
    const timer = new WakeSignal();
    while (!signal.aborted) {
      await timer.wait((this.settings.leaseSeconds * 1000) / 3, signal);
      if (signal.aborted) return;
      await this.#claims
        .extend()
        .catch((error: Error) => this.log.warn(`leases could not be extended, retrying: ${error.message}`));
    }
  }

  async #repeat(
    title: string,
    everyMs: number,
    wake: WakeSignal,
    work: (advanced: () => void) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.steps.run(title, MAX_QUIET_SECONDS, work);
      } catch (error) {
        if (!signal.aborted)
          this.log.warn(`cannot ${title}: ${error instanceof Error ? error.message : error}; retrying`);
      }
      await wake.wait(everyMs, signal);
    }
  }

  async #report(signal: AbortSignal): Promise<void> {
    const timer = new WakeSignal();
    while (!signal.aborted) {
      await timer.wait(REPORT_EVERY_MS, signal);
      if (signal.aborted) return;
      const line = this.#tally.take();
      if (line === undefined) continue;
      try {
        const backlog = await this.#claims.backlog();
        this.log.info(`${line}; ${backlog.due} jobs due, ${backlog.later} later`);
      } catch (error) {
        this.log.debug(`${line}; ${error instanceof Error ? error.message : error}`);
      }
    }
  }
}
