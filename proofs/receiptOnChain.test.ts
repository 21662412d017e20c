import { beforeAll, describe, expect, it } from "vitest";
import { checkReceipt } from "./checkReceipt.ts";
import type { Receipt } from "./receipt.ts";
import { checkReceiptOnChain } from "./receiptOnChain.ts";
import { newEnclave } from "./testing/leaves.ts";
import {
  batchReceipt,
  chainOf,
  hashOf,
  individualReceipt,
  replaced,
  rpcOf,
  scalarsOf,
  signedInferences,
} from "./testing/receipts.ts";

let receipts: Record<"batch" | "individual", Receipt>;

beforeAll(() => {
  const enclave = newEnclave();
  const leaves = signedInferences(enclave, 5);
  const [leaf] = leaves;
  if (!leaf) throw new Error("no leaf");
  receipts = { batch: batchReceipt(enclave, leaves, 0), individual: individualReceipt(enclave, leaf) };
});

const reasonOf = async (receipt: Receipt, answers: ReadonlyMap<string, unknown>) => {
  const check = await checkReceiptOnChain(receipt, rpcOf(answers));
  return check.ok ? "ok" : check.reason;
};

describe.each(["batch", "individual"] as const)("the receipt of a settlement (%s) on its chain", (kind) => {
  it("holds against logs as viem encodes them", async () => {
    const receipt = receipts[kind];
    expect(await reasonOf(receipt, chainOf(receipt))).toBe("ok");
  });

  it("does not hold, by itself or on chain, with any of its provable statements changed", async () => {
    const receipt = receipts[kind];
    const answers = chainOf(receipt);
    const provable = (["inferenceId", "leaf", "settlement", "merkle", "publicKey", "registration"] as const)
      .filter((part) => receipt[part] !== null)
      .flatMap((part) => scalarsOf(receipt[part], [part]));
    expect(provable.length).toBeGreaterThan(20);
    for (const path of provable) {
      const value = path.reduce<unknown>((node, key) => Reflect.get(Object(node), key), receipt);
      const others =
        typeof value === "number"
          ? [value + 1, value - 1]
          : [String(value).slice(0, -1) + (String(value).endsWith("1") ? "2" : "1")];
      for (const other of others) {
        const changed = replaced(receipt, path, other);
        const alone = checkReceipt(changed);
        const reason = alone.ok ? await reasonOf(alone.receipt, answers) : alone.reason;
        expect(reason, path.join(".")).not.toBe("ok");
      }
    }
  });

  it("names what is wrong with the chain's answer", async () => {
    const receipt = receipts[kind];
    const { settlement, registration } = receipt;
    const answers = chainOf(receipt);
    const withAnswer = (key: string, edit: (answer: object) => unknown) =>
      new Map(answers).set(key, edit(Object(answers.get(key))));
    const cases: [string, Map<string, unknown>][] = [
      ["wrong-chain", new Map(answers).set("eth_chainId", "0x1")],
      ["transaction-not-found", new Map(answers).set(settlement.txHash, null)],
      [
        "transaction-not-found",
        withAnswer(settlement.txHash, (a) => ({ ...a, transactionHash: hashOf("x") })),
      ],
      ["transaction-reverted", withAnswer(settlement.txHash, (a) => ({ ...a, status: "0x0" }))],
      ["block-mismatch", withAnswer(settlement.txHash, (a) => ({ ...a, blockHash: hashOf("fork") }))],
      ["log-not-found", withAnswer(settlement.txHash, (a) => ({ ...a, logs: [] }))],
      ["time-mismatch", withAnswer(settlement.blockHash, (a) => ({ ...a, timestamp: "0x1" }))],
      ["block-mismatch", new Map(answers).set(settlement.blockHash, null)],
      ["rpc-failed", new Map(answers).set("eth_chainId", { not: "a quantity" })],
      ["rpc-failed", new Map(answers).set(settlement.txHash, "0x")],
      ["registration-transaction-not-found", new Map(answers).set(registration?.txHash ?? "", null)],
    ];
    for (const [reason, changed] of cases) expect(await reasonOf(receipt, changed)).toBe(reason);
  });
});

describe("a chain that cannot be asked", () => {
  it("is a refusal with its message", async () => {
    const check = await checkReceiptOnChain(receipts.batch, async () => {
      throw new Error("no answer");
    });
    expect(check).toEqual({ ok: false, reason: "rpc-failed", detail: "no answer" });
  });

  it("is not asked about a receipt without registration", async () => {
    const receipt = { ...receipts.batch, registration: null };
    expect(await reasonOf(receipt, new Map())).toBe("not-registered");
  });
});
