/** Who may act on a registry: OpenZeppelin AccessControl, and the attestation root certificate. */
import { role } from "ponder:schema";
import { lowerHex } from "../abis/lowerHex.ts";
import { timeOf } from "./counters.ts";
import { syncMaxAge } from "./maxAge.ts";
import { og } from "./registry.ts";
import { recordRegistryEvent, registryOf } from "./registryEvents.ts";

og("TEERegistry:RoleGranted", async ({ event, context }) => {
  const registry = registryOf(event);
  await syncMaxAge(context, event, registry);
  const account = lowerHex(event.args.account);
  const grant = { granted: true, grantedAt: timeOf(event), revokedAt: null };
  await context.db
    .insert(role)
    .values({ chainId: context.chain.id, registry, role: event.args.role, account, ...grant })
    .onConflictDoUpdate(grant);
  await recordRegistryEvent(context, event, "role-granted", "RoleGranted(bytes32,address,address)", {
    role: event.args.role,
    account,
  });
});

og("TEERegistry:RoleRevoked", async ({ event, context }) => {
  const registry = registryOf(event);
  await syncMaxAge(context, event, registry);
  const account = lowerHex(event.args.account);
  const revocation = { granted: false, revokedAt: timeOf(event) };
  await context.db
    .insert(role)
    .values({
      chainId: context.chain.id,
      registry,
      role: event.args.role,
      account,
      grantedAt: null,
      ...revocation,
    })
    .onConflictDoUpdate(revocation);
  await recordRegistryEvent(context, event, "role-revoked", "RoleRevoked(bytes32,address,address)", {
    role: event.args.role,
    account,
  });
});

og("TEERegistry:RoleAdminChanged", async ({ event, context }) => {
  await syncMaxAge(context, event, registryOf(event));
  await recordRegistryEvent(
    context,
    event,
    "role-admin-changed",
    "RoleAdminChanged(bytes32,bytes32,bytes32)",
    {
      role: event.args.role,
      previousHash: event.args.previousAdminRole,
      valueHash: event.args.newAdminRole,
    },
  );
});

og("TEERegistry:AWSCertificateUpdated", async ({ event, context }) => {
  await syncMaxAge(context, event, registryOf(event));
  await recordRegistryEvent(context, event, "certificate-updated", "AWSCertificateUpdated(bytes32)", {
    valueHash: event.args.certHash,
  });
});
