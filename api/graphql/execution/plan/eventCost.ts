/** The cost of a subscription's event in units of the rate limit: that of a query that reads the same. */
import type { OperationPlan } from "./plan.ts";

/** A query with `MAX_ROWS` rows costs 5 units. */
const ROWS_PER_UNIT = 1_000;
/** Every answer takes a transaction, however little it reads. */
const MIN_COST = 0.1;

export const eventCost = ({ rows }: Pick<OperationPlan, "rows">): number =>
  Math.max(MIN_COST, rows / ROWS_PER_UNIT);
