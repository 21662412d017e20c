/** One HTTP request as GraphQL sees it, and what its response's status and headers are made from. */
import type { ErrorCode } from "../../../errors.ts";
import type { Charge } from "../../../queries/reading/charge.ts";
import type { AsOf, Freshness } from "../../../queries/state/asOf.ts";

export interface Exchange {
  readonly requestId: string;
  /** What identifies the answer, besides the state, for caches; null for a request whose answer no cache may keep. */
  readonly cacheable: {
    readonly identity: Readonly<Record<string, unknown>>;
    readonly ifNoneMatch: string | undefined;
  } | null;
  /** From the URL, unchecked. */
  readonly maxLag: string | undefined;
  /** The bound in force, from the URL or from the request's `extensions`. */
  maxLagSeconds: number | undefined;
  /** The `Last-Event-ID` header of a client that resumes a subscription. */
  readonly lastEventId: string | undefined;
  /** The client whose rate limit the request counts towards; absent for clients that are not limited. */
  readonly rateLimitKey: string | undefined;
  /** Database connections are shared fairly among these keys; absent without a connection. */
  readonly fairnessKey: string | undefined;
  /** Charges the client for events; absent for clients that are not limited. */
  readonly charge: Charge | undefined;
  /** Closes the connection in the middle of a response; absent without a connection. */
  readonly closeConnection: (() => void) | undefined;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
  asOf: AsOf | undefined;
  /** For the response's headers; undefined until something was read. */
  freshness: Freshness | undefined;
  /** Code of the error that refused the whole request. */
  refusal: ErrorCode | undefined;
  /** Entity tag; null until the state is known, and for answers that no cache may keep. */
  tag: string | null;
  /** Whether the client has this answer already (`If-None-Match`). */
  unchanged: boolean;
  /** Whether the answer was abandoned because the client is gone. */
  abandoned: boolean;
  /** The answers of a subscription, once it has begun. */
  answers: AnswerStream | null;
}

/** The answers of a subscription, as text. */
export interface AnswerStream {
  readonly pieces: AsyncIterator<string, void>;
  readonly close: () => void;
  /** Called with 0 when everything sent so far has been read, and with the number of bytes that are sent now. */
  readonly setInFlight: (bytes: number) => void;
}
