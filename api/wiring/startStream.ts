/** Starts the event stream, with a database connection of its own. */
import { createReader } from "../queries/reading/database.ts";
import { EventStream, type EventStreamOptions } from "../stream/eventStream.ts";

/** Some minutes of a busy network; takes about twice as much memory. */
const BUFFER_BYTES = 8 * 1_024 * 1_024;

/** At least so many rate-limited clients can subscribe, however many streams each opens. */
const MIN_CLIENTS = 20;

interface StartOptions extends Omit<EventStreamOptions, "ownReader" | "limits" | "pause"> {
  /** Where rows are read, in order of preference. */
  readonly readUrls: readonly string[];
  readonly maxStreams: number;
}

export interface StartedStream {
  readonly stream: EventStream;
  readonly stop: () => Promise<void>;
}

export function startStream({ readUrls, maxStreams, ...options }: StartOptions): StartedStream {
  const ownReader = createReader({
    urls: readUrls,
    connections: 1,
    onConnectionError: (error) => options.log.warn("idle database connection lost", { error }),
  });
  const stream = new EventStream({
    ...options,
    ownReader,
    limits: {
      bufferBytes: BUFFER_BYTES,
      subscribers: maxStreams,
      subscribersPerClient: Math.ceil(maxStreams / MIN_CLIENTS),
    },
    pause: () => new Promise((resolve) => setImmediate(resolve)),
  });
  return { stream, stop: () => ownReader.close() };
}
