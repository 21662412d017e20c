/**
 * The whole system on recorded chains, against the contracts' own answers. Public endpoints cannot be reached from a
 * test: the run with faults (pruned state, small ranges, errors, dropped connections, a growing chain, a dead Base) is
 * what stands for them.
 */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ChainTables } from "../api/testing/worlds/chainTables.ts";
import { SUMS_OF_PAYMENTS } from "../api/testing/worlds/paymentSums.ts";
import { readEnvironment } from "../config/environment.ts";
import { dailyOrganicCaps } from "../src/decode/organicCaps.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import {
  baseTruth,
  hasRecording,
  ogTruth,
  type ReplayServer,
  recordedSettings,
  recordingDirectory,
  startReplay,
} from "./recorded/recording.ts";
import {
  eventually,
  freePort,
  getAll,
  getJson,
  getStatus,
  type RunningSystem,
  startSystem,
} from "./system/system.ts";

type Hex = `0x${string}`;

interface Node {
  readonly teeId: Hex;
  readonly owner: Hex;
  readonly paymentAddress: Hex | null;
  readonly endpoint: string | null;
  readonly endpointHex: Hex | null;
  readonly pcr: { readonly hash: Hex | null; readonly approved: boolean | null };
  readonly teeType: { readonly id: number };
  readonly status: string;
  readonly statusPrecision: "exact" | "bounded" | "assumed";
  readonly enabled: boolean;
  readonly registeredAt: number;
  readonly lastHeartbeatAt: number;
}

interface Payment {
  readonly txHash: Hex;
  readonly token: Hex;
  readonly scheme: string;
  readonly method: string;
  readonly payer: Hex;
  readonly payee: Hex;
  readonly amount: string;
}

interface Channel {
  readonly channelId: Hex;
  readonly balance: string;
  readonly claimed: string;
  readonly pendingWithdrawal: { readonly amount: string } | null;
}

if (!hasRecording) console.warn(`skipped: there is no recording at ${recordingDirectory}`);

const nodesAt = (system: RunningSystem, at: number) => getAll<Node>(system, `/v1/nodes?at=${at}`);

/** What the contract's own views say about a node, in the API's words. */
function expectedNodes(checkpoint: ReturnType<typeof ogTruth>["checkpoints"][number]) {
  const truth = ogTruth();
  const approved = new Set(checkpoint.approvedPCRs.map(({ pcrHash, teeType }) => `${teeType} ${pcrHash}`));
  return Object.entries(checkpoint.nodes)
    .map(([teeId, state]) => {
      const node = truth.nodes[teeId as Hex];
      if (node === undefined) throw new Error(`the recording has no facts about ${teeId}`);
      const pcrApproved = approved.has(`${node.teeType} ${node.pcrHash}`);
      const status = state.active
        ? "active"
        : !pcrApproved
          ? "revoked"
          : !state.enabled
            ? "disabled"
            : "stale";
      return {
        teeId,
        owner: node.owner.toLowerCase(),
        paymentAddress: node.paymentAddress.toLowerCase(),
        endpointBytes: node.endpoint.hex,
        pcrHash: node.pcrHash,
        pcrApproved,
        teeType: node.teeType,
        status,
        enabled: state.enabled,
        registeredAt: node.registeredAt,
        lastHeartbeatAt: state.lastHeartbeatAt,
      };
    })
    .sort((a, b) => (a.teeId < b.teeId ? -1 : 1));
}

const servedNodes = (nodes: readonly Node[]) =>
  nodes
    .map((node) => ({
      teeId: node.teeId,
      owner: node.owner,
      paymentAddress: node.paymentAddress,
      endpointBytes: node.endpointHex ?? `0x${Buffer.from(node.endpoint ?? "").toString("hex")}`,
      pcrHash: node.pcr.hash,
      pcrApproved: node.pcr.approved,
      teeType: node.teeType.id,
      status: node.status,
      enabled: node.enabled,
      registeredAt: node.registeredAt,
      lastHeartbeatAt: node.lastHeartbeatAt,
    }))
    .sort((a, b) => (a.teeId < b.teeId ? -1 : 1));

async function expectEveryCheckpoint(system: RunningSystem) {
  const { checkpoints } = ogTruth();
  expect(checkpoints.length).toBeGreaterThan(0);
  for (const checkpoint of checkpoints)
    expect(
      servedNodes(await nodesAt(system, checkpoint.timestamp)),
      `at ${checkpoint.tag}, block ${checkpoint.block}`,
    ).toEqual(expectedNodes(checkpoint));
}

describe.skipIf(!hasRecording)("recorded chains", () => {
  let database: TestDatabase;
  let og: ReplayServer;
  let base: ReplayServer;
  let system: RunningSystem;

  beforeAll(async () => {
    // Every payee of the recording, so that payments in other tokens than OPG are ours too.
    const payees = [...new Set(baseTruth().payments.map(({ payee }) => payee))];
    database = await createTestDatabase();
    og = await startReplay("og", await freePort());
    base = await startReplay("base", await freePort());
    system = await startSystem({
      ...recordedSettings(payees),
      DATABASE_URL: database.url,
      OG_RPC_URL: og.url,
      BASE_RPC_URL: base.url,
      WALRUS_AGGREGATOR_URLS: og.url,
    });
    await eventually(
      system,
      () => getStatus(system),
      ({ chains }) =>
        chains.og.block?.number === ogTruth().head && chains.base.block?.number === baseTruth().head,
      150_000,
    );
  });

  afterAll(async () => {
    expect(await system?.stop()).toBe(0);
    og?.stop();
    base?.stop();
    await database?.drop();
  });

  it("serves every node as the contract answered at every checkpoint", async () => {
    await expectEveryCheckpoint(system);
  });

  it("is sure of every status, because its RPC tells every heartbeatMaxAge of the past", async () => {
    const { hourly } = ogTruth();
    for (const { timestamp } of hourly)
      for (const { teeId, statusPrecision } of await nodesAt(system, timestamp))
        expect(statusPrecision, `${teeId} at ${timestamp}`).toBe("exact");
    const { heartbeatMaxAge } = await getJson<{ heartbeatMaxAge: object }>(system, "/v1/network");
    expect(heartbeatMaxAge).toMatchObject({ precision: "exact" });
  });

  it("serves the contract's active and enabled nodes at every hour", async () => {
    const truth = ogTruth();
    const indexOf = new Map(Object.entries(truth.nodes).map(([teeId, { index }]) => [teeId, index]));
    for (const hour of truth.hourly) {
      const nodes = await nodesAt(system, hour.timestamp);
      const indexes = (wanted: (node: Node) => boolean) =>
        nodes
          .filter(wanted)
          .map(({ teeId }) => indexOf.get(teeId))
          .sort((a = 0, b = 0) => a - b);
      expect(indexes(({ status }) => status === "active")).toEqual([...hour.active].sort((a, b) => a - b));
      expect(indexes(({ enabled }) => enabled)).toEqual([...hour.enabled].sort((a, b) => a - b));
    }
  });

  it("has every settlement", async () => {
    const { individual, batches } = ogTruth();
    expect(await getAll(system, "/v1/settlements?kind=individual")).toHaveLength(individual.length);
    expect(await getAll(system, "/v1/settlements?kind=batch")).toHaveLength(batches.length);
  });

  it("has every payment once, with the true payer, payee, token and amount", async () => {
    const line = (...fields: readonly string[]) => fields.join(" ").toLowerCase();
    const served = (await getAll<Payment>(system, "/v1/payments"))
      .filter(({ method }) => method !== "channel")
      .map((payment) =>
        line(
          payment.txHash,
          payment.method === "eip3009" ? "eip3009" : payment.scheme,
          payment.token,
          payment.payer,
          payment.payee,
          payment.amount,
        ),
      );
    const expected = baseTruth()
      .payments.filter(({ scheme }) => scheme !== "raw")
      .map(({ tx, scheme, token, payer, payee, amount }) => line(tx, scheme, token, payer, payee, amount));
    expect(served.sort()).toEqual(expected.sort());
  });

  it("adds payments up to the recorded totals", async () => {
    const { opgX402Totals } = baseTruth();
    const token = recordedSettings([]).OPG_ADDRESS ?? "";
    const payments = (await getAll<Payment>(system, `/v1/payments?token=${token}`)).filter(
      ({ method }) => method === "permit2",
    );
    for (const [side, totals] of [
      ["payer", opgX402Totals.byPayer],
      ["payee", opgX402Totals.byPayee],
    ] as const) {
      const sums = new Map<string, { n: number; amount: bigint }>();
      for (const payment of payments) {
        const sum = sums.get(payment[side]) ?? { n: 0, amount: 0n };
        sums.set(payment[side], { n: sum.n + 1, amount: sum.amount + BigInt(payment.amount) });
      }
      const shown = [...sums].map(([account, { n, amount }]) => [account, n, String(amount)]).sort();
      expect(shown).toEqual(
        Object.entries(totals)
          .map(([account, { n, amount }]) => [account.toLowerCase(), n, amount])
          .sort(),
      );
    }
  });

  it("sums payments up as the payments themselves come to", async () => {
    const { OPG_ADDRESS, USDC_ADDRESS } = readEnvironment(recordedSettings([]));
    const plain = await createTestDatabase();
    const tables = await ChainTables.create(plain.url);
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const linesOf = async (source: pg.Client, table: string) => {
      const { rows } = await source.query<{ line: string }>(
        `select to_jsonb(t)::text as line from base.${table} t`,
      );
      return rows.map(({ line }) => line).sort();
    };
    try {
      const payments = await client.query<{ rows: string }>(
        "select jsonb_agg(to_jsonb(p))::text as rows from base.payment p",
      );
      await tables.client.query(
        "insert into base.payment select * from jsonb_populate_recordset(null::base.payment, $1)",
        [payments.rows[0]?.rows],
      );
      await tables.sumPayments(dailyOrganicCaps({ OPG_ADDRESS, USDC_ADDRESS }));
      for (const table of SUMS_OF_PAYMENTS) {
        const expected = await linesOf(tables.client, table);
        expect(expected.length, table).toBeGreaterThan(0);
        expect(await linesOf(client, table), table).toEqual(expected);
      }
    } finally {
      await client.end();
      await tables.close();
      await plain.drop();
    }
  });

  it("serves every channel as the contract answered at the head", async () => {
    const served = await getAll<Channel>(system, "/v1/channels");
    const shown = served.map(({ channelId, balance, claimed, pendingWithdrawal }) => ({
      id: channelId,
      balance,
      totalClaimed: claimed,
      pendingAmount: pendingWithdrawal?.amount ?? "0",
    }));
    const expected = baseTruth().channels.map(({ id, head }) => ({
      id,
      balance: head.balance,
      totalClaimed: head.totalClaimed,
      pendingAmount: head.pendingAmount,
    }));
    const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
    expect(shown.sort(byId)).toEqual(expected.sort(byId));
  });

  it("keeps every channel's figures as they were at every checkpoint", async () => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      for (const checkpoint of baseTruth().checkpoints) {
        const channels = await client.query(
          `select distinct on (channel_id) channel_id, balance_after::text as balance,
             total_claimed_after::text as "totalClaimed", coalesce(pending_withdrawal_amount_after, 0)::text as "pendingAmount"
           from base.channel_event where timestamp <= $1 order by channel_id, block_number desc, log_index desc`,
          [checkpoint.timestamp],
        );
        const expected = Object.entries(checkpoint.channels)
          .filter(([, figures]) => figures.balance !== "0" || figures.totalClaimed !== "0")
          .map(([id, { balance, totalClaimed, pendingAmount }]) => ({
            channel_id: id,
            balance,
            totalClaimed,
            pendingAmount,
          }))
          .sort((a, b) => (a.channel_id < b.channel_id ? -1 : 1));
        expect(
          channels.rows.filter(({ balance, totalClaimed }) => balance !== "0" || totalClaimed !== "0"),
          checkpoint.tag,
        ).toEqual(expected);
      }
      const head = baseTruth().checkpoints.at(-1);
      const receivers = await client.query(
        "select receiver, token, claimed::text, settled::text from base.channel_receiver order by receiver, token",
      );
      expect(receivers.rows.filter(({ claimed, settled }) => claimed !== "0" || settled !== "0")).toEqual(
        Object.entries(head?.receivers ?? {})
          .filter(([, { totalClaimed, totalSettled }]) => totalClaimed !== "0" || totalSettled !== "0")
          .map(([key, { totalClaimed, totalSettled }]) => {
            const [receiver = "", token = ""] = key.toLowerCase().split(":");
            return { receiver, token, claimed: totalClaimed, settled: totalSettled };
          })
          .sort((a, b) => (a.receiver + a.token < b.receiver + b.token ? -1 : 1)),
      );
    } finally {
      await client.end();
    }
  });
});

describe.skipIf(!hasRecording)("a pruned, flaky, growing chain beside a dead one", () => {
  let database: TestDatabase;
  let og: ReplayServer;
  let system: RunningSystem;

  beforeAll(async () => {
    database = await createTestDatabase();
    const faults = "--prune --max-range 500 --error-rate 0.02 --drop-rate 0.005 --realtime 20 --fault-seed 7";
    og = await startReplay("og", await freePort(), faults.split(" "));
    system = await startSystem({
      ...recordedSettings([]),
      DATABASE_URL: database.url,
      OG_RPC_URL: og.url,
      // Nobody listens there.
      BASE_RPC_URL: `http://127.0.0.1:${await freePort()}`,
    });
  });

  afterAll(async () => {
    expect(await system?.stop()).toBe(0);
    og?.stop();
    await database?.drop();
  });

  it("serves every node as the contract answered at every checkpoint", async () => {
    await eventually(
      system,
      () => getStatus(system),
      ({ chains }) => chains.og.block?.number === ogTruth().head && chains.og.ready,
      200_000,
    );
    // What neither the pruned state nor a registration through another contract shows, the observer reads at the head.
    await eventually(
      system,
      () => getAll<Node>(system, "/v1/nodes"),
      (nodes) => nodes.every(({ pcr }) => pcr.hash !== null),
      60_000,
    );
    await expectEveryCheckpoint(system);
  });

  it("is sure of no status that differs from the contract's, and of every one since it could read heartbeatMaxAge", async () => {
    const truth = ogTruth();
    const { heartbeatMaxAge } = await getJson<{
      heartbeatMaxAge: { precision: string; exactSince: number };
    }>(system, "/v1/network");
    expect(heartbeatMaxAge.precision).toBe("exact");
    for (const { timestamp, active } of truth.hourly)
      for (const { teeId, status, statusPrecision } of await nodesAt(system, timestamp)) {
        const isActive = active.includes(truth.nodes[teeId]?.index ?? -1);
        if (isActive !== (status === "active"))
          expect(statusPrecision, `${teeId} at ${timestamp}`).not.toBe("exact");
        if (timestamp >= heartbeatMaxAge.exactSince) expect(statusPrecision).toBe("exact");
      }
  });

  it("says what is wrong with Base in one line, with the next try, and never shows a stack", async () => {
    const { chains } = await getJson<Awaited<ReturnType<typeof getStatus>>>(system, "/v1/status");
    expect(chains.base.ready).toBe(false);
    const lines = system.output().split("\n");
    expect(lines.filter((line) => /base .*127\.0\.0\.1.*\d+ ?s/.test(line))).not.toHaveLength(0);
    expect(lines.filter((line) => /^\s+at .*\.[jt]s:\d+/.test(line))).toEqual([]);
  });
});
