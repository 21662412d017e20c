import { encodeAbiParameters, toHex } from "viem";
import { describe, expect, it } from "vitest";
import { decodeTeeRecord, encodeGetTee } from "./teeRecord.ts";

const common = [
  { type: "address" },
  { type: "address" },
  { type: "string" },
  { type: "bytes" },
  { type: "bytes" },
  { type: "bytes32" },
  { type: "uint8" },
  { type: "bool" },
  { type: "uint256" },
  { type: "uint256" },
] as const;
const ohttp = {
  type: "tuple",
  components: [
    { type: "uint8" },
    { type: "uint16" },
    { type: "uint16" },
    { type: "uint16" },
    { type: "bytes" },
    { type: "bytes" },
    { type: "uint256" },
  ],
} as const;
const owner = "0x00000000000000000000000000000000000000AA";
const values = [
  owner,
  owner,
  "https://a.example",
  "0x30",
  "0x31",
  `0x${"11".repeat(32)}`,
  1,
  true,
  5n,
  6n,
] as const;
const expected = {
  owner: owner.toLowerCase(),
  paymentAddress: owner.toLowerCase(),
  endpointBytes: toHex("https://a.example"),
  publicKey: "0x30",
  tlsCertificate: "0x31",
  pcrHash: `0x${"11".repeat(32)}`,
  teeType: 1,
  enabled: true,
  registeredAt: 5n,
  lastHeartbeatAt: 6n,
};

describe("decodeTeeRecord", () => {
  it("decodes the earlier layout", () => {
    const data = encodeAbiParameters([{ type: "tuple", components: common }], [values]);
    expect(decodeTeeRecord(data)).toEqual({ ...expected, ohttp: null });
  });

  it("decodes the current layout with an OHTTP key", () => {
    const key = toHex("k".repeat(32));
    const data = encodeAbiParameters(
      [{ type: "tuple", components: [...common, ohttp] }],
      [[...values, [1, 32, 1, 3, key, "0x0102", 7n]]],
    );
    expect(decodeTeeRecord(data)).toEqual({
      ...expected,
      ohttp: {
        keyId: 1,
        kemId: 32,
        kdfId: 1,
        aeadId: 3,
        publicKey: key,
        keyConfig: "0x0102",
        registeredAt: 7n,
      },
    });
  });

  it("has no OHTTP configuration where no key was registered", () => {
    const data = encodeAbiParameters(
      [{ type: "tuple", components: [...common, ohttp] }],
      [[...values, [0, 0, 0, 0, "0x", "0x", 0n]]],
    );
    expect(decodeTeeRecord(data).ohttp).toBeNull();
  });

  it("throws on numbers that are longer than their types", () => {
    const encoded = encodeAbiParameters(
      [{ type: "tuple", components: [...common, ohttp] }],
      [[...values, [1, 32, 1, 3, "0x01", "0x", 7n]]],
    );
    // The tuple begins behind its offset; the OHTTP configuration where the tuple's last word says.
    const teeTypeWord = 1 + 6;
    const ohttpAt = 1 + Number(`0x${encoded.slice(2 + 11 * 64, 2 + 12 * 64)}`) / 32;
    for (const word of [teeTypeWord, ohttpAt, ohttpAt + 1, ohttpAt + 2, ohttpAt + 3]) {
      const at = 2 + word * 64;
      const dirty = `${encoded.slice(0, at)}${toHex(2n ** 40n, { size: 32 }).slice(2)}${encoded.slice(at + 64)}`;
      expect(() => decodeTeeRecord(dirty as `0x${string}`)).toThrow(RangeError);
    }
  });

  it("throws on anything else", () => {
    expect(() => decodeTeeRecord("0x")).toThrow();
    expect(() => decodeTeeRecord(`0x${"ff".repeat(400)}`)).toThrow();
  });
});

it("encodes the call", () => {
  expect(encodeGetTee(`0x${"ab".repeat(32)}`)).toBe(`0x418b207d${"ab".repeat(32)}`);
});
