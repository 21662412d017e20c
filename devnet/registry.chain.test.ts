import { constants, sign } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Hex, hexToBytes, keccak256, stringToHex } from "viem";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type DevChain, encodeCall, UnexpectedOutcomeError } from "./chain.ts";
import { type OgContracts, placeOgContracts, upgradeRelay } from "./placement.ts";
import { heartbeatMessage, inferenceMessage, signPss } from "./pss.ts";
import { SeededRandom } from "./random.ts";
import { FIRST_TIMESTAMP, revertName, startTestChain, type TestChain } from "./testChain.ts";
import { at, type Cast, drawCast, type NodeIdentity } from "./traffic/cast.ts";
import { registrationInput } from "./traffic/registryTraffic.ts";

const TEE_OPERATOR = keccak256(stringToHex("TEE_OPERATOR"));
const SETTLEMENT_RELAY_ROLE = keccak256(stringToHex("SETTLEMENT_RELAY_ROLE"));
const MAX_AGE = 1800;

let test: TestChain;
let chain: DevChain;
let contracts: OgContracts;
let cast: Cast;
let keyDirectory: string;
let snapshot: unknown;
let start: number;

/** Nodes of the same image: 1, 3, 5 are not the wallet contract's. */
const node = (index: number): NodeIdentity => at(cast.nodes, index);
const events = () => test.events({ registry: contracts.registry });
const read = (name: string, args: readonly unknown[], block?: number) =>
  test.read(contracts.registry, name, args, block);
const admin = (name: string, args: readonly unknown[], reverts = false) =>
  chain.call(cast.admin, contracts.registry, name, args, reverts);
const owner = (identity: NodeIdentity, name: string, reverts = false) =>
  chain.call(identity.owner, contracts.registry, name, [identity.teeId], reverts);
const register = (identity: NodeIdentity, reverts = false) =>
  chain.send({
    from: identity.owner,
    to: contracts.registry.address,
    data: registrationInput(identity),
    reverts,
  });
const heartbeat = (identity: NodeIdentity, signedAt: number, reverts = false, signature?: Hex) =>
  chain.call(
    cast.passerBy,
    contracts.registry,
    "heartbeat",
    [
      identity.teeId,
      BigInt(signedAt),
      signature ?? signPss(identity.key, heartbeatMessage(identity.teeId, signedAt)),
    ],
    reverts,
  );
const lastHeartbeatAt = async (identity: NodeIdentity) => {
  // getTEE's answer by the ABI.
  const record = (await read("getTEE", [identity.teeId])) as { lastHeartbeatAt: bigint };
  return Number(record.lastHeartbeatAt);
};

beforeAll(async () => {
  keyDirectory = mkdtempSync(join(tmpdir(), "devnet-keys-"));
  cast = drawCast(new SeededRandom("registry test"), keyDirectory, FIRST_TIMESTAMP);
  test = await startTestChain(10740);
  chain = test.chain;
  contracts = await placeOgContracts(chain, test.compiled, cast.admin);
  await chain.mine(FIRST_TIMESTAMP + 1);
  await upgradeRelay(chain, contracts, cast.admin);
  await admin("addTEEType", [0, "LLMProxy"]);
  for (const operator of cast.operators) await admin("grantRole", [TEE_OPERATOR, operator]);
  await chain.call(cast.admin, contracts.relay, "grantRole", [SETTLEMENT_RELAY_ROLE, cast.individualRelayer]);
  await admin("approvePCR", [node(1).image.measurements, "v1", 0]);
  await chain.mine(FIRST_TIMESTAMP + 2);
  for (const index of [1, 3, 5]) await register(node(index));
  await chain.mine(FIRST_TIMESTAMP + 10);
});

afterAll(async () => {
  await test.stop();
  rmSync(keyDirectory, { recursive: true, force: true });
});

beforeEach(async () => {
  // Each test begins where the three nodes have just been registered.
  if (snapshot !== undefined) await chain.anvil.call("evm_revert", [snapshot]);
  snapshot = await chain.anvil.call("evm_snapshot", []);
  await chain.rewind();
  start = chain.timestamp;
});

describe("heartbeats", () => {
  it("are accepted up to heartbeatMaxAge before the block, not a second more", async () => {
    await heartbeat(node(1), start + 100);
    await chain.mine(start + 100 + MAX_AGE);
    expect(await events()).toEqual(["registry.HeartbeatReceived"]);
    await heartbeat(node(1), start + 101, true);
    await chain.mine(start + 101 + MAX_AGE + 1);
    expect(await events()).toEqual([]);
  });

  it("are accepted when signed in the block's own second, never after it", async () => {
    await heartbeat(node(1), start + 50);
    await chain.mine(start + 50);
    await heartbeat(node(1), start + 61, true);
    await chain.mine(start + 60);
    expect(await lastHeartbeatAt(node(1))).toBe(start + 50);
  });

  it("count again when replayed, and out of order, moving lastHeartbeatAt to the block's time", async () => {
    await heartbeat(node(1), start + 20);
    await chain.mine(start + 30);
    await heartbeat(node(1), start + 40);
    await chain.mine(start + 50);
    await heartbeat(node(1), start + 20);
    await chain.mine(start + 900);
    expect(await events()).toEqual(["registry.HeartbeatReceived"]);
    expect(await lastHeartbeatAt(node(1))).toBe(start + 900);
  });

  it("revert for a disabled node, an unknown one, and under another key's signature", async () => {
    await heartbeat(
      node(3),
      start + 5,
      true,
      signPss(node(1).key, heartbeatMessage(node(3).teeId, start + 5)),
    );
    await heartbeat(node(7), start + 5, true);
    await owner(node(1), "disableTEE");
    await heartbeat(node(1), start + 5, true);
    await chain.mine(start + 10);
    expect(await events()).toEqual(["registry.TEEDisabled"]);
  });

  it("keep a node active exactly heartbeatMaxAge long, registration being the first", async () => {
    await chain.mine(start + MAX_AGE);
    expect(await read("isTEEActive", [node(1).teeId])).toBe(true);
    await chain.mine(start + MAX_AGE + 1);
    expect(await read("isTEEActive", [node(1).teeId])).toBe(false);
    expect(await read("getActiveTEEs", [0])).toEqual([]);
    // The state and the time of the old block both count.
    expect(await read("isTEEActive", [node(1).teeId], chain.blockNumber - 1)).toBe(true);
  });

  it("follow a changed heartbeatMaxAge, which no event announces", async () => {
    await admin("setHeartbeatMaxAge", [60n]);
    await chain.mine(start + 61);
    expect(await events()).toEqual([]);
    expect(await read("heartbeatMaxAge", [])).toBe(60n);
    expect(await read("isTEEActive", [node(1).teeId])).toBe(false);
  });
});

describe("PCRs", () => {
  it("disable their enabled nodes before the revocation's own log, in one transaction", async () => {
    await owner(node(3), "disableTEE");
    await chain.mine(start + 5);
    await admin("revokePCR", [node(1).image.pcrHash, 0]);
    await chain.mine(start + 10);
    expect(await events()).toEqual(["registry.TEEDisabled", "registry.TEEDisabled", "registry.PCRRevoked"]);
    expect(await read("getEnabledTEEs", [0])).toEqual([]);
    expect(await read("getApprovedPCRs", [])).toEqual([]);
  });

  it("forbid enabling and registering while revoked, and re-enable nothing when approved again", async () => {
    await admin("revokePCR", [node(1).image.pcrHash, 0]);
    await owner(node(1), "enableTEE", true);
    await register(node(7), true);
    await admin("approvePCR", [node(1).image.measurements, "v2", 0]);
    await chain.mine(start + 10);
    expect(await read("isTEEEnabled", [node(1).teeId])).toBe(false);
    await owner(node(1), "enableTEE");
    await chain.mine(start + 20);
    expect(await events()).toEqual(["registry.TEEEnabled"]);
  });

  it("are approved again with a new version while approved", async () => {
    await admin("approvePCR", [node(1).image.measurements, "v2", 0]);
    await chain.mine(start + 10);
    expect(await events()).toEqual(["registry.PCRApproved"]);
    expect(await read("pcrRecords", [0, node(1).image.pcrHash])).toEqual([true, BigInt(start + 10), "v2"]);
    expect(await read("getApprovedPCRs", [])).toHaveLength(1);
  });
});

describe("enabling", () => {
  it("does nothing, silently, for an enabled node", async () => {
    await owner(node(1), "enableTEE");
    await chain.mine(start + 5);
    expect(await events()).toEqual([]);
    expect(await read("getEnabledTEEs", [0])).toHaveLength(3);
  });

  it("is no heartbeat", async () => {
    await owner(node(1), "disableTEE");
    await owner(node(1), "enableTEE");
    await chain.mine(start + 100);
    expect(await events()).toEqual(["registry.TEEDisabled", "registry.TEEEnabled"]);
    expect(await lastHeartbeatAt(node(1))).toBe(start);
  });

  it("moves the last node into a disabled one's place, and an enabled one to the end", async () => {
    await owner(node(1), "disableTEE");
    await chain.mine(start + 1);
    expect(await read("getEnabledTEEs", [0])).toEqual([node(5).teeId, node(3).teeId]);
    await owner(node(1), "enableTEE");
    await chain.mine(start + 2);
    expect(await read("getEnabledTEEs", [0])).toEqual([node(5).teeId, node(3).teeId, node(1).teeId]);
    expect(await read("getTEEsByType", [0])).toEqual([node(1).teeId, node(3).teeId, node(5).teeId]);
  });

  it("is the owner's and the admins' business", async () => {
    await chain.call(cast.passerBy, contracts.registry, "disableTEE", [node(1).teeId], true);
    await admin("disableTEE", [node(1).teeId]);
    await chain.mine(start + 1);
    expect(await events()).toEqual(["registry.TEEDisabled"]);
  });
});

describe("registration", () => {
  it("takes a key once", async () => {
    await register(node(1), true);
    await chain.mine(start + 1);
    const input = registrationInput(node(1));
    expect(await revertName(chain, contracts.registry, node(1).owner, input)).toBe("TEEAlreadyExists");
  });

  it("takes operators only, enables without an event, and keeps the record", async () => {
    await chain.send({
      from: cast.passerBy,
      to: contracts.registry.address,
      data: registrationInput(node(7)),
      reverts: true,
    });
    await register(node(7));
    await chain.mine(start + 7);
    expect(await events()).toEqual(["registry.TEERegistered"]);
    expect(await read("getTEE", [node(7).teeId])).toMatchObject({
      pcrHash: node(7).image.pcrHash,
      publicKey: node(7).key.publicKeyDer,
      tlsCertificate: node(7).tlsCertificate,
      enabled: true,
      registeredAt: BigInt(start + 7),
      lastHeartbeatAt: BigInt(start + 7),
      ohttpConfig: { publicKey: "0x", registeredAt: 0n },
    });
  });
});

describe("signatures", () => {
  const inputHash: Hex = `0x${"11".repeat(32)}`;
  const outputHash: Hex = `0x${"22".repeat(32)}`;
  const verify = (signature: Hex, timestamp = start) =>
    test.read(contracts.verifier, "verifySignatureNoTimestamp", [
      node(1).teeId,
      inputHash,
      outputHash,
      BigInt(timestamp),
      signature,
    ]);
  const openssl = (padding: number, saltLength: number): Hex => {
    const message = hexToBytes(inferenceMessage(inputHash, outputHash, start));
    const key = node(1).key.privateKey;
    return `0x${sign("sha256", message, { key, padding, saltLength }).toString("hex")}`;
  };

  it("verify on chain as OpenSSL makes them, whatever the salt", async () => {
    for (let i = 0; i < 5; i++) expect(await verify(openssl(constants.RSA_PKCS1_PSS_PADDING, 32))).toBe(true);
  });

  it("do not verify with another salt length, another padding, a flipped bit, or over another time", async () => {
    const valid = openssl(constants.RSA_PKCS1_PSS_PADDING, 32);
    expect(await verify(openssl(constants.RSA_PKCS1_PSS_PADDING, 20))).toBe(false);
    expect(await verify(openssl(constants.RSA_PKCS1_PADDING, 0))).toBe(false);
    for (const byte of [1, 100, 255]) {
      const bytes = hexToBytes(valid);
      bytes[byte] = (bytes[byte] ?? 0) ^ 1;
      expect(await verify(`0x${Buffer.from(bytes).toString("hex")}`)).toBe(false);
    }
    expect(await verify(valid, start + 1)).toBe(false);
    expect(await verify("0x")).toBe(false);
    expect(await verify(`0x${"ff".repeat(256)}`)).toBe(false);
  });

  it("settle individually when fresh and of an enabled node, by relayers only, as often as wanted", async () => {
    const settle = (signedAt: number, reverts: boolean, from = cast.individualRelayer) =>
      chain.call(
        from,
        contracts.relay,
        "settleIndividual",
        [
          node(1).teeId,
          inputHash,
          outputHash,
          BigInt(signedAt),
          cast.passerBy,
          "0x",
          signPss(node(1).key, inferenceMessage(inputHash, outputHash, signedAt)),
        ],
        reverts,
      );
    const now = start + 10_000;
    await settle(now - 3600, false);
    await settle(now - 3600, false);
    await settle(now - 3601, true);
    await settle(now + 300, false);
    await settle(now + 301, true);
    await settle(now, true, cast.passerBy);
    await owner(node(1), "disableTEE");
    await settle(now, true);
    await chain.mine(now);
    expect(await test.events({ relay: contracts.relay })).toEqual(
      Array(3).fill("relay.IndividualSettlement"),
    );
  });
});

it("tells when a transaction's fate is not the foreseen one", async () => {
  await chain.send({
    from: cast.passerBy,
    to: contracts.registry.address,
    data: encodeCall(contracts.registry, "enableTEE", [node(1).teeId]),
  });
  await expect(chain.mine(start + 1)).rejects.toThrow(UnexpectedOutcomeError);
});
