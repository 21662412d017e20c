/**
 * Keeps requests running beyond their caller's patience. After `holdMs`, shortly before it would time out, a caller is told
 * to ask again; the work goes on, and the caller's retry gets the answer. Equal requests share one job.
 */

export const LATE = Symbol("late");

interface Job<T> {
  readonly outcome: Promise<T>;
  readonly cancel: AbortController;
  waiting: number;
  settled: boolean;
  expiry: NodeJS.Timeout | undefined;
}

export interface Jobs<T> {
  /**
   * Runs `work`, or joins the job that already runs under `key`.
   * @param key - equal for equal requests.
   * @param lasting - whether the answer stays valid; false when it depends on the head.
   * @returns the work's outcome, or `LATE`. @throws what the work throws.
   */
  readonly run: (
    key: string,
    lasting: boolean,
    work: (signal: AbortSignal) => Promise<T>,
  ) => Promise<T | typeof LATE>;
  readonly stop: () => void;
}

export function createJobs<T>(holdMs: number, keepMs: number): Jobs<T> {
  const jobs = new Map<string, Job<T>>();

  const drop = (key: string, job: Job<T>) => {
    clearTimeout(job.expiry);
    if (jobs.get(key) === job) jobs.delete(key);
    job.cancel.abort(new Error("no caller is waiting for this request any longer"));
  };

  const begin = (key: string, work: (signal: AbortSignal) => Promise<T>): Job<T> => {
    const cancel = new AbortController();
    const job: Job<T> = {
      outcome: work(cancel.signal),
      cancel,
      waiting: 0,
      settled: false,
      expiry: undefined,
    };
    const settle = () => {
      job.settled = true;
    };
    job.outcome.then(settle, settle);
    jobs.set(key, job);
    return job;
  };

  return {
    run: async (key, lasting, work) => {
      const job = jobs.get(key) ?? begin(key, work);
      clearTimeout(job.expiry);
      job.waiting += 1;
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<typeof LATE>((resolve) => {
        timer = setTimeout(() => resolve(LATE), holdMs);
      });
      try {
        return await Promise.race([job.outcome, late]);
      } finally {
        clearTimeout(timer);
        job.waiting -= 1;
        if (job.waiting === 0) {
          if (job.settled || !lasting) drop(key, job);
          else job.expiry = setTimeout(() => drop(key, job), keepMs);
        }
      }
    },
    stop: () => {
      for (const [key, job] of jobs) drop(key, job);
    },
  };
}
