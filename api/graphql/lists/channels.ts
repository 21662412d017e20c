/** Lists of channels. */
import { type Channel, type ChannelFilters, listChannels } from "../../queries/payments/channels.ts";
import { builder } from "../builder.ts";
import { type Connection, connect } from "../connection.ts";
import type { Seen, View } from "../execution/view.ts";
import { filtersOf } from "../filters.ts";
import type { PagingArguments } from "../paging.ts";
import { FROM } from "../reads.ts";
import { PaymentScheme } from "./payments.ts";
import { timeRange } from "./timeRange.ts";

export const ChannelState = builder.enumType("ChannelState", {
  description: "What a channel can be used for.",
  values: {
    OPEN: { value: "open", description: "Funded; vouchers can be claimed." },
    WITHDRAWING: { value: "withdrawing", description: "The payer has announced to take funds out." },
    CLOSED: { value: "closed", description: "Closed." },
  } as const,
});

export const ChannelFilter = builder.inputType("ChannelFilter", {
  description: "Which channels; all conditions must hold.",
  fields: (t) => ({
    payer: t.field({ type: "Address", description: "Who funds it." }),
    payee: t.field({ type: "Address", description: "Who is paid from it." }),
    token: t.field({ type: "Address", description: "The token's contract." }),
    scheme: t.field({ type: PaymentScheme, description: "Channels belong to BATCH_SETTLEMENT." }),
    state: t.field({ type: ChannelState, description: "What it can be used for." }),
    ...timeRange(t, "Created"),
  }),
});

interface ChannelArguments extends PagingArguments {
  readonly filter?: typeof ChannelFilter.$inferInput | null | undefined;
}

/** @param list - names the field, and the object it hangs on. */
export function channels(
  view: View,
  list: string,
  args: ChannelArguments,
  fixed: ChannelFilters = {},
): Connection<Seen<Channel>> {
  const filters = filtersOf(args.filter, fixed);
  return connect(view.state, args, {
    list,
    parameters: { at: view.at, ...filters },
    keyTypes: ["position", "log"],
    sources: FROM.base,
    read: async (transaction, page) => listChannels(transaction, await view.base(), filters, page),
    show: (channel) => view.show(channel),
  });
}
