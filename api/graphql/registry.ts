/** What a registry keeps besides nodes: PCR records and TEE types. */

import { PCRS, type Pcr, TEE_TYPES, type TeeType } from "../queries/registry/pcrs.ts";
import { resolveRegistries } from "../queries/state/service.ts";
import { AT } from "./builder/arguments.ts";
import { builder } from "./builder/builder.ts";
import { type Connection, connect } from "./builder/connection.ts";
import { filterFields, filtersOf } from "./builder/filters.ts";
import type { PagingArguments } from "./execution/plan/paging.ts";
import { NOTHING, readsPage } from "./execution/plan/reads.ts";
import type { Scoped, View } from "./execution/state.ts";
import { NodeFilter, NodeSort, nodes, nodesPage, TeeNodeConnection } from "./nodeLists.ts";
import { TeeTypeName } from "./nodeRecord.ts";
import { TeeNodeRef } from "./nodes.ts";

const PcrRef = builder.objectRef<Scoped<Pcr>>("Pcr");
const TeeTypeRef = builder.objectRef<Scoped<TeeType>>("TeeType");

const PcrConnection = builder.connectionObject(
  { type: PcrRef, name: "PcrConnection", description: "A page of PCR records." },
  { description: "A PCR record in a page." },
);
const TeeTypeConnection = builder.connectionObject(
  { type: TeeTypeRef, name: "TeeTypeConnection", description: "A page of TEE types." },
  { description: "A TEE type in a page." },
);

PcrRef.implement({
  description: "A PCR record: code that a registry approves, or once approved, for a type of node.",
  fields: (t) => ({
    hash: t.expose("hash", { type: "Hex" }),
    registry: t.expose("registry", { type: "Address" }),
    chainId: t.exposeInt("chainId", { description: "EIP-155 id of the chain." }),
    teeType: t.expose("teeType", { type: TeeTypeName, nullable: true }),
    version: t.exposeString("version", { nullable: true }),
    versionHex: t.expose("versionHex", {
      type: "Hex",
      nullable: true,
      extensions: { reads: { sources: NOTHING, rows: 1 } },
    }),
    versionBytes: t.exposeInt("versionBytes", { nullable: true }),
    versionSha256: t.expose("versionSha256", { type: "Hex", nullable: true }),
    approved: t.exposeBoolean("approved"),
    firstApprovedAt: t.expose("firstApprovedAt", { type: "Timestamp", nullable: true }),
    approvedAt: t.expose("approvedAt", { type: "Timestamp", nullable: true }),
    revokedAt: t.expose("revokedAt", { type: "Timestamp", nullable: true }),
    approvals: t.expose("approvals", { type: "Long" }),
    revocations: t.expose("revocations", { type: "Long" }),
    nodes: t.connection(
      {
        type: TeeNodeRef,
        nullable: true,
        description: "Nodes of the registry that run this code, of any type.",
        args: {
          filter: t.arg({ type: NodeFilter, description: "Which of them." }),
          sort: t.arg({ type: NodeSort, description: "Their order. Default: newest registration first." }),
        },
        extensions: nodesPage,
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
      extensions: { reads: { sources: NOTHING, rows: 1 } },
    }),
    nameBytes: t.exposeInt("nameBytes", { nullable: true }),
    nameSha256: t.expose("nameSha256", { type: "Hex", nullable: true }),
    registry: t.expose("registry", { type: "Address" }),
    chainId: t.exposeInt("chainId", { description: "EIP-155 id of the chain." }),
    addedAt: t.expose("addedAt", { type: "Timestamp" }),
    deactivatedAt: t.expose("deactivatedAt", { type: "Timestamp", nullable: true }),
  }),
});

const PcrFilter = builder.inputType("PcrFilter", {
  description: "Which PCR records; all conditions must hold.",
  fields: (t) => ({
    registry: t.field({
      type: "Registry",
      description: "Records of this registry, or `all`. Default: the first configured registry.",
    }),
    ...filterFields(
      t,
      PCRS.filters,
      {},
      {
        teeType: "Id of the TEE type, 0 to 255.",
        pcrHash: "Hash of the PCRs, 32 bytes.",
        approved: "Whether it is approved at the moment asked about.",
      },
    ),
  }),
});

interface PcrArguments extends PagingArguments {
  readonly filter?: typeof PcrFilter.$inferInput | null | undefined;
}

function pcrs(view: View, args: PcrArguments): Connection<Scoped<Pcr>> {
  const registries = resolveRegistries(view.settings, args.filter?.registry ?? undefined);
  const wanted = { ...filtersOf(PCRS.filters, args.filter), registries };
  return connect(view, args, PCRS, { field: "Query.pcrs", wanted });
}

interface TeeTypeArguments extends PagingArguments {
  readonly registry?: string | null | undefined;
}

function teeTypes(view: View, { registry, ...args }: TeeTypeArguments): Connection<Scoped<TeeType>> {
  const registries = resolveRegistries(view.settings, registry ?? undefined);
  return connect(view, args, TEE_TYPES, { field: "Query.teeTypes", wanted: { registries } });
}

builder.queryFields((t) => ({
  pcrs: t.connection(
    {
      type: PcrRef,
      nullable: true,
      description: "PCR records, the newest first.",
      args: {
        filter: t.arg({ type: PcrFilter, description: "Which records." }),
        at: t.arg(AT),
      },
      extensions: readsPage(PCRS.sources),
      resolve: (_, args, { state }) => pcrs(state.view(args.at), args),
    },
    PcrConnection,
  ),
  teeTypes: t.connection(
    {
      type: TeeTypeRef,
      nullable: true,
      description: "TEE types, the newest first.",
      args: {
        registry: t.arg({
          type: "Registry",
          description: "Types of this registry, or `all`. Default: the first configured registry.",
        }),
        at: t.arg(AT),
      },
      extensions: readsPage(TEE_TYPES.sources),
      resolve: (_, args, { state }) => teeTypes(state.view(args.at), args),
    },
    TeeTypeConnection,
  ),
}));
