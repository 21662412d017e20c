/** Query parameters made from a list's filters: one of each, by its kind. */
import type { z } from "@hono/zod-openapi";
import { describe } from "../fields/describe.ts";
import type { FilterKind, Filters, FilterValues } from "../queries/state/filters.ts";
import type { ListDefinition } from "../queries/state/list.ts";
import {
  addressParameter,
  blobIdParameter,
  booleanParameter,
  hashParameter,
  integerParameter,
  oneOfParameter,
  textParameter,
  timeParameter,
} from "./parameters.ts";

export type FilterParameters<F extends Filters> = {
  readonly [Name in keyof F]: z.ZodType<FilterValues<F>[Name]>;
};

/** The parameters of a list's filters, all optional, described as `<list's name>Filter.<filter>`. */
export const filterParameters = <F extends Filters>({
  name: list,
  filters,
}: Pick<ListDefinition<unknown, F>, "name" | "filters">): FilterParameters<F> =>
  Object.fromEntries(
    Object.entries(filters).map(([name, kind]) => [
      name,
      parameterOf(kind)
        .optional()
        .openapi({ description: describe(`${list}Filter.${name}`) }),
    ]),
    // each name has the parameter of its own filter's kind
  ) as unknown as FilterParameters<F>;

function parameterOf(filter: FilterKind): z.ZodType {
  switch (filter.kind) {
    case "address":
      return addressParameter();
    case "hash":
      return hashParameter();
    case "blob-id":
      return blobIdParameter();
    case "text":
      return textParameter();
    case "boolean":
      return booleanParameter();
    case "time":
      return timeParameter();
    case "whole-number":
      return integerParameter(filter.min, filter.max);
    case "one-of":
      return oneOfParameter(filter.values);
  }
}
