import { encodeAbiParameters, encodeFunctionData, type Hex, toHex } from "viem";
import { describe, expect, it } from "vitest";
import { TEERegistryAbi } from "../../abis/TEERegistry.ts";
import { blobIdOf } from "./blobId.ts";
import { endpointHost } from "./endpoint.ts";
import { stringBytes } from "./eventString.ts";
import { decodeInferenceHead } from "./inferenceLog.ts";
import { clampToSafe } from "./number.ts";
import { decodeRegistration } from "./registration.ts";

describe("blobIdOf", () => {
  const id = "6joyFWL0iPtrGdhCUljIULzycrkVi2PH4l8kOcjqz0_";

  it("reads 43 base64url characters", () => {
    expect(blobIdOf(toHex(id))).toBe(id);
  });

  it.each([
    "",
    id.slice(1),
    `${id}A`,
    `${id.slice(0, 42)}/`,
    `../${id.slice(3)}`,
    `${id.slice(0, 42)}\u0000`,
  ])("refuses %j", (text) => {
    expect(blobIdOf(toHex(text))).toBeNull();
  });
});

describe("endpointHost", () => {
  it.each([
    "https://tee-1.example.net",
    "https://TEE-1.Example.net:8443/v1/chat",
    "http://tee-1.example.net:8444",
    "https://tee-1.example.net.:8443",
  ])("is the machine's name, whatever the port and path of %j", (text) => {
    expect(endpointHost(text)).toBe("tee-1.example.net");
  });

  it.each(["", "tee-1.example.net", "ftp://host", "javascript:alert(1)", "https://"])(
    "has none for %j",
    (text) => {
      expect(endpointHost(text)).toBeNull();
    },
  );
});

describe("decodeRegistration", () => {
  const args = [
    "0x01",
    "0x3082",
    "0x3083",
    "0x00000000000000000000000000000000000000AA",
    "https://a.example",
    1,
  ] as const;
  const input = encodeFunctionData({ abi: TEERegistryAbi, functionName: "registerTEEWithAttestation", args });

  it("reads key, certificate, payment address and endpoint bytes", () => {
    expect(decodeRegistration(input)).toEqual({
      publicKey: "0x3082",
      tlsCertificate: "0x3083",
      paymentAddress: "0x00000000000000000000000000000000000000aa",
      endpointBytes: toHex("https://a.example"),
    });
  });

  it("is null for another call and for cut-off input", () => {
    expect(decodeRegistration("0x12345678")).toBeNull();
    expect(decodeRegistration(input.slice(0, 200) as typeof input)).toBeNull();
  });
});

describe("event data", () => {
  it("gives a string's bytes even when they are not UTF-8", () => {
    expect(stringBytes(encodeAbiParameters([{ type: "bytes" }], ["0xff00"]))).toBe("0xff00");
    expect(stringBytes("0x1234")).toBe("0x");
  });

  it("reads the head of every inference event, whatever follows it", () => {
    const data = encodeAbiParameters(
      [
        { type: "string" },
        {
          type: "tuple",
          components: [{ type: "uint8" }, { type: "string" }, { type: "string" }, { type: "uint32" }],
        },
        { type: "tuple", components: [{ type: "string" }] },
      ],
      ["id-1", [2, "bafy-model", "prompt", 7], ["answer"]],
    );
    expect(decodeInferenceHead(data)).toEqual({
      inferenceIdBytes: toHex("id-1"),
      mode: 2,
      modelCidBytes: toHex("bafy-model"),
    });
    expect(decodeInferenceHead("0xdeadbeef")).toBeNull();
    // The mode's word, with more in it than a uint8 holds.
    const word = toHex(2n, { size: 32 }).slice(2);
    expect(decodeInferenceHead(data.replace(word, toHex(256n, { size: 32 }).slice(2)) as Hex)).toBeNull();
  });
});

describe("clampToSafe", () => {
  it("clamps to 2^53-1 and never below zero", () => {
    expect(clampToSafe(2n ** 256n - 1n)).toBe(Number.MAX_SAFE_INTEGER);
    expect(clampToSafe(-1n)).toBe(0);
    expect(clampToSafe(1800n)).toBe(1800);
  });
});
