import { encodeAbiParameters, pad, parseAbiParameters, toHex, zeroHash } from "viem";
import { beforeEach, describe, expect, it, vi } from "vitest";
import * as schema from "../ponder.schema.ts";
import { memoryStore, type Row } from "../test/memoryStore.ts";
import { handlers } from "../test/ponderRegistry.ts";

vi.mock("ponder:registry", () => import("../test/ponderRegistry.ts"));
vi.mock("ponder:schema", () => import("../ponder.schema.ts"));
await import("./TEERegistry.ts");
await import("./Heartbeats.ts");
await import("./RegistryAccess.ts");
await import("./Pcr.ts");

const REGISTRY = pad("0x01", { size: 20 });
const OWNER = pad("0x02", { size: 20 });
const ADMIN = pad("0x03", { size: 20 });
const PCR = pad("0x0c");
const OTHER_PCR = pad("0x0d");
/** By node, what its record says of its code. */
const PCRS = new Map([
  [pad("0xa0"), PCR],
  [pad("0xa1"), PCR],
  [pad("0xb0"), OTHER_PCR],
]);
const [A, B, OTHER] = [...PCRS.keys()] as [`0x${string}`, `0x${string}`, `0x${string}`];

const APPROVED = "PCRApproved(bytes32 indexed pcrHash, uint8 indexed teeType, string version)";
const APPROVED_FOR_ALL = "PCRApproved(bytes32 indexed pcrHash, string version)";
const REVOKED = "PCRRevoked(bytes32 indexed pcrHash, uint8 indexed teeType)";
const REVOKED_FOR_ALL = "PCRRevoked(bytes32 indexed pcrHash)";
const REVOKED_LATER = "PCRRevoked(bytes32 indexed pcrHash, uint256 gracePeriod)";

const record = parseAbiParameters(
  "(address, address, string, bytes, bytes, bytes32, uint8, bool, uint256, uint256)",
);

let store: ReturnType<typeof memoryStore>;
let logIndex: number;
/** What `heartbeatMaxAge` was at a block, asked for at another. */
let maxAge: (block: number, askedAt: number) => bigint;

beforeEach(async () => {
  store = memoryStore();
  logIndex = 0;
  maxAge = () => 1800n;
  await emit(0, "RoleGranted", { role: zeroHash, account: ADMIN, sender: ADMIN }, { from: ADMIN });
});

/** One log a second at most; `at` is both the block's number and its time. */
async function emit(at: number, name: string, args: Row, { tx = at, from = OWNER as string } = {}) {
  const handler = handlers.get(`TEERegistry:${name}`);
  if (handler === undefined) throw new Error(`nobody handles ${name}`);
  await handler({
    event: {
      block: { number: BigInt(at), hash: pad(toHex(at)), timestamp: BigInt(at) },
      transaction: { hash: pad(toHex(1_000_000 + tx)), from, to: REGISTRY, input: "0x" },
      log: {
        address: REGISTRY,
        logIndex: logIndex++,
        data: encodeAbiParameters([{ type: "string" }], ["v1"]),
      },
      args,
    },
    context: {
      chain: { id: 10740, name: "og" },
      contracts: { TEERegistry: { address: REGISTRY } },
      db: store.db,
      client: {
        readContract: async ({ blockNumber = BigInt(at) }) => maxAge(Number(blockNumber), at),
        getBlock: async ({ blockNumber }: { blockNumber: bigint }) => ({ timestamp: blockNumber }),
        call: async ({ data }: { data: string }) => {
          const pcrHash = PCRS.get(`0x${data.slice(10)}`) ?? zeroHash;
          const values = [OWNER, OWNER, "", "0x", "0x", pcrHash, 0, true, 0n, 0n] as const;
          return { data: encodeAbiParameters(record, [values]) };
        },
      },
    },
  });
}

const register = (at: number, teeId: string, teeType = 0) =>
  emit(at, "TEERegistered", { teeId, owner: OWNER, teeType });
const beat = (at: number, teeId: string) => emit(at, "HeartbeatReceived", { teeId, timestamp: BigInt(at) });

/** The node's spells of activity, the newest without a cause. */
function spells(teeId: string) {
  const ended = store
    .rows(schema.activeInterval)
    .filter((row) => row.teeId === teeId)
    .map(({ fromAt, untilAt, endCause }) => [fromAt, untilAt, endCause]);
  const row = store.rows(schema.nodeLiveness).find((liveness) => liveness.teeId === teeId);
  return row?.activeFrom == null ? ended : [...ended, [row.activeFrom, row.activeUntil]];
}

const causes = () =>
  store
    .rows(schema.registryEvent)
    .filter(({ kind }) => kind === "enabled" || kind === "disabled")
    .map(({ teeId, kind, cause }) => [teeId, kind, cause]);

describe("a PCR's approval", () => {
  it("for all types is taken back for all, also where it was given for one", async () => {
    await emit(10, APPROVED, { pcrHash: PCR, teeType: 0 });
    await emit(11, APPROVED, { pcrHash: PCR, teeType: 1 });
    await register(20, A, 0);
    await register(20, B, 1);
    await register(20, OTHER, 0);
    await emit(100, REVOKED_FOR_ALL, { pcrHash: PCR });
    expect(spells(A)).toEqual([[20, 100, "pcr-revoked"]]);
    expect(spells(B)).toEqual([[20, 100, "pcr-revoked"]]);
    expect(spells(OTHER)).toEqual([[20, 1821]]);

    await emit(200, APPROVED, { pcrHash: PCR, teeType: 1 });
    expect(spells(A)).toEqual([[20, 100, "pcr-revoked"]]);
    expect(spells(B)).toEqual([
      [20, 100, "pcr-revoked"],
      [200, 1821],
    ]);
  });

  it("for all types can be taken back for one", async () => {
    await emit(10, APPROVED_FOR_ALL, { pcrHash: PCR });
    await register(20, A, 0);
    await register(20, B, 1);
    await emit(100, REVOKED, { pcrHash: PCR, teeType: 0 });
    expect(spells(A)).toEqual([[20, 100, "pcr-revoked"]]);
    expect(spells(B)).toEqual([[20, 1821]]);
  });

  it("ends after the grace period, for nodes that register within it too", async () => {
    await emit(10, APPROVED_FOR_ALL, { pcrHash: PCR });
    await register(20, A);
    await emit(100, REVOKED_LATER, { pcrHash: PCR, gracePeriod: 500n });
    await register(200, B);
    await beat(300, A);
    await beat(700, A);
    expect(spells(A)).toEqual([[20, 600]]);
    expect(spells(B)).toEqual([[200, 600]]);
  });

  it("goes on when it is given again within the grace period", async () => {
    await emit(10, APPROVED_FOR_ALL, { pcrHash: PCR });
    await register(20, A);
    await emit(100, REVOKED_LATER, { pcrHash: PCR, gracePeriod: 500n });
    await emit(599, APPROVED_FOR_ALL, { pcrHash: PCR });
    expect(spells(A)).toEqual([[20, 1821]]);
  });

  it("never ends within the age of the world when the grace period is beyond all numbers", async () => {
    await emit(10, APPROVED_FOR_ALL, { pcrHash: PCR });
    await register(20, A);
    await emit(100, REVOKED_LATER, { pcrHash: PCR, gracePeriod: 2n ** 256n - 1n });
    expect(spells(A)).toEqual([[20, 1821]]);
    expect(store.rows(schema.pcr)).toMatchObject([{ approved: false, revokedAt: Number.MAX_SAFE_INTEGER }]);
  });

  it("is what ended a spell when its grace period did, whatever comes next", async () => {
    await emit(10, APPROVED_FOR_ALL, { pcrHash: PCR });
    await register(20, A);
    await register(20, B);
    await emit(100, REVOKED_LATER, { pcrHash: PCR, gracePeriod: 500n });
    await beat(1900, A);
    await emit(2000, APPROVED_FOR_ALL, { pcrHash: PCR });
    await beat(2100, B);
    expect(spells(A)).toEqual([
      [20, 600, "pcr-revoked"],
      [2000, 3701],
    ]);
    expect(spells(B)).toEqual([
      [20, 600, "pcr-revoked"],
      [2100, 3901],
    ]);
  });
});

describe("a changed heartbeatMaxAge that the RPC could not tell in time", () => {
  it("takes back nothing that was decided meanwhile, and counts from there on", async () => {
    maxAge = (block, askedAt) => {
      if (askedAt === 100) throw new Error("missing trie node");
      return block < 50 ? 1800n : 900n;
    };
    await emit(10, APPROVED, { pcrHash: PCR, teeType: 0 });
    await register(20, A);
    await register(20, OTHER);
    await emit(100, REVOKED, { pcrHash: PCR, teeType: 0 });
    await emit(200, APPROVED, { pcrHash: PCR, teeType: 1 });
    expect(store.rows(schema.heartbeatMaxAge)).toMatchObject([{ value: 1800n }, { value: 900n, fromAt: 50 }]);
    expect(spells(A)).toEqual([[20, 100, "pcr-revoked"]]);
    expect(spells(OTHER)).toEqual([[20, 921]]);
  });
});

describe("the cause of a node's end", () => {
  beforeEach(async () => {
    await emit(10, APPROVED, { pcrHash: PCR, teeType: 0 });
    await register(20, A);
    await register(20, B);
    await register(20, OTHER);
  });

  it("is the revocation that follows in the same transaction, for the nodes that run the code", async () => {
    const admin = { tx: 100, from: ADMIN };
    await emit(100, "TEEDisabled", { teeId: OTHER }, admin);
    await emit(100, "TEEDisabled", { teeId: A }, admin);
    await emit(100, "TEEDisabled", { teeId: B }, admin);
    await emit(100, REVOKED, { pcrHash: PCR, teeType: 0 }, admin);
    expect(causes()).toEqual([
      [OTHER, "disabled", "admin"],
      [A, "disabled", "pcr-revocation"],
      [B, "disabled", "pcr-revocation"],
    ]);
    expect(spells(A)).toEqual([[20, 100, "pcr-revoked"]]);
    expect(spells(OTHER)).toEqual([[20, 100, "disabled"]]);
  });

  it("is its owner's or an admin's when the revocation comes in another transaction of the block", async () => {
    await emit(100, "TEEDisabled", { teeId: A }, { tx: 1, from: OWNER });
    await emit(100, "TEEDisabled", { teeId: OTHER }, { tx: 2, from: ADMIN });
    await emit(100, "TEEDisabled", { teeId: B }, { tx: 3, from: ADMIN });
    await emit(100, REVOKED, { pcrHash: PCR, teeType: 0 }, { tx: 3, from: ADMIN });
    expect(causes()).toEqual([
      [A, "disabled", "owner"],
      [OTHER, "disabled", "admin"],
      [B, "disabled", "pcr-revocation"],
    ]);
    expect(spells(A)).toEqual([[20, 100, "disabled"]]);
    expect(spells(B)).toEqual([[20, 100, "pcr-revoked"]]);
  });

  it("is the legacy revocation's for the nodes it deactivates", async () => {
    const admin = { tx: 100, from: ADMIN };
    await emit(100, "TEEDeactivated", { teeId: A }, admin);
    await emit(100, REVOKED_FOR_ALL, { pcrHash: PCR }, admin);
    expect(causes()).toEqual([[A, "disabled", "pcr-revocation"]]);
  });
});

describe("a type that no uint8 holds", () => {
  it.each([256, 2 ** 40])("is counted and passed over: %d", async (type) => {
    await emit(10, APPROVED, { pcrHash: PCR, teeType: type });
    await emit(11, "TEETypeAdded", { typeId: type, name: "" });
    await register(12, A, type);
    expect(store.rows(schema.pcr)).toEqual([]);
    expect(store.rows(schema.teeType)).toEqual([]);
    expect(store.rows(schema.node)).toEqual([]);
    expect(store.rows(schema.anomaly)).toMatchObject([{ kind: "number-out-of-range", count: 3 }]);
  });
});
