/** Lists of what a registry keeps besides nodes: PCR records and TEE types. */
import { listPcrs, listTeeTypes, type Pcr, type TeeType } from "../../queries/registry/pcrs.ts";
import { resolveRegistries } from "../../queries/state/service.ts";
import { builder } from "../builder.ts";
import { type Connection, connect } from "../connection.ts";
import type { Seen, View } from "../execution/view.ts";
import { filtersOf } from "../filters.ts";
import type { PagingArguments } from "../paging.ts";
import { FROM } from "../reads.ts";

export const PcrFilter = builder.inputType("PcrFilter", {
  description: "Which PCR records; all conditions must hold.",
  fields: (t) => ({
    registry: t.field({
      type: "Registry",
      description: "Records of this registry, or `all`. Default: the first configured registry.",
    }),
    teeType: t.int({ description: "Id of the TEE type, 0 to 255." }),
    pcrHash: t.field({ type: "Hex", description: "Hash of the PCRs, 32 bytes." }),
    approved: t.boolean({ description: "Whether it is approved at the moment asked about." }),
  }),
});

interface PcrArguments extends PagingArguments {
  readonly filter?: typeof PcrFilter.$inferInput | null | undefined;
}

export function pcrs(view: View, args: PcrArguments): Connection<Seen<Pcr>> {
  const { registry, ...given } = filtersOf(args.filter, {});
  const filters = { ...given, registries: resolveRegistries(view.state.settings, registry) };
  return connect(view.state, args, {
    list: "Query.pcrs",
    parameters: { at: view.at, ...filters },
    keyTypes: ["position", "log"],
    sources: FROM.og,
    read: async (transaction, page) => listPcrs(transaction, await view.og(), filters, page),
    show: (pcr) => view.show(pcr),
  });
}

interface TeeTypeArguments extends PagingArguments {
  readonly registry?: string | null | undefined;
}

export function teeTypes(view: View, args: TeeTypeArguments): Connection<Seen<TeeType>> {
  const registries = resolveRegistries(view.state.settings, args.registry ?? undefined);
  return connect(view.state, args, {
    list: "Query.teeTypes",
    parameters: { at: view.at, registries },
    keyTypes: ["position", "text", "log"],
    sources: FROM.og,
    read: async (transaction, page) => listTeeTypes(transaction, await view.og(), registries, page),
    show: (type) => view.show(type),
  });
}
