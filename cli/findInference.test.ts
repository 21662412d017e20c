import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { inferenceHashes } from "../proofs/findInference.ts";
import { findInferenceCommand } from "./findInference.ts";

const TEE_ID = `0x${"ab".repeat(32)}`;
const REQUEST = '{"model": "m", "messages": [{"role": "user", "content": "hi"}]}';
const RESPONSE = `{"choices": [{"message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
  "tee_id": "${TEE_ID}", "tee_timestamp": 1793493936}`;
const HASHES = inferenceHashes(REQUEST, RESPONSE);
const ITEM = {
  id: HASHES.inferenceId,
  teeId: TEE_ID,
  inputHash: HASHES.inputHash,
  outputHash: HASHES.outputHash,
  signedAt: 1793493936,
  signature: "0x12",
  signatureValid: true,
  settlements: [{ id: "10740-0x34-5", leafIndex: 7 }],
  claimedPayers: [],
  model: "m\u001b[2J",
  promptTokens: null,
  completionTokens: null,
  nodeAtSigning: {
    registry: "0x56",
    status: "active",
    pcrHash: "0x78",
    pcrVersion: "v1.0.0",
    pcrApproved: true,
  },
};

let directory: string;
let server: Server;
let api: string;
let items: unknown[];
const asked: URL[] = [];
const file = (name: string) => path.join(directory, name);
const run = (...args: string[]) => findInferenceCommand([...args, "--api", api]);

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "find-inference-"));
  await writeFile(file("request.json"), `\ufeff${REQUEST}`);
  await writeFile(file("response.json"), RESPONSE);
  await writeFile(file("broken.json"), '{"model": }');
  await writeFile(file("latin1.json"), Buffer.from([0x22, 0xe9, 0x22]));
  server = createServer((request, response) => {
    asked.push(new URL(request.url ?? "", api));
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ items, pageInfo: { endCursor: null, hasNextPage: false } }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A TCP server's address is an object.
  api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  items = [ITEM];
  asked.length = 0;
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true });
});

it("prints the hashes and where the inference was recorded", async () => {
  const { exitCode, stdout, stderr } = await run(file("request.json"), file("response.json"));
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(asked.map(({ pathname }) => pathname)).toEqual(["/v1/inferences"]);
  expect(asked[0]?.searchParams.get("inputHash")).toBe(HASHES.inputHash);
  expect(asked[0]?.searchParams.get("outputHash")).toBe(HASHES.outputHash);
  expect(stdout.split("\n")).toEqual([
    `input hash   ${HASHES.inputHash}`,
    `output hash  ${HASHES.outputHash}`,
    `inference    ${HASHES.inferenceId}`,
    "recorded: one inference with these hashes",
    ITEM.id,
    `  node      ${TEE_ID}, active when it signed; code 0x78 (v1.0.0), approved`,
    "  signed    2026-11-01T00:45:36Z, signature valid",
    "  model     m[2J",
    "  settled   10740-0x34-5, leaf 7 of a batch",
    `  receipt   ${api}/v1/inferences/${ITEM.id}/receipt`,
    "",
  ]);
});

it("prints one JSON object when asked to, and nothing in it that a terminal would obey", async () => {
  const model = "\u001b[2J \u009b2J \u202e é 😀";
  items = [{ ...ITEM, model }];
  const { exitCode, stdout } = await run(file("request.json"), file("response.json"), "--json");
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^[ -~]+\n$/);
  expect(JSON.parse(stdout).inferences[0].model).toBe(model);
  expect(JSON.parse(stdout)).toMatchObject({
    ...HASHES,
    recorded: true,
    inferences: [{ id: ITEM.id, receiptUrl: `${api}/v1/inferences/${ITEM.id}/receipt` }],
  });
});

it("ends with 1 when nothing, or nothing that a node signed, is recorded", async () => {
  items = [];
  expect(await run(file("request.json"), file("response.json"))).toMatchObject({
    exitCode: 1,
    stdout: expect.stringContaining("not recorded: no settlement holds these hashes"),
  });
  items = [{ ...ITEM, signatureValid: false }];
  expect(await run(file("request.json"), file("response.json"))).toMatchObject({
    exitCode: 1,
    stdout: expect.stringContaining("no node signed them"),
  });
  items = [{ ...ITEM, signatureValid: null }];
  expect((await run(file("request.json"), file("response.json"))).exitCode).toBe(0);
});

it("ends with 2 and says what to do when it cannot tell", async () => {
  const refusal = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await run(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    return stderr;
  };
  expect(await refusal()).toContain("usage:");
  expect(await refusal("a", "b", "c")).toContain("give two files");
  expect(await refusal("--what", "a", "b")).toContain("--what");
  expect(await refusal(file("nowhere.json"), file("response.json"))).toContain("nowhere.json cannot be read");
  expect(await refusal(file("broken.json"), file("response.json"))).toContain("broken.json is not JSON");
  expect(await refusal(file("latin1.json"), file("response.json"))).toContain("latin1.json is not UTF-8");
  expect(await refusal(file("response.json"), file("response.json"))).toContain("has no model");
  expect(await refusal(file("request.json"), file("request.json"))).toContain("choices[0].message");
  expect(asked).toEqual([]);
  const other = await findInferenceCommand([file("request.json"), file("response.json"), "--api", "ftp://x"]);
  expect(other).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("http") });
  const nobody = ["--api", "http://127.0.0.1:1"];
  expect(await findInferenceCommand([file("request.json"), file("response.json"), ...nobody])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("http://127.0.0.1:1 does not answer"),
  });
});

it("runs as a command of its own", { timeout: 30_000 }, async () => {
  const command = path.resolve(import.meta.dirname, "find-inference.ts");
  const args = ["--import", "tsx", command, file("request.json"), file("response.json"), "--api", api];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(stdout).toContain("recorded: one inference");
  items = [];
  await expect(promisify(execFile)(process.execPath, args)).rejects.toMatchObject({ code: 1 });
});
