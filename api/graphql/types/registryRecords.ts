import { NODES_LOOKED_THROUGH, NodeFilter, NodeSort, nodes } from "../lists/nodes.ts";
import { FROM, readsPage } from "../reads.ts";
import { PcrRef, TeeNodeConnection, TeeNodeRef, TeeTypeRef } from "../refs.ts";
import { TeeTypeName } from "./nodeRecord.ts";

PcrRef.implement({
  description: "A PCR record: code that a registry approves, or once approved, for a type of node.",
  fields: (t) => ({
    hash: t.expose("hash", { type: "Hex", description: "Hash of the PCRs, 32 bytes." }),
    registry: t.expose("registry", { type: "Address", description: "The registry." }),
    chainId: t.exposeInt("chainId", { description: "EIP-155 id of the chain." }),
    teeType: t.expose("teeType", {
      type: TeeTypeName,
      nullable: true,
      description: "The type it is for; null for legacy records, which are for every type.",
    }),
    version: t.exposeString("version", {
      nullable: true,
      description: "The version that the newest approval named, sanitised.",
    }),
    versionHex: t.expose("versionHex", {
      type: "Hex",
      nullable: true,
      description: "The version's raw bytes, when `version` is not exactly what they say.",
      extensions: { reads: { sources: FROM.nothing, rows: 1 } },
    }),
    versionBytes: t.exposeInt("versionBytes", {
      nullable: true,
      description: "How many bytes it has, shown or not; null where there are none.",
    }),
    versionSha256: t.expose("versionSha256", {
      type: "Hex",
      nullable: true,
      description:
        "SHA-256 of all its bytes, 32 bytes, where only the first of them are shown; null where it is whole.",
    }),
    approved: t.exposeBoolean("approved", { description: "Whether this record is approved." }),
    firstApprovedAt: t.expose("firstApprovedAt", {
      type: "Timestamp",
      nullable: true,
      description: "First approval, unix seconds.",
    }),
    approvedAt: t.expose("approvedAt", {
      type: "Timestamp",
      nullable: true,
      description: "Newest approval, unix seconds.",
    }),
    revokedAt: t.expose("revokedAt", {
      type: "Timestamp",
      nullable: true,
      description: "When the newest revocation takes effect, unix seconds; null since a newer approval.",
    }),
    approvals: t.expose("approvals", { type: "Long", description: "Approvals so far; a count." }),
    revocations: t.expose("revocations", { type: "Long", description: "Revocations so far; a count." }),
    nodes: t.connection(
      {
        type: TeeNodeRef,
        nullable: true,
        description: "Nodes of the registry that run this code, of any type.",
        args: {
          filter: t.arg({ type: NodeFilter, description: "Which of them." }),
          sort: t.arg({ type: NodeSort, description: "Their order. Default: newest registration first." }),
        },
        extensions: readsPage(FROM.proofs, 3, NODES_LOOKED_THROUGH),
        resolve: ({ hash, registry, view }, args) =>
          nodes(view, `Pcr.nodes ${registry}`, args, { pcrHash: hash, registries: [registry] }),
      },
      TeeNodeConnection,
    ),
  }),
});

TeeTypeRef.implement({
  description: "A type of node that a registry knows.",
  fields: (t) => ({
    typeId: t.exposeInt("id", { description: "The registry's number for it, 0 to 255." }),
    name: t.exposeString("name", { description: "Its name, sanitised." }),
    nameHex: t.expose("nameHex", {
      type: "Hex",
      nullable: true,
      description: "The name's raw bytes, when `name` is not exactly what they say.",
      extensions: { reads: { sources: FROM.nothing, rows: 1 } },
    }),
    nameBytes: t.exposeInt("nameBytes", {
      nullable: true,
      description: "How many bytes it has, shown or not; null where there are none.",
    }),
    nameSha256: t.expose("nameSha256", {
      type: "Hex",
      nullable: true,
      description:
        "SHA-256 of all its bytes, 32 bytes, where only the first of them are shown; null where it is whole.",
    }),
    registry: t.expose("registry", { type: "Address", description: "The registry." }),
    chainId: t.exposeInt("chainId", { description: "EIP-155 id of the chain." }),
    addedAt: t.expose("addedAt", { type: "Timestamp", description: "When it was added, unix seconds." }),
    deactivatedAt: t.expose("deactivatedAt", {
      type: "Timestamp",
      nullable: true,
      description: "When it was closed to registrations, unix seconds; null while open.",
    }),
  }),
});
