/** Lists of operators. */
import { listOperators, type Operator } from "../../queries/operators/operators.ts";
import { operatorScope, resolveRegistries } from "../../queries/state/service.ts";
import { type Connection, connect } from "../connection.ts";
import type { Seen, View } from "../execution/view.ts";
import type { PagingArguments } from "../paging.ts";
import { FROM } from "../reads.ts";
import type { Scoped } from "../refs.ts";

interface OperatorArguments extends PagingArguments {
  readonly registry?: string | null | undefined;
}

export function operators(view: View, args: OperatorArguments): Connection<Seen<Operator & Scoped>> {
  const { settings } = view.state;
  const registries = resolveRegistries(settings, args.registry ?? undefined);
  return connect(view.state, args, {
    list: "Query.operators",
    parameters: { at: view.at, registries },
    keyTypes: ["position", "log"],
    sources: FROM.ogAndMaybeBase,
    read: async (transaction, page) =>
      listOperators(transaction, await view.og(), operatorScope(settings, registries), page),
    show: (operator) => view.show({ ...operator, registries }),
  });
}
