import { describe, expect, test } from "vitest";
import { createTestDatabase } from "../../../test/database.ts";
import { MAX_PAYEE_DAYS } from "../../queries/payments/payers.ts";
import { COMMON_PAYEE, OPG } from "../../testing/testApi.ts";
import { address, hash } from "../../testing/worlds/chainTables.ts";
import { DAY, HEAD, OPG_UNIT, T0, useEmptyTables } from "../../testing/worlds/emptyTables.ts";

const world = useEmptyTables(createTestDatabase);
const { idsOf, pay, problem, settle } = world;

describe("payments, channels and operators", () => {
  test("a payment is organic unless its payer is an insider", async () => {
    await world.history.register("a", T0, { owner: address("owner-a") });
    await world.history.heartbeat("a", T0 + 10);
    await world.tables.insert("og", "role", {
      registry: address("registry-one"),
      role: hash(""),
      account: address("chief"),
      granted: true,
      grantedAt: T0,
    });
    await settle(1_000, { relayer: address("settler") });
    await pay(1, {});
    await pay(2, { payer: address("pay-a") });
    await pay(3, { payer: address("owner-a") });
    await pay(4, { payer: address("relayer") });
    await pay(5, { payer: address("settler") });
    await pay(6, { payer: address("chief") });
    await pay(7, { payer: address("facilitator") });
    await pay(8, { payer: address("owner-a"), payee: address("elsewhere") });
    const { items } = await world.api.json("/v1/payments");
    const organic = Object.fromEntries(
      items.map((item: { blockNumber: number; organic: boolean }) => [item.blockNumber, item.organic]),
    );
    expect(organic).toEqual({ 1: true, 2: false, 3: false, 4: false, 5: false, 6: false, 7: false, 8: true });
    expect(await idsOf(`/v1/payments?payee=${address("elsewhere")}`)).toEqual([hash("pay8")]);
    expect(await idsOf(`/v1/payments?payer=${address("payer")}&token=${OPG}&scheme=upto`)).toEqual([
      hash("pay1"),
    ]);
    expect(await idsOf("/v1/payments?scheme=exact")).toEqual([]);
    expect(await idsOf(`/v1/payments?from=${T0 + 3}&to=${T0 + 5}`)).toEqual([hash("pay4"), hash("pay3")]);
  });

  test("an address belongs to the operator that named it first; organic volume is bounded per payer and day", async () => {
    await world.history.register("a", T0, { owner: address("owner-a") });
    await world.history.register("b", T0 + 1, {
      owner: address("owner-b"),
      paymentAddress: address("pay-a"),
    });
    await world.history.register("c", T0 + 2, { owner: address("owner-b"), paymentAddress: COMMON_PAYEE });
    await world.history.register("d", T0 + 3, { owner: address("owner-a"), paymentAddress: COMMON_PAYEE });
    for (let block = 1; block <= 4; block++) await pay(block);
    await pay(5, { payer: address("second"), amount: String(3n * OPG_UNIT) });
    await pay(6, { payee: COMMON_PAYEE });
    await pay(7, { token: address("other-token") });
    await pay(8, { payer: address("owner-a") });
    await pay(9, { paidAt: T0 + DAY, amount: String(OPG_UNIT / 2n) });
    await world.tables.setHead("base", 9, T0 + DAY);
    const { items } = await world.api.json("/v1/operators");
    const [b, a] = items;
    expect(b).toMatchObject({
      address: address("owner-b"),
      revenue: [],
      payers: 0,
      nodes: { total: 2, stale: 2 },
    });
    expect(b.sharedPaymentAddresses.sort()).toEqual([address("pay-a"), COMMON_PAYEE].sort());
    expect(a).toMatchObject({
      address: address("owner-a"),
      payers: 3,
      sharedPaymentAddresses: [COMMON_PAYEE],
    });
    const opg = a.revenue.find((entry: { token: string }) => entry.token === OPG);
    expect(opg).toEqual({
      token: OPG,
      raw: String(6n * OPG_UNIT),
      // payer: 1 the first day, ½ the next; second: 1 of 3; the owner's own: nothing
      organic: String((5n * OPG_UNIT) / 2n),
      payments: 7,
      payers: 3,
      effectivePayers: 1.9231,
    });
    const other = a.revenue.find((entry: { token: string }) => entry.token === address("other-token"));
    expect(other).toMatchObject({ organic: null, raw: String(OPG_UNIT / 2n), effectivePayers: null });
    expect(await world.api.json(`/v1/operators/${address("owner-a")}`)).toEqual(a);
    expect((await problem(`/v1/operators/${address("nobody")}`)).body.code).toBe("operator-not-found");
    const first = await world.api.json("/v1/operators?limit=1");
    const second = await world.api.json(`/v1/operators?limit=1&after=${first.pageInfo.endCursor}`);
    expect([...first.items, ...second.items]).toEqual(items);
    const csv = await (await world.api.get("/v1/operators?format=csv")).text();
    expect(csv.split("\n")[0]).toContain("nodes.active");
  });

  test("a payer's spending by payee, and how much of it is organic", async () => {
    await world.history.register("a", T0, { owner: address("owner-a") });
    await world.history.register("b", T0 + 1, { owner: address("owner-a") });
    await world.history.register("c", T0 + 2, { owner: address("owner-c") });
    await pay(1, { paidAt: T0 - DAY });
    await pay(2, { amount: String(OPG_UNIT) });
    await pay(3, { payee: address("pay-b"), amount: String(OPG_UNIT) });
    await pay(4, { payee: address("pay-c") });
    await pay(5, { payee: address("elsewhere"), token: address("other-token"), amount: "7" });
    await pay(6, { facilitator: address("payer"), payee: address("pay-c") });
    await pay(7, { payer: address("pay-c") });
    await pay(8, { payer: address("second") });
    await world.tables.setHead("base", 20, T0 + 20);
    const payer = await world.api.json(`/v1/payers/${address("payer")}`);
    const halves = (amount: bigint) => String((amount * OPG_UNIT) / 2n);
    const other = address("other-token");
    expect(payer).toMatchObject({
      address: address("payer"),
      firstPaidAt: T0 - DAY,
      lastPaidAt: T0 + 6,
      insider: false,
      payments: 6,
      // To owner-a's two addresses together 1 of 2 on the second day; to owner-c without what it submitted itself.
      spending: expect.arrayContaining([
        { token: OPG, raw: halves(7n), organic: halves(4n), payments: 5 },
        { token: other, raw: "7", organic: null, payments: 1 },
      ]),
      operators: [
        { operator: address("owner-a"), token: OPG, raw: halves(5n), organic: halves(3n), payments: 3 },
        { operator: address("owner-c"), token: OPG, raw: halves(2n), organic: halves(1n), payments: 2 },
        { operator: null, token: other, raw: "7", organic: null, payments: 1 },
      ],
      payeeCount: 4,
      channels: { open: 0, withdrawing: 0, closed: 0 },
    });
    const midnight = T0 - (T0 % DAY);
    expect(payer.payees[0]).toEqual({
      payee: address("pay-a"),
      operator: address("owner-a"),
      token: OPG,
      raw: halves(3n),
      payments: 2,
      firstDayAt: midnight - DAY,
      lastDayAt: midnight,
    });
    const insider = await world.api.json(`/v1/payers/${address("pay-c")}`);
    expect(insider).toMatchObject({
      insider: true,
      spending: [{ token: OPG, raw: halves(1n), organic: "0", payments: 1 }],
    });
    expect((await problem(`/v1/payers/${address("nobody")}`)).body.code).toBe("payer-not-found");
  });

  test("a payer is as of the requested block, and needs no OpenGradient", async () => {
    await world.history.register("a", T0, { owner: address("owner-a") });
    for (const block of [1, 2, 3]) await pay(block);
    await pay(4, { payer: address("later") });
    await world.tables.setHead("base", 2, T0 + 2);
    expect(await world.api.json(`/v1/payers/${address("payer")}`)).toMatchObject({
      lastPaidAt: T0 + 2,
      payments: 2,
      spending: [{ raw: String(OPG_UNIT), organic: String(OPG_UNIT) }],
    });
    expect((await problem(`/v1/payers/${address("later")}`)).body.code).toBe("payer-not-found");
    await world.tables.setHead("base", 20, T0 + 20);
    await world.tables.setHead("og", 10_000, HEAD, "not-ready");
    expect(await world.api.json(`/v1/payers/${address("payer")}`)).toMatchObject({
      payments: 3,
      insider: null,
      spending: [{ organic: null, payments: 3 }],
      operators: null,
      payees: [{ payee: address("pay-a"), operator: null, payments: 3 }],
    });
  });

  test("a payer with too many payments has null sums and is still answered", async () => {
    await pay(1);
    await world.tables.client.query(
      `insert into base.payer_day (chain_id, payee, token, payer, start_at, payments, amount, self_facilitated_amount,
         capped_before)
       select 8453, $1, '0x' || lpad(to_hex(n), 40, '0'), $2, 0, 1, 1, 0, 0 from generate_series(0, ${MAX_PAYEE_DAYS}) n`,
      [address("pay-a"), address("payer")],
    );
    expect(await world.api.json(`/v1/payers/${address("payer")}`)).toMatchObject({
      firstPaidAt: T0 + 1,
      payments: null,
      spending: null,
      operators: null,
      payees: null,
    });
  });

  test("channels are as of the page's block", async () => {
    const channel = {
      channelId: hash("channel"),
      payer: address("payer"),
      payerAuthorizer: address("pa"),
      receiver: address("pay-a"),
      receiverAuthorizer: address("ra"),
      token: OPG,
      withdrawDelaySeconds: 60,
      salt: hash("salt"),
      balance: "1000",
      totalClaimed: "400",
      refunded: "0",
      withdrawn: "0",
      closed: false,
      createdAt: T0,
      createdBlock: 5,
      createdLogIndex: 1,
      updatedAt: T0 + 20,
    };
    await world.tables.insert("base", "channel", channel);
    await world.tables.insert("base", "channel", {
      ...channel,
      channelId: hash("newer"),
      payer: address("p2"),
      createdBlock: 6,
    });
    const event = { sender: address("payer"), txHash: hash("t"), kind: "deposited", balanceAfter: "1000" };
    await world.tables.insert("base", "channelEvent", {
      ...event,
      channelId: hash("channel"),
      blockNumber: 5,
      logIndex: 2,
      timestamp: T0,
    });
    await world.tables.insert("base", "channelEvent", {
      ...event,
      channelId: hash("newer"),
      blockNumber: 6,
      logIndex: 2,
      timestamp: T0 + 1,
    });
    await world.tables.setHead("base", 10, T0 + 10);
    const first = await world.api.json("/v1/channels?limit=1");
    await world.tables.insert("base", "channelEvent", {
      ...event,
      channelId: hash("channel"),
      blockNumber: 20,
      logIndex: 1,
      timestamp: T0 + 20,
      totalClaimedAfter: "400",
      pendingWithdrawalAmountAfter: "600",
      pendingWithdrawalFinalizableAtAfter: T0 + 80,
    });
    await world.tables.setHead("base", 30, T0 + 30);
    // Nothing in them comes from OpenGradient, so their cursors work without it.
    await world.tables.setHead("og", 1, T0, "not-ready");
    const pinned = await world.api.json(`/v1/channels?limit=1&after=${first.pageInfo.endCursor}`);
    expect(pinned.items).toMatchObject([
      { channelId: hash("channel"), claimed: "0", state: "open", updatedAt: T0 },
    ]);
    const now = await world.api.json(`/v1/channels/${hash("channel")}`);
    expect(now).toMatchObject({
      balance: "1000",
      claimed: "400",
      state: "withdrawing",
      pendingWithdrawal: { amount: "600", finalizableAt: T0 + 80 },
    });
    expect((await world.api.json("/v1/channels?state=withdrawing")).items).toHaveLength(1);
    expect((await world.api.json(`/v1/channels?payer=${address("p2")}`)).items).toHaveLength(1);
    expect((await world.api.json("/v1/channels?scheme=exact")).items).toEqual([]);
    expect((await problem(`/v1/channels/${hash("none")}`)).body.code).toBe("channel-not-found");
  });

  test("network totals", async () => {
    await world.history.register("a", T0, {}, { activeUntil: HEAD + 1 });
    await world.history.approvePcr(T0);
    await world.history.heartbeat("a", T0 + 10);
    await world.history.heartbeat("a", T0 + 20);
    await pay(1);
    await pay(2, { payer: address("second") });
    await world.tables.insert("og", "networkBucket", {
      startAt: T0,
      individualSettlements: 3,
      claimedLeaves: 9,
    });
    const network = await world.api.json("/v1/network");
    expect(network).toMatchObject({
      nodes: { total: 1, active: 1 },
      operators: 1,
      heartbeats: 2,
      settlements: { individual: 3, claimedLeaves: 9 },
      payments: 2,
      payers: 2,
      volume: [{ token: OPG, raw: String(OPG_UNIT), organic: String(OPG_UNIT) }],
    });
  });
});
