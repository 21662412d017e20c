/** What the middleware leaves with a request for whoever answers it. */
import type { Context } from "hono";
import type { ErrorCode } from "../errors.ts";
import type { Charge } from "../queries/reading/charge.ts";
import type { Freshness } from "../queries/state/asOf.ts";
import type { InFlightBytes } from "../stream/inFlightBytes.ts";
import type { Walk } from "./pageBudget.ts";

/** What a request remembers for its headers, also when it ends in an error. */
export interface RequestVariables {
  Variables: {
    requestId: string;
    /** The path with its parameters as they were read: whoever writes an id in another way asks the same question. */
    canonicalPath?: string;
    freshness: Freshness | undefined;
    /** Why the whole of it was refused. */
    refusal?: ErrorCode | undefined;
    /** Ends the connection in the middle of an answer; absent without a connection. */
    cut?: () => void;
    /** What is kept for all whose answers are sent page by page; absent without a connection. */
    keptPages?: InFlightBytes<Walk>;
    /** Whose share the request is part of; absent for those who are not counted. */
    countedClient?: string;
    /** Who asks, as connections to the database are divided among; absent without a connection. */
    shareKey?: string;
    /** Takes what reading costs after the request was counted; absent for those who are not counted. */
    charge?: Charge;
  };
}
export type RequestContext = Context<RequestVariables>;
