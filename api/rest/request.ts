/** What the middleware attaches to a request for its route. */
import type { Context } from "hono";
import type { ErrorCode } from "../errors.ts";
import type { Charge } from "../queries/reading/charge.ts";
import type { Freshness } from "../queries/state/asOf.ts";
import type { InFlightBytes } from "../stream/inFlightBytes.ts";
import type { Walk } from "./pageBudget.ts";

export interface RequestVariables {
  Variables: {
    requestId: string;
    /** The path with its parameters as parsed, so that two spellings of an id are the same request. */
    canonicalPath?: string;
    /** For the response's headers, also when the request is refused. */
    freshness: Freshness | undefined;
    /** Why the request was refused. */
    refusal?: ErrorCode | undefined;
    /** Closes the connection in the middle of a response; absent without a connection. */
    closeConnection?: () => void;
    /** Bounds the pages in flight over all walks; absent without a connection. */
    pageBudget?: InFlightBytes<Walk>;
    /** The client whose rate limit the request counts towards; absent for clients that are not limited. */
    rateLimitKey?: string;
    /** Database connections are shared fairly among these keys; absent without a connection. */
    fairnessKey?: string;
    /** Charges the client for reads beyond the request itself; absent for clients that are not limited. */
    charge?: Charge;
  };
}
export type RequestContext = Context<RequestVariables>;
