/** Payments of the `upto` scheme through Permit2. */
import { permitFailureReason, recordPermitFailure, recordSettlement } from "./permit2Settlement.ts";
import { base } from "./registry.ts";

base("X402UptoPermit2Proxy:Settled", ({ event, context }) => recordSettlement(context, event, "upto"));

base("X402UptoPermit2Proxy:SettledWithPermit", ({ event, context }) =>
  recordSettlement(context, event, "upto"),
);

base("X402UptoPermit2Proxy:EIP2612PermitFailedWithReason", ({ event, context }) =>
  recordPermitFailure(context, event, "reason", permitFailureReason(event.log.data)),
);

base("X402UptoPermit2Proxy:EIP2612PermitFailedWithData", ({ event, context }) =>
  recordPermitFailure(context, event, "data", null),
);

base("X402UptoPermit2Proxy:EIP2612PermitFailedWithPanic", ({ event, context }) =>
  recordPermitFailure(context, event, "panic", null),
);
