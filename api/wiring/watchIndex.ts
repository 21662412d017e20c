/** Tells when the index may have grown: Postgres says so, and now and then it is looked anyway. */
import type { Log } from "../../config/log.ts";
import { ChainNotices, type News } from "../queries/state/chainNotices.ts";

/** Catches what notices do not tell: observations, and blocks while the connection was gone. */
const LOOK_INTERVAL_MS = 5_000;
/** A replica shows a block some moments after the primary told of it. */
const REPLICA_LOOKS_MS = [50, 200, 1_000];

interface WatchOptions {
  /** The primary: notices come from nowhere else. */
  readonly databaseUrl: string;
  /** Where rows are read. */
  readonly readUrls: readonly string[];
  readonly log: Log;
}

/** @returns how to stop. */
export function watchIndex(
  { databaseUrl, readUrls, log }: WatchOptions,
  onNews: (news: News) => void,
): () => Promise<void> {
  const timers = new Set<NodeJS.Timeout>();
  const lookIn = (ms: number) => {
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
      if (readsReplicas && timers.size === 0) for (const ms of REPLICA_LOOKS_MS) lookIn(ms);
    },
    log,
  );
  const looks = setInterval(() => onNews("anything"), LOOK_INTERVAL_MS);
  void notices.start();
  return async () => {
    clearInterval(looks);
    for (const timer of timers) clearTimeout(timer);
    await notices.stop();
  };
}
