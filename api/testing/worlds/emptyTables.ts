/** The API on empty tables, both chains ready at `HEAD`, made anew for each test of a file. For tests only. */
import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import { createTestApi, DAILY_CAPS, OPG, type TestApi } from "../testApi.ts";
import { address, ChainTables, hash, utf8Hex } from "./chainTables.ts";
import { nodeNamed, RegistryHistory } from "./registryHistory.ts";

export const T0 = 1_800_000_000;
export const HEAD = T0 + 100_000;
export const DAY = 86_400;
export const OPG_UNIT = 10n ** 18n;

interface Database {
  readonly url: string;
  readonly drop: () => Promise<void>;
}

type Details = Readonly<Record<string, unknown>>;

export interface EmptyTables {
  readonly tables: ChainTables;
  readonly history: RegistryHistory;
  readonly api: TestApi;
  /** Adds a block with an individual settlement. */
  readonly settle: (blockNumber: number, details?: Details) => Promise<void>;
  /** Adds a block with a payment. */
  readonly pay: (blockNumber: number, details?: Details) => Promise<void>;
  /** The transaction hashes of a list's items. */
  readonly idsOf: (path: string) => Promise<string[]>;
  // biome-ignore lint/suspicious/noExplicitAny: problems have members of their own
  readonly problem: (path: string) => Promise<{ readonly response: Response; readonly body: any }>;
}

/** Registers the hooks. @returns the tables and the API of the running test. */
export function useEmptyTables(createDatabase: () => Promise<Database>): EmptyTables {
  let database: Database;
  let tables: ChainTables;
  let history: RegistryHistory;
  let api: TestApi;
  beforeAll(async () => {
    database = await createDatabase();
    tables = await ChainTables.create(database.url);
  });
  afterAll(async () => {
    await tables.close();
    await database.drop();
  });
  beforeEach(async () => {
    await tables.clear();
    history = new RegistryHistory(tables);
    api = createTestApi(database.url);
    api.now = HEAD + 7;
    await tables.setHead("og", 10_000, HEAD);
    await tables.setHead("base", 20_000, HEAD + 2);
    return () => api.close();
  });

  return {
    get tables() {
      return tables;
    },
    get history() {
      return history;
    },
    get api() {
      return api;
    },
    settle: (blockNumber, details = {}) => settle(tables, blockNumber, details),
    pay: (blockNumber, details = {}) => pay(tables, blockNumber, details),
    async idsOf(path) {
      const { items } = await api.json(path);
      return items.map((item: { txHash: string }) => item.txHash);
    },
    async problem(path) {
      const response = await api.get(path);
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      return { response, body: await response.json() };
    },
  };
}

async function settle(tables: ChainTables, blockNumber: number, details: Details): Promise<void> {
  await tables.block("og", blockNumber, T0 + blockNumber);
  await tables.insert("og", "settlement", {
    blockNumber,
    logIndex: 3,
    relay: address("relay"),
    kind: "individual",
    eventSignature: "IndividualSettlement",
    txHash: hash(`settle${blockNumber}`),
    settledAt: T0 + blockNumber,
    relayer: address("relayer"),
    teeId: nodeNamed("a").teeId,
    claimedPayer: address("payer"),
    inputHash: hash("in"),
    outputHash: hash("out"),
    signedAt: T0 + blockNumber - 5,
    signature: "0xabcd",
    blobId: "b".repeat(43),
    blobIdHex: utf8Hex("b".repeat(43)),
    ...details,
  });
}

async function pay(tables: ChainTables, blockNumber: number, details: Details): Promise<void> {
  const row = {
    blockNumber,
    logIndex: 1,
    scheme: "upto",
    method: "permit2",
    token: OPG,
    payer: address("payer"),
    payee: address("pay-a"),
    amount: String(OPG_UNIT / 2n),
    permittedAmount: String(OPG_UNIT),
    facilitator: address("facilitator"),
    paidAt: T0 + blockNumber,
    txHash: hash(`pay${blockNumber}`),
    source: "call",
    ...details,
  };
  await tables.client.query("insert into base.block values (8453, $1, $2, $3) on conflict do nothing", [
    blockNumber,
    hash(`base${blockNumber}`),
    row.paidAt,
  ]);
  await tables.insert("base", "payment", row);
  await tables.sumPayments(DAILY_CAPS);
}
