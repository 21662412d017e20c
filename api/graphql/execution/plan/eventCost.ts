/** What a subscription's event costs of its client's rate limit: as much as a query that reads the same. */
import type { OperationPlan } from "./plan.ts";

/** A query with as many rows as may be costs 5. */
const ROWS_PER_UNIT = 1_000;
/** Each answer is a transaction, however little it reads. */
const MIN_COST = 0.1;

export const eventCost = ({ rows }: Pick<OperationPlan, "rows">): number =>
  Math.max(MIN_COST, rows / ROWS_PER_UNIT);
