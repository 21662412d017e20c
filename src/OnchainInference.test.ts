import { type AbiEvent, encodeAbiParameters, getAbiItem, pad, toHex } from "viem";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { InferenceHubAbi, InferencePrecompileAbi } from "../abis/Inference.ts";
import * as schema from "../ponder.schema.ts";
import { memoryStore } from "../test/memoryStore.ts";
import { handlers } from "../test/ponderRegistry.ts";

vi.mock("ponder:registry", () => import("../test/ponderRegistry.ts"));
vi.mock("ponder:schema", () => import("../ponder.schema.ts"));
await import("./OnchainInference.ts");

const SENDER = pad("0x0a", { size: 20 });
const CALLER = pad("0x0b", { size: 20 });
const HUB = pad("0x0c", { size: 20 });
const PRECOMPILE = pad("0xf4", { size: 20 });

let store: ReturnType<typeof memoryStore>;
let logIndex = 0;

beforeEach(() => {
  store = memoryStore();
  logIndex = 0;
});

async function emit(
  contract: "InferencePrecompile" | "InferenceHub",
  event: string,
  values: unknown[],
  tx = 1,
) {
  const abi = contract === "InferenceHub" ? InferenceHubAbi : InferencePrecompileAbi;
  const { inputs } = getAbiItem({ abi, name: event as never }) as AbiEvent;
  const data = encodeAbiParameters(
    inputs.filter(({ indexed }) => !indexed),
    values,
  );
  await handlers.get(`${contract}:${event}`)?.({
    event: {
      block: { number: 1n, hash: pad("0x01"), timestamp: 1_000n },
      transaction: { hash: pad(toHex(tx)), from: SENDER, to: HUB, input: "0x" },
      log: { address: contract === "InferenceHub" ? HUB : PRECOMPILE, logIndex: logIndex++, data },
      args: { caller: CALLER },
    },
    context: { chain: { id: 10740, name: "og" }, db: store.db },
  });
}

const answer = (text: string) => ({ answer: text });
const output = (text: string) => ({
  numbers: [],
  strings: [{ name: "out", values: [text] }],
  jsons: [],
  is_simulation_result: false,
});
const completed = (id: string, text: string, mode = 0) =>
  emit("InferencePrecompile", "LLMCompletionEvent", [
    id,
    { mode, modelCID: "cid", prompt: "", max_tokens: 1, stop_sequence: [], temperature: 0 },
    answer(text),
  ]);
const ran = (id: string, text: string) =>
  emit("InferencePrecompile", "ModelInferenceEvent", [
    id,
    { mode: 1, modelCID: "cid", input: { numbers: [], strings: [] } },
    output(text),
  ]);

const inferences = () =>
  store
    .rows(schema.onchainInference)
    .map(({ inferenceId, kind, hubEvent, hubLogIndex, caller }) => [
      inferenceId,
      kind,
      hubEvent,
      hubLogIndex,
      caller,
    ]);

describe("a precompile log", () => {
  it.each([3, 255])("keeps a mode that nobody has named: %d", async (mode) => {
    await completed("a", "yes", mode);
    expect(store.rows(schema.onchainInference)).toMatchObject([{ inferenceId: "a", mode }]);
  });
});

describe("a hub's event", () => {
  it("belongs to the log right before it", async () => {
    await completed("a", "yes");
    await emit("InferenceHub", "LLMCompletionResult", [answer("yes")]);
    await completed("b", "yes");
    await emit("InferenceHub", "LLMCompletionResult", [answer("yes")]);
    expect(inferences()).toEqual([
      ["a", "completion", "LLMCompletionResult", 1, SENDER],
      ["b", "completion", "LLMCompletionResult", 3, SENDER],
    ]);
  });

  it("belongs to the log whose response it repeats when several stand before it", async () => {
    await completed("a", "yes");
    await completed("b", "no");
    await emit("InferenceHub", "LLMCompletionResult", [answer("yes")]);
    await emit("InferenceHub", "LLMCompletionResult", [answer("no")]);
    expect(inferences()).toEqual([
      ["a", "completion", "LLMCompletionResult", 2, SENDER],
      ["b", "completion", "LLMCompletionResult", 3, SENDER],
    ]);
  });

  it("belongs to the newest log that is free when it repeats none", async () => {
    await completed("a", "yes");
    await completed("b", "no");
    await emit("InferenceHub", "LLMCompletionResult", [answer("what?")]);
    expect(inferences().map(([id, , event]) => [id, event])).toEqual([
      ["a", null],
      ["b", "LLMCompletionResult"],
    ]);
  });

  it("gives each workflow its own run and caller, announced by the hub before or not", async () => {
    await ran("a", "1");
    await emit("InferenceHub", "InferenceResult", [output("1")]);
    await ran("b", "2");
    await emit("InferenceHub", "InferenceResultEmitted", [output("1")]);
    expect(inferences()).toEqual([
      ["a", "workflow", "InferenceResultEmitted", 3, CALLER],
      ["b", "model", null, null, SENDER],
    ]);
  });

  it("of another transaction has a row of its own", async () => {
    await completed("a", "yes");
    await emit("InferenceHub", "LLMCompletionResult", [answer("yes")], 2);
    expect(inferences().map(([id, , event]) => [id, event])).toEqual([
      ["a", null],
      [null, "LLMCompletionResult"],
    ]);
    expect(store.rows(schema.anomaly)).toMatchObject([
      { kind: "hub-event-without-precompile-log", count: 1 },
    ]);
  });

  it("of another kind claims nothing", async () => {
    await completed("a", "yes");
    await emit("InferenceHub", "InferenceResult", [output("yes")]);
    expect(inferences().map(([, kind, event]) => [kind, event])).toEqual([
      ["completion", null],
      ["model", "InferenceResult"],
    ]);
  });
});
