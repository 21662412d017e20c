import { type Hex, maxUint256, numberToHex, padHex, toEventSelector } from "viem";
import { describe, expect, it } from "vitest";
import { pairPayments, type ReceiptLog } from "./receiptPayments.ts";
import type { SettleCall, X402Contracts } from "./x402.ts";

const address = (name: string): Hex =>
  padHex(numberToHex(BigInt(`0x${Buffer.from(name).toString("hex")}`)), { size: 20 });

const OPG = address("OPG");
const USDC = address("USDC");
const FAKE_OPG = address("fake OPG");
const EXACT = address("exact proxy");
const UPTO = address("upto proxy");
const LOOKALIKE = address("lookalike");
const CHANNELS = address("channels");
const COLLECTOR = address("collector");
const ALICE = address("Alice");
const BOB = address("Bob");
const NODE = address("node");
const SHOP = address("shop");
const LISTED = address("listed");

const contracts: X402Contracts = {
  exactProxy: EXACT,
  uptoProxy: UPTO,
  batchSettlement: CHANNELS,
  plainTokens: new Set([OPG, USDC]),
  listedPayees: new Set([LISTED]),
};

type Emitted = Omit<ReceiptLog, "logIndex">;

const word = (value: bigint): Hex => numberToHex(value, { size: 32 });
const log = (from: Hex, signature: string, topics: readonly Hex[] = [], data: Hex = "0x"): Emitted => ({
  address: from,
  topics: [toEventSelector(signature), ...topics.map((topic) => padHex(topic, { size: 32 }))],
  data,
});
const transfer = (token: Hex, from: Hex, to: Hex, amount: bigint) =>
  log(token, "Transfer(address,address,uint256)", [from, to], word(amount));
const approval = (token: Hex, from: Hex) =>
  log(token, "Approval(address,address,uint256)", [from, COLLECTOR], word(0n));
const settled = (proxy: Hex) => log(proxy, "Settled()");
const settledWithPermit = (proxy: Hex) => log(proxy, "SettledWithPermit()");
const permitFailed = (proxy: Hex, token: Hex) =>
  log(proxy, "EIP2612PermitFailedWithData(address,address,bytes)", [token, ALICE], word(32n));
const authorizationUsed = (token: Hex, authorizer: Hex) =>
  log(token, "AuthorizationUsed(address,bytes32)", [authorizer, word(7n)]);
const noise = (from: Hex) => log(from, "Ping(uint256)", [], word(1n));

/** Log indices of a receipt start anywhere in the block. */
const FIRST = 40;

/** What was paid, as `kind@index: token from>to amount`, by the order of the events. */
function paid(emitted: readonly Emitted[], call?: SettleCall): string[] {
  const logs = emitted.map((entry, index) => ({ ...entry, logIndex: FIRST + index }));
  const { settled: bySettled, authorized } = pairPayments(logs, contracts, call);
  const names = new Map(
    Object.entries({ OPG, USDC, FAKE_OPG, ALICE, BOB, NODE, SHOP, LISTED, COLLECTOR }).map(([name, at]) => [
      at,
      name,
    ]),
  );
  const name = (at: Hex) => names.get(at) ?? at;
  const line =
    (kind: string) =>
    ([index, payment]: [number, { token: Hex; from: Hex; to: Hex; amount: bigint }]) =>
      `${kind}@${index - FIRST}: ${name(payment.token)} ${name(payment.from)}>${name(payment.to)} ${payment.amount}`;
  return [...[...bySettled].map(line("settled")), ...[...authorized].map(line("authorized"))];
}

describe("settlements through Permit2", () => {
  it("gives each of several settlements of both proxies its own transfer", () => {
    expect(
      paid([
        transfer(OPG, ALICE, NODE, 1n),
        settled(EXACT),
        transfer(USDC, BOB, SHOP, 2n),
        settledWithPermit(UPTO),
        transfer(OPG, ALICE, NODE, 1n),
        settled(EXACT),
      ]),
    ).toEqual(["settled@1: OPG ALICE>NODE 1", "settled@3: USDC BOB>SHOP 2", "settled@5: OPG ALICE>NODE 1"]);
  });

  it("does not count raw transfers before, between and after settlements", () => {
    expect(
      paid([
        transfer(OPG, BOB, NODE, 100n),
        transfer(OPG, ALICE, NODE, 1n),
        settled(EXACT),
        transfer(OPG, BOB, NODE, 200n),
        transfer(USDC, ALICE, SHOP, 2n),
        settled(EXACT),
        transfer(OPG, BOB, NODE, 300n),
      ]),
    ).toEqual(["settled@2: OPG ALICE>NODE 1", "settled@5: USDC ALICE>SHOP 2"]);
  });

  it("takes no transfer that another settlement has taken", () => {
    expect(paid([transfer(OPG, ALICE, NODE, 1n), settled(EXACT), settled(UPTO), settled(EXACT)])).toEqual([
      "settled@1: OPG ALICE>NODE 1",
    ]);
  });

  it("ignores a lookalike's Settled and lets it consume nothing", () => {
    expect(
      paid([
        transfer(OPG, BOB, NODE, 5n),
        settled(LOOKALIKE),
        transfer(OPG, ALICE, NODE, 1n),
        settled(EXACT),
        settled(LOOKALIKE),
      ]),
    ).toEqual(["settled@3: OPG ALICE>NODE 1"]);
    expect(
      paid([transfer(LOOKALIKE, ALICE, NODE, 9n), settled(LOOKALIKE), transfer(LOOKALIKE, ALICE, NODE, 9n)]),
    ).toEqual([]);
  });

  it("does not mistake the channel contract's Settled, which has arguments, for a proxy's", () => {
    const channelSettled = log(
      CHANNELS,
      "Settled(address,address,address,uint128)",
      [NODE, OPG, ALICE],
      word(5n),
    );
    expect(paid([transfer(OPG, CHANNELS, NODE, 5n), channelSettled])).toEqual([]);
  });

  it("reports a false OPG as the token it is", () => {
    expect(paid([transfer(FAKE_OPG, ALICE, NODE, 1n), settled(EXACT)])).toEqual([
      "settled@1: FAKE_OPG ALICE>NODE 1",
    ]);
  });

  it("is not troubled by a failed or a successful permit before the transfer", () => {
    expect(
      paid([
        permitFailed(EXACT, OPG),
        transfer(OPG, ALICE, NODE, 1n),
        settledWithPermit(EXACT),
        approval(USDC, ALICE),
        transfer(USDC, ALICE, SHOP, 2n),
        settledWithPermit(EXACT),
      ]),
    ).toEqual(["settled@2: OPG ALICE>NODE 1", "settled@5: USDC ALICE>SHOP 2"]);
  });

  it("lets a token speak again between its transfer and the settlement", () => {
    expect(paid([transfer(OPG, ALICE, NODE, 1n), approval(OPG, ALICE), settled(EXACT)])).toEqual([
      "settled@2: OPG ALICE>NODE 1",
    ]);
  });

  it("gives a token without Transfer events no raw OPG transfer from earlier in the transaction", () => {
    expect(paid([transfer(OPG, BOB, NODE, 100n), noise(SHOP), settled(EXACT)])).toEqual([]);
    expect(
      paid([transfer(OPG, BOB, NODE, 100n), permitFailed(EXACT, FAKE_OPG), settledWithPermit(EXACT)]),
    ).toEqual([]);
  });

  it("reaches over what strangers say inside a token that calls out, but never over an earlier settlement", () => {
    expect(paid([transfer(FAKE_OPG, ALICE, NODE, 1n), noise(SHOP), settled(EXACT)])).toEqual([
      "settled@2: FAKE_OPG ALICE>NODE 1",
    ]);
    expect(
      paid([
        transfer(FAKE_OPG, BOB, NODE, 7n),
        transfer(OPG, ALICE, NODE, 1n),
        settled(EXACT),
        settled(EXACT),
      ]),
    ).toEqual(["settled@2: OPG ALICE>NODE 1"]);
  });

  it("looks past the fee that a token takes from a payment to a listed payee", () => {
    const paying = transfer(FAKE_OPG, ALICE, LISTED, 95n);
    for (const fee of [transfer(FAKE_OPG, ALICE, COLLECTOR, 5n), transfer(FAKE_OPG, LISTED, COLLECTOR, 5n)])
      expect(paid([paying, fee, settled(EXACT)])).toEqual(["settled@2: FAKE_OPG ALICE>LISTED 95"]);
    // Another payer's transfer, another token's, a plain token's: no fees.
    for (const [before, last] of [
      [transfer(FAKE_OPG, BOB, LISTED, 9n), transfer(FAKE_OPG, ALICE, SHOP, 1n)],
      [transfer(USDC, ALICE, LISTED, 9n), transfer(FAKE_OPG, ALICE, SHOP, 1n)],
    ] as const)
      expect(paid([before, last, settled(EXACT)])).toEqual(["settled@2: FAKE_OPG ALICE>SHOP 1"]);
    expect(paid([transfer(OPG, ALICE, LISTED, 9n), transfer(OPG, ALICE, SHOP, 1n), settled(EXACT)])).toEqual([
      "settled@2: OPG ALICE>SHOP 1",
    ]);
  });

  it("gives a settlement nested in a token's transfer the later transfer", () => {
    expect(
      paid([
        transfer(FAKE_OPG, ALICE, SHOP, 9n),
        transfer(OPG, BOB, NODE, 1n),
        settled(UPTO),
        settled(EXACT),
      ]),
    ).toEqual(["settled@2: OPG BOB>NODE 1", "settled@3: FAKE_OPG ALICE>SHOP 9"]);
  });

  it("ignores transfers of nothing, ERC-721 transfers and malformed ones", () => {
    const erc721 = log(FAKE_OPG, "Transfer(address,address,uint256)", [ALICE, NODE, word(1n)]);
    const erc721WithData = log(
      FAKE_OPG,
      "Transfer(address,address,uint256)",
      [ALICE, NODE, word(1n)],
      word(5n),
    );
    const short = log(FAKE_OPG, "Transfer(address,address,uint256)", [ALICE, NODE], "0x01");
    const unindexed = log(FAKE_OPG, "Transfer(address,address,uint256)", [], word(5n));
    const anonymous: Emitted = { address: EXACT, topics: [], data: "0x" };
    const nothing = transfer(FAKE_OPG, ALICE, NODE, 0n);
    for (const odd of [erc721, erc721WithData, short, unindexed, anonymous, nothing])
      expect(paid([odd, settled(EXACT)])).toEqual([]);
  });

  it("takes a plain token's last transfer, of nothing too, and none from before it", () => {
    expect(paid([transfer(OPG, BOB, NODE, 100n), transfer(OPG, ALICE, NODE, 0n), settled(UPTO)])).toEqual([
      "settled@2: OPG ALICE>NODE 0",
    ]);
    expect(
      paid([transfer(FAKE_OPG, ALICE, NODE, 5n), transfer(FAKE_OPG, BOB, NODE, 0n), settled(UPTO)]),
    ).toEqual(["settled@2: FAKE_OPG ALICE>NODE 5"]);
  });

  it("carries the largest amount there is", () => {
    expect(paid([transfer(FAKE_OPG, ALICE, NODE, maxUint256), settled(EXACT)])).toEqual([
      `settled@1: FAKE_OPG ALICE>NODE ${maxUint256}`,
    ]);
  });

  it("reads logs in the order of their index, and addresses in any case", () => {
    const logs: ReceiptLog[] = [
      { ...settled(EXACT), logIndex: 3 },
      {
        ...transfer(OPG, ALICE, NODE, 1n),
        address: OPG.toUpperCase().replace("0X", "0x") as Hex,
        logIndex: 2,
      },
      { ...transfer(USDC, BOB, SHOP, 2n), logIndex: 1 },
    ];
    const payment = pairPayments(logs, contracts, undefined).settled.get(3);
    expect(payment).toMatchObject({ token: OPG, from: ALICE, to: NODE, amount: 1n });
  });
});

describe("a settlement called directly", () => {
  const call: SettleCall = {
    proxy: EXACT,
    token: FAKE_OPG,
    payer: ALICE,
    payee: NODE,
    amount: 100n,
    permittedAmount: 100n,
  };

  it("finds the transfer that was asked for among a token's fees, with what really moved", () => {
    const fee = transfer(FAKE_OPG, ALICE, COLLECTOR, 5n);
    const rest = transfer(FAKE_OPG, ALICE, NODE, 95n);
    expect(paid([rest, fee, settled(EXACT)], call)).toEqual(["settled@2: FAKE_OPG ALICE>NODE 95"]);
    expect(paid([fee, rest, settled(EXACT)], call)).toEqual(["settled@2: FAKE_OPG ALICE>NODE 95"]);
  });

  it("takes no other transfer when the token emits none", () => {
    expect(paid([transfer(OPG, BOB, NODE, 100n), settled(EXACT)], call)).toEqual([]);
  });

  it("keeps its transfer from a settlement nested in the token", () => {
    expect(paid([transfer(FAKE_OPG, ALICE, NODE, 100n), settled(UPTO), settled(EXACT)], call)).toEqual([
      "settled@2: FAKE_OPG ALICE>NODE 100",
    ]);
  });
});

describe("EIP-3009", () => {
  it("pairs an authorization with the transfer right after it", () => {
    const logs = [
      transfer(USDC, BOB, NODE, 9n),
      authorizationUsed(USDC, ALICE),
      transfer(USDC, ALICE, NODE, 1n),
      authorizationUsed(USDC, BOB),
      transfer(USDC, BOB, SHOP, 2n),
    ];
    expect(paid(logs)).toEqual(["authorized@2: USDC ALICE>NODE 1", "authorized@4: USDC BOB>SHOP 2"]);
    const { authorizedBy } = pairPayments(
      logs.map((entry, logIndex) => ({ ...entry, logIndex })),
      contracts,
      undefined,
    );
    expect([...authorizedBy].map(([index, { logIndex }]) => [index, logIndex])).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it("does not count a transfer by another than the authorizer, of another token, or later on", () => {
    expect(paid([authorizationUsed(USDC, ALICE), transfer(USDC, BOB, NODE, 1n)])).toEqual([]);
    expect(paid([authorizationUsed(FAKE_OPG, ALICE), transfer(USDC, ALICE, NODE, 1n)])).toEqual([]);
    expect(paid([authorizationUsed(USDC, ALICE), noise(SHOP), transfer(USDC, ALICE, NODE, 1n)])).toEqual([]);
    expect(paid([transfer(USDC, ALICE, NODE, 1n), authorizationUsed(USDC, ALICE)])).toEqual([]);
  });

  it("uses an authorization once", () => {
    expect(
      paid([
        authorizationUsed(USDC, ALICE),
        transfer(USDC, ALICE, NODE, 1n),
        transfer(USDC, ALICE, NODE, 2n),
      ]),
    ).toEqual(["authorized@1: USDC ALICE>NODE 1"]);
  });

  it("spends an authorization of nothing on that nothing, not on the transfer that follows", () => {
    expect(
      paid([
        authorizationUsed(USDC, ALICE),
        transfer(USDC, ALICE, SHOP, 0n),
        transfer(USDC, ALICE, NODE, 5n),
      ]),
    ).toEqual([]);
  });

  it("stands beside settlements in one transaction without sharing a transfer", () => {
    expect(
      paid([
        authorizationUsed(USDC, ALICE),
        transfer(USDC, ALICE, NODE, 1n),
        settled(EXACT),
        transfer(USDC, ALICE, NODE, 2n),
        settled(EXACT),
      ]),
    ).toEqual(["settled@4: USDC ALICE>NODE 2", "authorized@1: USDC ALICE>NODE 1"]);
  });

  it("does not count a deposit into a channel", () => {
    expect(
      paid([
        authorizationUsed(USDC, ALICE),
        transfer(USDC, ALICE, COLLECTOR, 7n),
        transfer(USDC, COLLECTOR, CHANNELS, 7n),
      ]),
    ).toEqual([]);
    expect(
      paid([
        authorizationUsed(USDC, ALICE),
        transfer(USDC, ALICE, COLLECTOR, 7n),
        approval(USDC, COLLECTOR),
        transfer(USDC, COLLECTOR, CHANNELS, 7n),
      ]),
    ).toEqual([]);
    expect(paid([authorizationUsed(USDC, ALICE), transfer(USDC, ALICE, CHANNELS, 7n)])).toEqual([]);
  });

  it("counts a payment that another one's deposit follows", () => {
    expect(
      paid([
        authorizationUsed(USDC, ALICE),
        transfer(USDC, ALICE, NODE, 1n),
        authorizationUsed(USDC, BOB),
        transfer(USDC, BOB, COLLECTOR, 7n),
        transfer(USDC, COLLECTOR, CHANNELS, 7n),
      ]),
    ).toEqual(["authorized@1: USDC ALICE>NODE 1"]);
  });
});
