/** What a registry recorded about a node: type, endpoint, keys, certificate, PCR. */

import type { Node } from "../queries/nodes/nodes.ts";
import { FROM } from "../queries/state/list.ts";
import { builder } from "./builder/builder.ts";
import { NOTHING, readsRows } from "./execution/plan/reads.ts";
import { TeeNodeRef, withKeys } from "./nodes.ts";

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

const RecordSource = builder.enumType("RecordSource", {
  description: "Where a node's record was read.",
  values: {
    CALL: { value: "call", description: "The registry's view, at the block of the registration." },
    CALLDATA: { value: "calldata", description: "The registering transaction's input." },
    OBSERVATION: {
      value: "observation",
      description: "A later reading of the view that said something else.",
    },
  } as const,
});

builder.objectFields(TeeNodeRef, (t) => ({
  teeType: t.expose("teeType", { type: TeeTypeName, description: "What kind of node it is." }),
  endpoint: t.exposeString("endpoint", {
    nullable: true,
    description: "Its URL, sanitised and at most 2,048 characters; null when the record could not be read.",
  }),
  endpointHex: t.expose("endpointHex", {
    type: "Hex",
    nullable: true,
    description:
      "The endpoint's raw bytes, when `endpoint` is not exactly what they say; lists show the first 4,096.",
    extensions: readsRows(NOTHING),
  }),
  endpointBytes: t.exposeInt("endpointBytes", {
    nullable: true,
    description: "How many bytes it has, shown or not; null where there are none.",
  }),
  endpointSha256: t.expose("endpointSha256", {
    type: "Hex",
    nullable: true,
    description:
      "SHA-256 of all its bytes, 32 bytes, where only the first of them are shown; null where it is whole.",
  }),
  publicKey: t.field({
    type: "Hex",
    nullable: true,
    description:
      "Signing key, DER (SPKI), RSA-2048; null when the record could not be read, and in lists when it has more than 16,000 bytes.",
    extensions: readsRows(FROM.og, 3),
    resolve: async (node) => (await withKeys(node)).publicKey,
  }),
  publicKeyBytes: t.int({
    nullable: true,
    description: "How many bytes it has, shown or not; null where there are none.",
    extensions: readsRows(FROM.og, 3),
    resolve: async (node) => (await withKeys(node)).publicKeyBytes,
  }),
  publicKeySha256: t.field({
    type: "Hex",
    nullable: true,
    description:
      "SHA-256 of all its bytes, 32 bytes, where only the first of them are shown; null where it is whole.",
    extensions: readsRows(FROM.og, 3),
    resolve: async (node) => (await withKeys(node)).publicKeySha256,
  }),
  tlsCertificate: t.field({
    type: "Hex",
    nullable: true,
    description:
      "The certificate to pin, DER; null when the record could not be read; lists show the first 16,000 bytes.",
    extensions: readsRows(FROM.og, 3),
    resolve: async (node) => (await withKeys(node)).tlsCertificate,
  }),
  tlsCertificateBytes: t.int({
    nullable: true,
    description: "How many bytes it has, shown or not; null where there are none.",
    extensions: readsRows(FROM.og, 3),
    resolve: async (node) => (await withKeys(node)).tlsCertificateBytes,
  }),
  tlsCertificateSha256: t.field({
    type: "Hex",
    nullable: true,
    description:
      "SHA-256 of all its bytes, 32 bytes, where only the first of them are shown; null where it is whole.",
    extensions: readsRows(FROM.og, 3),
    resolve: async (node) => (await withKeys(node)).tlsCertificateSha256,
  }),
  pcr: t.expose("pcr", {
    type: NodePcr,
    nullable: true,
    description: "The code it runs, by its PCRs; null when the record could not be read.",
  }),
  ohttpConfig: t.expose("ohttpConfig", {
    type: OhttpConfig,
    nullable: true,
    description: "Its key for Oblivious HTTP; null without one.",
  }),
  recordSource: t.expose("recordSource", {
    type: RecordSource,
    nullable: true,
    description: "Where its record was read; null when it could not be.",
  }),
}));
