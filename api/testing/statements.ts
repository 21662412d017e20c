/** Counts what is asked of Postgres. For tests only. */
import pg from "pg";
import { vi } from "vitest";

/** Everything sent to Postgres from this process while something is done, transactions' begin and end included. */
export async function statementsOf(work: () => Promise<unknown>): Promise<readonly string[]> {
  const query = vi.spyOn(pg.Client.prototype, "query");
  try {
    await work();
    return query.mock.calls.map(([given]: readonly unknown[]) =>
      typeof given === "object" && given !== null && "text" in given ? String(given.text) : String(given),
    );
  } finally {
    query.mockRestore();
  }
}

export const transactionsIn = (statements: readonly string[]): number =>
  statements.filter((text) => text.startsWith("begin")).length;
