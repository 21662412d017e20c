import { encodeAbiParameters, parseAbiParameters } from "viem";
import { describe, expect, test } from "vitest";
import { createTestDatabase } from "../../../test/database.ts";
import { address, hash, utf8Hex } from "../../testing/worlds/chainTables.ts";
import { T0, useEmptyTables } from "../../testing/worlds/emptyTables.ts";

const world = useEmptyTables(createTestDatabase);
const { idsOf } = world;

describe("on-chain inferences", () => {
  const completion = (prompt: string, answer: string) =>
    encodeAbiParameters(
      parseAbiParameters("string, (uint8, string, string, uint32, string[], uint32), (string)"),
      ["id-1", [1, "QmModel", prompt, 10, ["stop"], 0], [answer]],
    );
  const infer = async (blockNumber: number, details: Readonly<Record<string, unknown>> = {}) => {
    await world.tables.block("og", blockNumber, T0 + blockNumber);
    await world.tables.insert("og", "onchainInference", {
      blockNumber,
      logIndex: 1,
      kind: "completion",
      mode: 1,
      modelCid: "QmModel",
      modelCidHex: utf8Hex("QmModel"),
      inferenceId: "id-1",
      inferenceIdHex: utf8Hex("id-1"),
      caller: address("caller"),
      timestamp: T0 + blockNumber,
      txHash: hash(`infer${blockNumber}`),
      requestData: completion("Say\nhi\u202e", "hi"),
      hub: address("hub"),
      hubEvent: "LLMCompletionResult",
      hubLogIndex: 2,
      hubData: encodeAbiParameters(parseAbiParameters("(string)"), [["hi"]]),
      ...details,
    });
  };

  test("have their content only on request, shortened and sanitised, without ever failing", async () => {
    await infer(1);
    await infer(2, {
      requestData: "0x1234",
      hubData: "0x",
      mode: 9,
      modelCid: "Qm",
      modelCidHex: utf8Hex("Qm\u0000"),
    });
    await infer(3, {
      requestData: completion("x".repeat(10_000), ""),
      hub: null,
      hubEvent: null,
      hubLogIndex: null,
      hubData: null,
    });
    await infer(4, { requestData: `0x${"ff".repeat(600_000)}`, kind: "chat" });
    const plain = await world.api.json("/v1/onchain-inferences");
    expect(plain.items[3]).toMatchObject({
      mode: "zkml",
      modelCid: "QmModel",
      modelCidHex: null,
      content: null,
      hub: { event: "LLMCompletionResult", logIndex: 2 },
    });
    expect(plain.items[2]).toMatchObject({ mode: null, modelCid: "Qm", modelCidHex: utf8Hex("Qm\u0000") });
    const { items } = await world.api.json("/v1/onchain-inferences?include=content&limit=100");
    expect(items[3].content).toMatchObject({
      request: { modelCID: "QmModel", prompt: "Say\nhi", max_tokens: 10, stop_sequence: ["stop"] },
      response: { answer: "hi" },
      result: { answer: "hi" },
      shortened: false,
    });
    expect(items[2].content).toEqual({ request: null, response: null, result: null, shortened: false });
    expect(items[1].content).toMatchObject({ shortened: true, result: null });
    expect(items[1].content.request.prompt).toHaveLength(4_096);
    expect(items[0].content.request).toBeNull();
  });

  test("are found by every filter", async () => {
    await infer(1);
    await infer(2, { kind: "chat", mode: 2, modelCid: "QmOther", caller: address("other") });
    expect(await idsOf("/v1/onchain-inferences?mode=tee")).toEqual([hash("infer2")]);
    expect(await idsOf("/v1/onchain-inferences?kind=completion")).toEqual([hash("infer1")]);
    expect(await idsOf("/v1/onchain-inferences?modelCid=QmOther")).toEqual([hash("infer2")]);
    expect(await idsOf(`/v1/onchain-inferences?caller=${address("other")}`)).toEqual([hash("infer2")]);
    expect(await idsOf(`/v1/onchain-inferences?to=${T0 + 2}`)).toEqual([hash("infer1")]);
  });
});
