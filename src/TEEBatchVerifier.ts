/** Which registry a batch verifier trusts. */
import { verifierRegistryChange } from "ponder:schema";
import { positionOf, recordBlock, timeOf } from "./counters.ts";
import { og } from "./registry.ts";

og("TEEBatchVerifier:RegistryUpdated", async ({ event, context }) => {
  await recordBlock(context, event);
  await context.db.insert(verifierRegistryChange).values({
    ...positionOf(context, event),
    verifier: event.log.address,
    oldRegistry: event.args.oldRegistry,
    newRegistry: event.args.newRegistry,
    timestamp: timeOf(event),
    txHash: event.transaction.hash,
    sender: event.transaction.from,
  });
});
