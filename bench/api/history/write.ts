/** Writes a network's history straight to Postgres, as the indexers and the verifier would have left it. */
import { ChainTables } from "../../../api/testing/worlds/chainTables.ts";
import { connectForBulk, withoutIndexes } from "./bulk.ts";
import { writeOnchain } from "./onchain.ts";
import { writePayments } from "./payments.ts";
import { planNodes, writeHeartbeats, writeRegistry } from "./registry.ts";
import { SUMS_OF_SETTLEMENTS, writeSettlements } from "./settlements.ts";
import { baseBlockAt, countsOf, type HistorySize, headTime, ogBlockAt } from "./size.ts";

/** Fills an empty database. @param report - called after each step. */
export async function writeHistory(
  url: string,
  size: HistorySize,
  report: (step: string) => void = () => {},
): Promise<void> {
  const tables = await ChainTables.create(url);
  await tables.setHead("og", ogBlockAt(headTime(size)), headTime(size));
  await tables.setHead("base", baseBlockAt(headTime(size)), headTime(size));
  await tables.close();
  const client = await connectForBulk(url);
  const counts = countsOf(size);
  const nodes = planNodes(size);
  const step = async (name: string, work: () => Promise<void>) => {
    const began = performance.now();
    await work();
    report(`${name}: ${((performance.now() - began) / 1_000).toFixed(1)} s`);
  };
  try {
    await withoutIndexes(client, async () => {
      await step("registry", () => writeRegistry(client, size, nodes));
      // Settlements are made here, the rest by Postgres: both at once.
      await Promise.all([
        step("settlements and proofs", () => writeSettlements(url, size, nodes)),
        (async () => {
          await step("heartbeats", () => writeHeartbeats(client, size, counts));
          await step("payments", () => writePayments(client, size, counts));
        })(),
      ]);
      await step("on-chain inferences and blocks", () => writeOnchain(client, size, counts));
      await step("sums of settlements", async () => {
        for (const statement of SUMS_OF_SETTLEMENTS) await client.query(statement);
      });
      await client.query("drop schema bench cascade");
    });
    await step("vacuum analyze", async () => {
      await client.query("vacuum analyze");
    });
  } finally {
    await client.end();
  }
}
