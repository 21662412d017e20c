/** Records the statements sent to Postgres. For tests only. */
import pg from "pg";
import { vi } from "vitest";

/** All statements that this process sends to Postgres while `work` runs, `begin` and `commit` included. */
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
