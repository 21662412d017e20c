/** Lists of payments. */
import { listPayments, type Payment, type PaymentFilters } from "../../queries/payments/payments.ts";
import { builder } from "../builder.ts";
import { type Connection, connect } from "../connection.ts";
import type { Seen, View } from "../execution/view.ts";
import { filtersOf } from "../filters.ts";
import type { PagingArguments } from "../paging.ts";
import { FROM } from "../reads.ts";
import { timeRange } from "./timeRange.ts";

export const PaymentScheme = builder.enumType("PaymentScheme", {
  description: "x402's payment schemes.",
  values: {
    EXACT: { value: "exact", description: "The amount that was agreed on." },
    UPTO: { value: "upto", description: "What was used, up to a cap that the payer signed." },
    BATCH_SETTLEMENT: { value: "batch-settlement", description: "Claimed from a pre-funded channel." },
  } as const,
});

export const PaymentFilter = builder.inputType("PaymentFilter", {
  description: "Which payments; all conditions must hold.",
  fields: (t) => ({
    payer: t.field({ type: "Address", description: "Who paid." }),
    payee: t.field({ type: "Address", description: "Who was paid." }),
    facilitator: t.field({ type: "Address", description: "Sender of the transaction." }),
    token: t.field({ type: "Address", description: "The token's contract." }),
    scheme: t.field({ type: PaymentScheme, description: "How it was paid." }),
    ...timeRange(t, "Paid"),
  }),
});

interface PaymentArguments extends PagingArguments {
  readonly filter?: typeof PaymentFilter.$inferInput | null | undefined;
}

/** @param list - names the field, and the object it hangs on. */
export function payments(
  view: View,
  list: string,
  args: PaymentArguments,
  fixed: PaymentFilters = {},
): Connection<Seen<Payment>> {
  const filters = filtersOf(args.filter, fixed);
  return connect(view.state, args, {
    list,
    parameters: { at: view.at, ...filters },
    keyTypes: ["position", "log"],
    sources: FROM.baseAndMaybeOg,
    read: async (transaction, page) =>
      listPayments(transaction, await view.base(), await view.optionalOg(), filters, page),
    show: (payment) => view.show(payment),
  });
}
