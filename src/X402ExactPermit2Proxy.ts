/** Payments of the `exact` scheme through Permit2. */
import { permitFailureReason, recordPermitFailure, recordSettlement } from "./permit2Settlement.ts";
import { base } from "./registry.ts";

base("X402ExactPermit2Proxy:Settled", ({ event, context }) => recordSettlement(context, event, "exact"));

base("X402ExactPermit2Proxy:SettledWithPermit", ({ event, context }) =>
  recordSettlement(context, event, "exact"),
);

base("X402ExactPermit2Proxy:EIP2612PermitFailedWithReason", ({ event, context }) =>
  recordPermitFailure(context, event, "reason", permitFailureReason(event.log.data)),
);

base("X402ExactPermit2Proxy:EIP2612PermitFailedWithData", ({ event, context }) =>
  recordPermitFailure(context, event, "data", null),
);

base("X402ExactPermit2Proxy:EIP2612PermitFailedWithPanic", ({ event, context }) =>
  recordPermitFailure(context, event, "panic", null),
);
