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
    name: t.exposeString("name", { nullable: true }),
  }),
});

export const NodePcr = builder.objectRef<NonNullable<Node["pcr"]>>("NodePcr").implement({
  description: "The code a node runs, and whether the registry approves of it.",
  fields: (t) => ({
    hash: t.expose("hash", { type: "Hex" }),
    version: t.exposeString("version", { nullable: true }),
    approved: t.exposeBoolean("approved"),
    approvedAt: t.expose("approvedAt", { type: "Timestamp", nullable: true }),
    revokedAt: t.expose("revokedAt", { type: "Timestamp", nullable: true }),
  }),
});

export const OhttpConfig = builder.objectRef<NonNullable<Node["ohttpConfig"]>>("OhttpConfig").implement({
  description: "A node's key for Oblivious HTTP (RFC 9458).",
  fields: (t) => ({
    keyId: t.exposeInt("keyId"),
    kemId: t.exposeInt("kemId"),
    kdfId: t.exposeInt("kdfId"),
    aeadId: t.exposeInt("aeadId"),
    publicKey: t.expose("publicKey", { type: "Hex" }),
    publicKeyBytes: t.exposeInt("publicKeyBytes"),
    publicKeySha256: t.expose("publicKeySha256", { type: "Hex", nullable: true }),
    keyConfig: t.expose("keyConfig", { type: "Hex" }),
    keyConfigBytes: t.exposeInt("keyConfigBytes"),
    keyConfigSha256: t.expose("keyConfigSha256", { type: "Hex", nullable: true }),
    registeredAt: t.expose("registeredAt", { type: "Timestamp" }),
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
  endpoint: t.exposeString("endpoint", { nullable: true }),
  endpointHex: t.expose("endpointHex", {
    type: "Hex",
    nullable: true,
    extensions: readsRows(NOTHING),
  }),
  endpointBytes: t.exposeInt("endpointBytes", { nullable: true }),
  endpointSha256: t.expose("endpointSha256", { type: "Hex", nullable: true }),
  publicKey: t.field({
    type: "Hex",
    nullable: true,
    extensions: readsRows(FROM.og, 3),
    resolve: async (node) => (await withKeys(node)).publicKey,
  }),
  publicKeyBytes: t.int({
    nullable: true,
    extensions: readsRows(FROM.og, 3),
    resolve: async (node) => (await withKeys(node)).publicKeyBytes,
  }),
  publicKeySha256: t.field({
    type: "Hex",
    nullable: true,
    extensions: readsRows(FROM.og, 3),
    resolve: async (node) => (await withKeys(node)).publicKeySha256,
  }),
  tlsCertificate: t.field({
    type: "Hex",
    nullable: true,
    extensions: readsRows(FROM.og, 3),
    resolve: async (node) => (await withKeys(node)).tlsCertificate,
  }),
  tlsCertificateBytes: t.int({
    nullable: true,
    extensions: readsRows(FROM.og, 3),
    resolve: async (node) => (await withKeys(node)).tlsCertificateBytes,
  }),
  tlsCertificateSha256: t.field({
    type: "Hex",
    nullable: true,
    extensions: readsRows(FROM.og, 3),
    resolve: async (node) => (await withKeys(node)).tlsCertificateSha256,
  }),
  pcr: t.expose("pcr", { type: NodePcr, nullable: true }),
  ohttpConfig: t.expose("ohttpConfig", { type: OhttpConfig, nullable: true }),
  recordSource: t.expose("recordSource", {
    type: RecordSource,
    nullable: true,
    description: "Where its record was read; null when it could not be.",
  }),
}));
