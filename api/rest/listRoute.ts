/** Registers the route of a defined list: its parameters, cursors and query follow from the definition. */
import type { AnswerState } from "../queries/state/answerState.ts";
import type { Filters, FilterValues } from "../queries/state/filters.ts";
import type { ListDefinition } from "../queries/state/list.ts";
import { type ListState, listStateAt } from "../queries/state/listState.ts";
import type { ApiService } from "../queries/state/service.ts";
import { answerList } from "./answerList.ts";
import { filterParameters } from "./filterParameters.ts";
import { type ListQuery, listParameters } from "./parameters.ts";
import { type ApiApp, defineRoute, type Parsed, type RouteDescription, type Shape } from "./route.ts";

type Nothing = Record<never, never>;

/** What the list's scope follows from. */
interface Asked<P extends Shape, Q extends Shape> {
  readonly params: Parsed<P>;
  readonly query: Parsed<Q>;
  readonly answer: AnswerState;
  readonly state: ListState;
}

type ScopeOf<Scope, P extends Shape, Q extends Shape> = (asked: Asked<P, Q>) => Scope | Promise<Scope>;

interface ListRoute<Item, F extends Filters, Scope extends object, P extends Shape, Q extends Shape>
  extends Omit<RouteDescription, "answers" | "params" | "query"> {
  readonly list: ListDefinition<Item, F, Scope>;
  /** Of the path. One that is named like a filter takes the filter's place. */
  readonly params?: P;
  /** Parameters beside those of every list and of its filters. */
  readonly query?: Q;
  /** @throws {ApiError} `invalid-parameter` for values that do not go together. */
  readonly check?: (query: ListQuery & Parsed<Q>) => void;
  readonly scope?: ScopeOf<Scope, P, Q>;
}

/** A definition that asks for a scope has to be given one. */
type RequiredScope<Scope, P extends Shape, Q extends Shape> = object extends Scope
  ? unknown
  : { readonly scope: ScopeOf<Scope, P, Q> };

export function defineList<
  Item,
  F extends Filters,
  Scope extends object,
  P extends Shape = Nothing,
  Q extends Shape = Nothing,
>(
  app: ApiApp,
  service: ApiService,
  route: ListRoute<Item, F, Scope, P, Q> & RequiredScope<Scope, P, Q>,
): void {
  // P is Nothing where a route gives no params
  const { list, params = {} as P, query: own, check, scope, ...description } = route;
  const filters = Object.entries(filterParameters(list)).filter(([name]) => !(name in params));
  const shape = { ...listParameters, ...Object.fromEntries(filters), ...own };
  defineRoute(app, { ...description, answers: "list", params, query: shape }, (context, input) => {
    // parsed by the shape above, which is made of these
    const query = input.query as ListQuery & Parsed<Q>;
    check?.(query);
    return answerList(service, context, list, { query, item: description.schema }, async (answer, page) => {
      const state = await listStateAt(answer, service.settings, query.at);
      const given: Readonly<Record<string, unknown>> = { ...query, ...input.params };
      const wanted = {
        ...Object.fromEntries(Object.keys(list.filters).map((name) => [name, given[name]])),
        ...(await scope?.({ params: input.params, query, answer, state })),
        // a value by each filter's own parameter, and the scope, which is absent only where none is asked for
      } as FilterValues<F> & Scope;
      return list.read(answer.transaction, state, wanted, page);
    });
  });
}
