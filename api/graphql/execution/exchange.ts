/** What one HTTP request and its answer know of each other while GraphQL works in between. */
import type { ErrorCode } from "../../errors.ts";
import type { Charge } from "../../queries/reading/charge.ts";
import type { AsOf, Freshness } from "../../queries/state/asOf.ts";

export interface Exchange {
  readonly requestId: string;
  /** Of a request that may be answered from a cache: what tells its answer from others', besides the state. */
  readonly cacheable: {
    readonly identity: Readonly<Record<string, unknown>>;
    readonly ifNoneMatch: string | undefined;
  } | null;
  /** As the URL has it. */
  readonly maxLag: string | undefined;
  /** The bound in force, of the URL or of the request's `extensions`. */
  maxLagSeconds: number | undefined;
  /** The id of the last event, as a client sends it that comes back to a subscription. */
  readonly lastEventId: string | undefined;
  /** The client whose rate limit the request counts towards; absent for clients that are not limited. */
  readonly rateLimitKey: string | undefined;
  /** Database connections are shared fairly among these keys; absent without a connection. */
  readonly fairnessKey: string | undefined;
  /** Charges the client for events; absent for clients that are not limited. */
  readonly charge: Charge | undefined;
  /** Closes the connection in the middle of a response; absent without a connection. */
  readonly closeConnection: (() => void) | undefined;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  asOf: AsOf | undefined;
  /** What the headers say, once anything was read. */
  freshness: Freshness | undefined;
  /** Why the whole request was refused. */
  refusal: ErrorCode | undefined;
  /** Null until the state is known, and for answers that nobody may keep. */
  tag: string | null;
  /** The caller has the answer already. */
  unchanged: boolean;
  /** The caller is gone, and the answer was given up. */
  abandoned: boolean;
  /** Of a subscription that has begun. */
  answers: AnswerStream | null;
}

/** The answers of a subscription, as text. */
export interface AnswerStream {
  readonly pieces: AsyncIterator<string, void>;
  readonly close: () => void;
  /** Called with 0 when everything sent so far has been read, and with the number of bytes that are sent now. */
  readonly setInFlight: (bytes: number) => void;
}
