/** Reports when the index may have grown: on each notification from Postgres, and at regular intervals. */
import type { Log } from "../../config/log.ts";
import { ChainNotices, type News } from "../queries/state/chainNotices.ts";

/** Covers what has no notification: observations, and blocks that arrive while the connection is down. */
const POLL_INTERVAL_MS = 5_000;
/** A replica shows a block some time after the primary's notification. */
const REPLICA_DELAYS_MS = [50, 200, 1_000];

interface WatchOptions {
  /** The primary: only it sends notifications. */
  readonly databaseUrl: string;
  /** Where rows are read. */
  readonly readUrls: readonly string[];
  readonly log: Log;
}

/** @returns a function that stops it. */
export function watchIndex(
  { databaseUrl, readUrls, log }: WatchOptions,
  onNews: (news: News) => void,
): () => Promise<void> {
  const timers = new Set<NodeJS.Timeout>();
  const reportIn = (ms: number) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      onNews("anything");
    }, ms);
    timers.add(timer);
  };
  const readsReplicas = readUrls.some((url) => url !== databaseUrl);
  const notices = new ChainNotices(
    databaseUrl,
    (news) => {
      onNews(news);
      if (readsReplicas && timers.size === 0) for (const ms of REPLICA_DELAYS_MS) reportIn(ms);
    },
    log,
  );
  const polls = setInterval(() => onNews("anything"), POLL_INTERVAL_MS);
  void notices.start();
  return async () => {
    clearInterval(polls);
    for (const timer of timers) clearTimeout(timer);
    await notices.stop();
  };
}
