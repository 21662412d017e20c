/** Compares operators' revenue at many moments of a random month with the payments themselves. */
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { seededRandom } from "../../../test/simulator/random.ts";
import { readNetwork } from "../../queries/operators/network.ts";
import { readDemands } from "../../queries/operators/operatorRevenue.ts";
import { type RevenueRow, readRevenues } from "../../queries/payments/revenueTotals.ts";
import { createReader, type Reader, type ReadTransaction } from "../../queries/reading/database.ts";
import { type Moment, momentAt } from "../../queries/state/moment.ts";
import { readProofTables } from "../../queries/state/proofTables.ts";
import { CountedMetrics } from "../../testing/comparisons/countedMetrics.ts";
import { COMMON_PAYEE, DAILY_CAPS, OPG } from "../../testing/testApi.ts";
import { address, BASE_CHAIN_ID, ChainTables, OG_CHAIN_ID } from "../../testing/worlds/chainTables.ts";
import {
  BASE_HEAD,
  HEAD,
  type History,
  OTHER_TOKEN,
  randomHistory,
  T0,
} from "../../testing/worlds/metricsHistory.ts";
import { REGISTRY } from "../../testing/worlds/registryHistory.ts";
import { writeHistory } from "../../testing/worlds/writeMetricsHistory.ts";

const DAY = 86_400;
const random = seededRandom(20_261_127);
const everybodyPaysAll = randomHistory(random);
/** Each payer has its own payees: some pay several of one operator, most only one. */
const fewPaySeveral: History = {
  ...everybodyPaysAll,
  payments: everybodyPaysAll.payments.filter(
    ({ payer, payee }) => BigInt(payer + payee.slice(2)) % 3n === 0n,
  ),
};
const OWNERS = [...new Set(everybodyPaysAll.nodes.map(({ owner }) => owner))];
const scope = { registries: [REGISTRY], commonPayees: [COMMON_PAYEE], dailyOrganicCaps: DAILY_CAPS };

describe.each([
  ["everybody pays all", everybodyPaysAll],
  ["few pay several", fewPaySeveral],
] as const)("operators' revenue when %s", (_, history) => {
  const truth = new CountedMetrics(history);
  let database: TestDatabase;
  let tables: ChainTables;
  let reader: Reader;

  beforeAll(async () => {
    database = await createTestDatabase();
    tables = await ChainTables.create(database.url);
    await writeHistory(tables, history);
    reader = createReader({ urls: [database.url], onConnectionError: () => {} });
  }, 120_000);
  afterAll(async () => {
    await reader.close();
    await tables.close();
    await database.drop();
  });

  const ownPayments = (owner: string, now: number) =>
    truth
      .payments({ from: 0, to: now + 1 }, BASE_HEAD, null)
      .filter(({ payee }) => truth.operatorOf(payee, now) === owner);

  function expected(owner: string, now: number) {
    const paid = ownPayments(owner, now);
    const payersOf = (payments: typeof paid) => new Set(payments.map(({ payer }) => payer)).size;
    return {
      revenue: truth
        .volumes(paid, now, (payee) => truth.operatorOf(payee, now))
        .map((volume) => {
          const payments = paid.filter(({ token }) => token === volume.token);
          return { ...volume, payments: payments.length, payers: payersOf(payments) };
        }),
      payers: payersOf(paid),
    };
  }

  const demandsAt = (now: number, owners: readonly string[]) =>
    reader.read(async (transaction) => {
      const newest = (chainId: number, time: number) => ({
        chainId,
        time,
        blockNumber: Number.MAX_SAFE_INTEGER,
      });
      return readDemands(
        transaction,
        await momentAt(transaction, "og", newest(OG_CHAIN_ID, HEAD), now),
        await momentAt(transaction, "base", newest(BASE_CHAIN_ID, BASE_HEAD), now),
        scope,
        owners,
      );
    });

  const midnight = T0 + 20 * DAY - ((T0 + 20 * DAY) % DAY);
  const moments: [string, number][] = [
    ["now", HEAD],
    ["a second before midnight", midnight - 1],
    ["at midnight", midnight],
    ["a second later", midnight + 1],
    ["before anything was paid", T0 + 1_000],
    ...Array.from({ length: 20 }, (_, index): [string, number] => [
      `at random moment ${index}`,
      Math.floor(T0 + 2 * DAY + random() * (HEAD - T0 - 2 * DAY)),
    ]),
  ];

  test.each(moments)("%s", async (_, now) => {
    expect(await demandsAt(now, OWNERS)).toEqual(OWNERS.map((owner) => expected(owner, now)));
  });

  test("is the same for one operator as in the list", async () => {
    const [all, alone] = [
      await demandsAt(HEAD, OWNERS),
      await Promise.all(OWNERS.map((o) => demandsAt(HEAD, [o]))),
    ];
    expect(alone.flat()).toEqual(all);
  });

  const atHead = <T>(read: (transaction: ReadTransaction, og: Moment, base: Moment) => Promise<T>) =>
    reader.read((transaction) =>
      read(
        transaction,
        { chainId: OG_CHAIN_ID, time: HEAD, blockNumber: Number.MAX_SAFE_INTEGER },
        { chainId: BASE_CHAIN_ID, time: BASE_HEAD, blockNumber: Number.MAX_SAFE_INTEGER },
      ),
    );

  test("the network's organic revenue counts a payer once per operator and day, and once for all payees without an operator", async () => {
    const paid = truth.payments({ from: 0, to: BASE_HEAD + 1 }, BASE_HEAD, null);
    const operators = new Set(paid.map(({ payee }) => truth.operatorOf(payee, HEAD)));
    expect(operators.size).toBeGreaterThan(3);
    expect(operators).toContain(address("nobody"));
    const { volume } = await atHead(async (transaction, og, base) =>
      readNetwork(transaction, await readProofTables(transaction, og.chainId), og, base, scope),
    );
    const volumes = truth.volumes(paid, HEAD, (payee) => truth.operatorOf(payee, HEAD));
    expect(volume).toEqual(volumes.map(({ token, raw, organic }) => ({ token, raw, organic })));
  });

  test("with too many payers of several payees, or too many of their days, only the sums that need them are null", async () => {
    const own = OWNERS.flatMap((owner) =>
      [...new Set(ownPayments(owner, HEAD).map(({ payee }) => payee))].map(
        (payee) => [payee, owner] as const,
      ),
    );
    const payees = sql`values ${sql.join(
      own.map(([payee, owner]) => sql`(${payee}, ${owner})`),
      sql`, `,
    )}`;
    const rows = (bounds: { mostPayers?: number; mostDays?: number }) =>
      atHead((transaction, og, base) => readRevenues(transaction, og, base, DAILY_CAPS, payees, bounds));
    const all = await rows({});
    const several = new Set(
      OWNERS.filter((owner) =>
        ownPayments(owner, HEAD).some((one, _, paid) =>
          paid.some(({ payer, payee }) => payer === one.payer && payee !== one.payee),
        ),
      ),
    );
    expect(several.size).toBeGreaterThan(0);
    const without = (keys: readonly (keyof RevenueRow)[]) =>
      all.map((row) =>
        several.has(row.owner) ? { ...row, ...Object.fromEntries(keys.map((key) => [key, null])) } : row,
      );
    expect(await rows({ mostPayers: 0 })).toEqual(without(["payers", "organic", "effectivePayers"]));
    expect(await rows({ mostDays: 0 })).toEqual(without(["organic", "effectivePayers"]));
  });

  test("the history contains the hard cases", () => {
    const dayOf = (at: number) => Math.floor(at / DAY);
    const payeesOf = (paid: ReturnType<typeof ownPayments>) =>
      [...new Set(paid.map(({ payer }) => payer))].map(
        (payer) => new Set(paid.filter((one) => one.payer === payer).map(({ payee }) => payee)).size,
      );
    const ofAll = OWNERS.map((owner) => ownPayments(owner, HEAD));
    const together = ofAll.flat();
    expect(new Set(together.map(({ token }) => token))).toEqual(new Set([OPG, OTHER_TOKEN]));
    expect(
      together.some((payment) => !truth.isOrganic(payment, HEAD) && payment.payer !== payment.facilitator),
    ).toBe(true);
    expect(together.some(({ paidAt }) => dayOf(paidAt) === dayOf(BASE_HEAD))).toBe(true);
    expect(ofAll.flatMap(payeesOf).some((payees) => payees > 1)).toBe(true);
    expect(ofAll.flatMap(payeesOf).some((payees) => payees === 1)).toBe(history === fewPaySeveral);
    // a payer paid several payees of one operator on one day
    expect(
      ofAll.some((paid) =>
        paid.some((one) =>
          paid.some(
            (two) =>
              one.payer === two.payer && one.payee !== two.payee && dayOf(one.paidAt) === dayOf(two.paidAt),
          ),
        ),
      ),
    ).toBe(true);
  });
});
