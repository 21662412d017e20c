/** The stream of events, with a connection of its own. */
import { createReader } from "../queries/reading/database.ts";
import { EventStream, type EventStreamOptions } from "../stream/eventStream.ts";

/** About as much again in memory: some minutes of a busy network. */
const KEPT_BYTES = 8 * 1_024 * 1_024;

/** So many clients that are counted can listen, however many streams each opens. */
const CLIENTS_AT_LEAST = 20;

interface KeepOptions extends Omit<EventStreamOptions, "ownReader" | "limits" | "pause"> {
  /** Where rows are read, in order of preference. */
  readonly readUrls: readonly string[];
  readonly mostStreams: number;
}

export interface KeptStream {
  readonly stream: EventStream;
  readonly stop: () => Promise<void>;
}

export function keepStream({ readUrls, mostStreams, ...options }: KeepOptions): KeptStream {
  const ownReader = createReader({
    urls: readUrls,
    connections: 1,
    onConnectionError: (error) => options.log.warn("idle database connection lost", { error }),
  });
  const stream = new EventStream({
    ...options,
    ownReader,
    limits: {
      keptBytes: KEPT_BYTES,
      listeners: mostStreams,
      listenersPerClient: Math.ceil(mostStreams / CLIENTS_AT_LEAST),
    },
    pause: () => new Promise((resolve) => setImmediate(resolve)),
  });
  return { stream, stop: () => ownReader.close() };
}
