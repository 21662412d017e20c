import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Receipt } from "../proofs/receipt.ts";
import { flipByte, newEnclave } from "../proofs/testing/leaves.ts";
import {
  batchReceipt,
  chainOf,
  individualReceipt,
  rpcOf,
  signedInferences,
} from "../proofs/testing/receipts.ts";
import { sectionCommands } from "./testing/readme.ts";
import { verifyReceipt } from "./verifyReceipt.ts";

const root = path.resolve(import.meta.dirname, "..");
let directory: string;
let receipt: Receipt;
let individual: Receipt;
let server: Server;
let rpcUrl: string;
let rpcAnswer: (body: { method: string; params: unknown[] }) => Promise<string>;

const file = (name: string, content: string | Buffer) => {
  const full = path.join(directory, name);
  writeFileSync(full, content);
  return full;
};
const save = (name: string, document: unknown) => file(name, JSON.stringify(document));
const run = async (...args: string[]) => {
  const { exitCode, stdout, stderr } = await verifyReceipt(args);
  return { exitCode, output: stdout + stderr };
};
const npx = (args: readonly string[], input = "") =>
  spawnSync("npx", ["verify-receipt", ...args], {
    cwd: root,
    input,
    encoding: "utf8",
    // a cache of its own, and no registry: what is in the checkout must do
    env: { ...process.env, npm_config_cache: path.join(directory, "npm"), npm_config_offline: "true" },
  });

beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), "verify-receipt-"));
  const enclave = newEnclave();
  const leaves = signedInferences(enclave, 4);
  const [leaf] = leaves;
  if (!leaf) throw new Error("no leaf");
  receipt = batchReceipt(enclave, leaves, 2);
  individual = individualReceipt(enclave, leaf);
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", async () => response.end(await rpcAnswer(JSON.parse(String(Buffer.concat(chunks))))));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  rpcUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on a port
});
afterAll(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

const honestNode = (of: Receipt) => {
  const rpc = rpcOf(chainOf(of));
  return async ({ method, params }: { method: string; params: unknown[] }) =>
    JSON.stringify({ jsonrpc: "2.0", id: 1, result: await rpc(method, params) });
};

describe("npx verify-receipt in a checkout", () => {
  it("exits with 0 for a receipt that holds, from a file and from standard input", () => {
    const fromFile = npx([save("receipt.json", receipt)]);
    expect(fromFile.stdout).toContain(`holds: inference ${receipt.inferenceId}`);
    expect(fromFile.status).toBe(0);
    const fromInput = npx(["-", "--json"], JSON.stringify(individual));
    expect(JSON.parse(fromInput.stdout)).toMatchObject({ ok: true, inferenceId: individual.inferenceId });
    expect(fromInput.status).toBe(0);
  }, 60_000);

  it("exits with 1 and a reason for one that does not, and with 2 for wrong usage", () => {
    const changed = { ...receipt, publicKey: flipByte(receipt.publicKey ?? "0x", 40, 1) };
    const refused = npx([save("changed.json", changed)]);
    expect(refused.stdout).toMatch(/^does not hold: key-hash-mismatch: .+\n$/);
    expect(refused.status).toBe(1);
    expect(npx([]).status).toBe(2);
  }, 60_000);
});

describe("verify-receipt", () => {
  it("compares with the chain behind --rpc", async () => {
    for (const document of [receipt, individual]) {
      rpcAnswer = honestNode(document);
      const good = await run(save("on-chain.json", document), "--rpc", rpcUrl);
      expect(good.output).toContain("the settlement's event is on chain 10740");
      expect(good.exitCode).toBe(0);
    }
    rpcAnswer = honestNode(receipt);
    const moved = { ...receipt, settlement: { ...receipt.settlement, batchSize: "5" } };
    const bad = await run(save("moved.json", moved), "--rpc", rpcUrl, "--json");
    expect(JSON.parse(bad.output)).toMatchObject({ ok: false, reason: "log-mismatch" });
    expect(bad.exitCode).toBe(1);
  });

  it("says so when the RPC does not answer as one", async () => {
    const saved = save("receipt.json", receipt);
    const answers = ["", "<html>", "[]", "null", "{}", '{"error":{"code":-32000,"message":"\\u001b[31mno"}}'];
    for (const answer of answers) {
      rpcAnswer = async () => answer;
      const { exitCode, output } = await run(saved, "--rpc", rpcUrl);
      expect(output).toMatch(/^does not hold: rpc-failed: eth_chainId at 127\.0\.0\.1:\d+: [ -~]+\n$/);
      expect(exitCode).toBe(1);
    }
    const dead = await run(saved, "--rpc", "http://127.0.0.1:1/secret-key");
    expect(dead.output).toContain("rpc-failed");
    expect(dead.output).not.toContain("secret-key");
  });

  it("insists on the contracts it is told to trust", async () => {
    const saved = save("receipt.json", receipt);
    const { relay } = receipt.settlement;
    const registry = receipt.registration?.registry ?? "";
    const other = `0x${"1".repeat(40)}`;
    const upper = `0x${relay.slice(2).toUpperCase()}`;
    expect((await run(saved, "--relay", other, "--relay", upper, "--registry", registry)).exitCode).toBe(0);
    expect((await run(saved, "--relay", other)).output).toContain("foreign-relay");
    expect((await run(saved, "--registry", other)).output).toContain("foreign-registry");
  });

  it("refuses what is no receipt, in one line", async () => {
    const huge = file("huge.json", "");
    truncateSync(huge, 100 * 1024 * 1024);
    const cases: [string, string][] = [
      ["unreadable", path.join(directory, "absent.json")],
      ["unreadable", directory],
      ["too-large", huge],
      ["not-json", file("empty.json", "")],
      ["not-json", file("cut.json", JSON.stringify(receipt).slice(0, -1))],
      ["not-json", file("latin1.json", Buffer.from('"\xe9"', "latin1"))],
      ["not-json", file("deep.json", "[".repeat(500_000))],
      ["malformed", file("deep-closed.json", "[".repeat(500_000) + "]".repeat(500_000))],
      ["malformed", save("null.json", null)],
      ["unsupported-version", save("future.json", { ...receipt, version: "opengradient-receipt-v2" })],
    ];
    for (const [reason, saved] of cases) {
      const { exitCode, output } = await run(saved);
      expect(output).toMatch(new RegExp(`^does not hold: ${reason}: [^\\n]+\\n$`));
      expect(exitCode).toBe(1);
    }
  });

  it("prints nothing of a receipt that a terminal would obey", async () => {
    const pcr = { hash: receipt.inferenceId, version: "\u001b]0;title\u0007\u202ev1", approved: null };
    const hostile = { ...receipt, nodeAtSigning: { status: null, pcr } };
    const { exitCode, output } = await run(save("hostile.json", hostile));
    expect(exitCode).toBe(0);
    expect(output).toMatch(/^[\n -~]+$/);
    for (const format of [[], ["--json"]]) {
      rpcAnswer = async () =>
        JSON.stringify({ error: { code: 1, message: "\u001b[2J\u009b2J\u202e\u0000\r\n\u2028é" } });
      const refused = await run(save("receipt.json", receipt), "--rpc", rpcUrl, ...format);
      expect(refused.exitCode).toBe(1);
      expect(refused.output).toMatch(format.length > 0 ? /^[ -~]+\n$/ : /^[^\p{C}\u2028]+\n$/u);
    }
  });

  it("explains itself and wrong usage", async () => {
    expect(await run("--help")).toMatchObject({ exitCode: 0 });
    for (const args of [
      [],
      ["a", "b"],
      ["a", "--rpc", "ftp://x"],
      ["a", "--rpc", "x"],
      ["a", "--relay", "0x12"],
      ["a", "--quick"],
      ["a", "--rpc"],
    ]) {
      const { exitCode, output } = await run(...args);
      expect(exitCode, args.join(" ")).toBe(2);
      expect(output).toContain("usage: npx verify-receipt");
    }
  });
});

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

describe.skipIf(!hasOpenssl)("the check by hand in the README", () => {
  const commands = sectionCommands("Check a receipt").find((block) => block.includes("openssl")) ?? "";
  const byHand = (document: unknown) => {
    save("receipt.json", document);
    return spawnSync("sh", ["-c", commands], { cwd: directory, encoding: "utf8" });
  };

  beforeAll(() => symlinkSync(path.join(root, "node_modules"), path.join(directory, "node_modules")));

  it("accepts what verify-receipt accepts", () => {
    const batch = byHand(receipt);
    expect(batch.stdout.split("\n")).toEqual([
      "the key is that of the TEE id: true",
      "the leaf is under the root: true",
      "Verified OK",
      "",
    ]);
    expect(batch.status).toBe(0);
    expect(byHand(individual).stdout).toBe("the key is that of the TEE id: true\nVerified OK\n");
  }, 30_000);

  it("shows what is wrong", () => {
    const { leaf } = receipt;
    const other = byHand({ ...receipt, leaf: { ...leaf, outputHash: flipByte(leaf.outputHash, 0, 1) } });
    expect(other.stdout).toContain("the leaf is under the root: false");
    expect(other.stdout).toContain("Verification failure");
    expect(other.status).not.toBe(0);
    const key = byHand({ ...receipt, leaf: { ...leaf, teeId: leaf.inputHash } });
    expect(key.stdout).toContain("the key is that of the TEE id: false");
  }, 30_000);
});
