import { encodeFunctionData, type Hex, maxUint256, parseAbi } from "viem";
import { describe, expect, it } from "vitest";
import { Erc20Abi, X402ExactPermit2ProxyAbi, X402UptoPermit2ProxyAbi } from "../../abis/X402.ts";
import { decodeAuthorizedTransfer, decodeSettleCall, isPlainTransfer, type X402Contracts } from "./x402.ts";

const OPG = "0xfbc2051ae2265686a469421b2c5a2d5462fbf5eb";
const PAYER = "0x2ef904c41bc1d033c16c15bd2e816995ccc476a0";
const PAYEE = "0x1e6bb18a5cca2992ea2bb6e50d850151274c15bb";
const FACILITATOR = "0xeac10968a6ad51c67e4acc5807659bf5fbdb2c43";
const WORD: Hex = `0x${"11".repeat(32)}`;
const SIGNATURE: Hex = `0x${"22".repeat(65)}`;

const contracts: X402Contracts = {
  exactProxy: "0x402085c248eea27d92e8b30b2c58ed07f9e20001",
  uptoProxy: "0x4020a4f3b7b90cca423b9fabcc0ce57c6c240002",
  batchSettlement: "0x4020074e9df2ce1dee5a9c1b5c3f541d02a10003",
  listedPayees: new Set(),
  plainTokens: new Set([OPG]),
};

const permit = { permitted: { token: OPG, amount: 1000n }, nonce: 7n, deadline: 9n } as const;
const permit2612 = { value: 1000n, deadline: 9n, r: WORD, s: WORD, v: 27 } as const;
const exactWitness = { to: PAYEE, validAfter: 0n } as const;
const uptoWitness = { to: PAYEE, facilitator: FACILITATOR, validAfter: 0n } as const;

const exactSettle = encodeFunctionData({
  abi: X402ExactPermit2ProxyAbi,
  functionName: "settle",
  args: [permit, PAYER, exactWitness, SIGNATURE],
});
const uptoSettle = encodeFunctionData({
  abi: X402UptoPermit2ProxyAbi,
  functionName: "settle",
  args: [permit, 400n, PAYER, uptoWitness, SIGNATURE],
});

describe("decodeSettleCall", () => {
  const asked = { token: OPG, payer: PAYER, payee: PAYEE, permittedAmount: 1000n };

  it("reads an exact settlement, whose amount is the permitted one", () => {
    expect(decodeSettleCall({ to: contracts.exactProxy, input: exactSettle }, contracts)).toEqual({
      ...asked,
      proxy: contracts.exactProxy,
      amount: 1000n,
    });
  });

  it("reads an upto settlement, whose amount is its own argument", () => {
    expect(decodeSettleCall({ to: contracts.uptoProxy, input: uptoSettle }, contracts)).toEqual({
      ...asked,
      proxy: contracts.uptoProxy,
      amount: 400n,
    });
  });

  it("reads both forms with a permit in front", () => {
    const exact = encodeFunctionData({
      abi: X402ExactPermit2ProxyAbi,
      functionName: "settleWithPermit",
      args: [permit2612, permit, PAYER, exactWitness, SIGNATURE],
    });
    const upto = encodeFunctionData({
      abi: X402UptoPermit2ProxyAbi,
      functionName: "settleWithPermit",
      args: [permit2612, permit, 400n, PAYER, uptoWitness, SIGNATURE],
    });
    expect(decodeSettleCall({ to: contracts.exactProxy, input: exact }, contracts)).toMatchObject({
      ...asked,
      amount: 1000n,
    });
    expect(decodeSettleCall({ to: contracts.uptoProxy, input: upto }, contracts)).toMatchObject({
      ...asked,
      amount: 400n,
    });
  });

  it("reads nothing from a call of another contract, however alike its calldata", () => {
    expect(decodeSettleCall({ to: FACILITATOR, input: exactSettle }, contracts)).toBeUndefined();
    expect(decodeSettleCall({ to: null, input: exactSettle }, contracts)).toBeUndefined();
    expect(decodeSettleCall({ to: contracts.uptoProxy, input: exactSettle }, contracts)).toBeUndefined();
  });

  it("reads nothing from calldata that is empty, cut off or of another function", () => {
    for (const input of ["0x", "0x12", exactSettle.slice(0, 300), `0xdeadbeef${exactSettle.slice(10)}`])
      expect(decodeSettleCall({ to: contracts.exactProxy, input: input as Hex }, contracts)).toBeUndefined();
  });
});

describe("decodeAuthorizedTransfer", () => {
  it("reads both forms of transferWithAuthorization", () => {
    const split = encodeFunctionData({
      abi: Erc20Abi,
      functionName: "transferWithAuthorization",
      args: [PAYER, PAYEE, maxUint256, 0n, 9n, WORD, 27, WORD, WORD],
    });
    const packed = encodeFunctionData({
      abi: Erc20Abi,
      functionName: "transferWithAuthorization",
      args: [PAYER, PAYEE, 5n, 0n, 9n, WORD, SIGNATURE],
    });
    expect(decodeAuthorizedTransfer(split)).toEqual({ from: PAYER, to: PAYEE, amount: maxUint256 });
    expect(decodeAuthorizedTransfer(packed)).toEqual({ from: PAYER, to: PAYEE, amount: 5n });
  });

  it("reads nothing from receiveWithAuthorization", () => {
    const receive = encodeFunctionData({
      abi: parseAbi([
        "function receiveWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)",
      ]),
      args: [PAYER, PAYEE, 5n, 0n, 9n, WORD, 27, WORD, WORD],
    });
    expect(decodeAuthorizedTransfer(receive)).toBeUndefined();
  });
});

describe("isPlainTransfer", () => {
  it("knows transfer and transferFrom from everything else", () => {
    const erc20 = parseAbi([
      "function transfer(address to, uint256 value)",
      "function transferFrom(address from, address to, uint256 value)",
      "function approve(address spender, uint256 value)",
    ]);
    expect(
      isPlainTransfer(encodeFunctionData({ abi: erc20, functionName: "transfer", args: [PAYEE, 1n] })),
    ).toBe(true);
    expect(
      isPlainTransfer(
        encodeFunctionData({ abi: erc20, functionName: "transferFrom", args: [PAYER, PAYEE, 1n] }),
      ),
    ).toBe(true);
    expect(
      isPlainTransfer(encodeFunctionData({ abi: erc20, functionName: "approve", args: [PAYEE, 1n] })),
    ).toBe(false);
    expect(isPlainTransfer("0x")).toBe(false);
  });
});
