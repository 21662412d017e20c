/** Parts of a node's record: its type, its PCR, its OHTTP key. */
import type { Node } from "../../queries/nodes/nodes.ts";
import { builder } from "../builder.ts";

export const TeeTypeName = builder.objectRef<Node["teeType"]>("TeeTypeName").implement({
  description: "A TEE type by number and name.",
  fields: (t) => ({
    typeId: t.exposeInt("id", { description: "The registry's number for it, 0 to 255." }),
    name: t.exposeString("name", { nullable: true, description: "Its name, sanitised; null when unknown." }),
  }),
});

export const NodePcr = builder.objectRef<NonNullable<Node["pcr"]>>("NodePcr").implement({
  description: "The code a node runs, and whether the registry approves of it.",
  fields: (t) => ({
    hash: t.expose("hash", { type: "Hex", description: "Hash of the PCRs, 32 bytes." }),
    version: t.exposeString("version", {
      nullable: true,
      description: "The version that the newest approval named, sanitised.",
    }),
    approved: t.exposeBoolean("approved", { description: "Whether the registry approves it." }),
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
  }),
});

export const OhttpConfig = builder.objectRef<NonNullable<Node["ohttpConfig"]>>("OhttpConfig").implement({
  description: "A node's key for Oblivious HTTP (RFC 9458).",
  fields: (t) => ({
    keyId: t.exposeInt("keyId", { description: "Key id, 0 to 255." }),
    kemId: t.exposeInt("kemId", { description: "HPKE KEM id (IANA registry)." }),
    kdfId: t.exposeInt("kdfId", { description: "HPKE KDF id (IANA registry)." }),
    aeadId: t.exposeInt("aeadId", { description: "HPKE AEAD id (IANA registry)." }),
    publicKey: t.expose("publicKey", {
      type: "Hex",
      description: "HPKE public key; lists show the first 4,096 bytes.",
    }),
    publicKeyBytes: t.exposeInt("publicKeyBytes", {
      description: "How many bytes it has, shown or not.",
    }),
    publicKeySha256: t.expose("publicKeySha256", {
      type: "Hex",
      nullable: true,
      description:
        "SHA-256 of all its bytes, 32 bytes, where only the first of them are shown; null where it is whole.",
    }),
    keyConfig: t.expose("keyConfig", {
      type: "Hex",
      description: "The key configuration as encoded; lists show the first 4,096 bytes.",
    }),
    keyConfigBytes: t.exposeInt("keyConfigBytes", {
      description: "How many bytes it has, shown or not.",
    }),
    keyConfigSha256: t.expose("keyConfigSha256", {
      type: "Hex",
      nullable: true,
      description:
        "SHA-256 of all its bytes, 32 bytes, where only the first of them are shown; null where it is whole.",
    }),
    registeredAt: t.expose("registeredAt", {
      type: "Timestamp",
      description: "When the key was registered, unix seconds.",
    }),
  }),
});
