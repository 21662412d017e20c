import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import { createPublicClient, hexToString, http, parseAbi } from "viem";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { InferenceSettlementRelayAbi } from "../abis/InferenceSettlementRelay.ts";
import { TEERegistryAbi } from "../abis/TEERegistry.ts";
import { type Devnet, startDevnet } from "./devnet.ts";
import { ADDRESSES } from "./placement.ts";
import { freePort } from "./testChain.ts";

const END = 1_800_000_000;
const TIMEOUT_MS = 120_000;
const directory = mkdtempSync(join(tmpdir(), "devnet-test-"));

afterAll(() => rmSync(directory, { recursive: true, force: true }));

const start = async (options: { seed: number; live: boolean; endAt?: number }) =>
  startDevnet({
    ...options,
    days: options.live ? 0.01 : 0.15,
    dataDirectory: directory,
    ogPort: await freePort(),
    basePort: await freePort(),
    blobPort: 0,
    controlPort: 0,
    heartbeatIntervalSeconds: options.live ? 3 : 900,
    onFailure: (error) => {
      throw error;
    },
  });

async function using<T>(devnet: Devnet, act: (devnet: Devnet) => Promise<T>): Promise<T> {
  try {
    return await act(devnet);
  } finally {
    await devnet.stop();
  }
}

const clients = ({ ogUrl, baseUrl }: Devnet) => ({
  og: createPublicClient({ transport: http(ogUrl) }),
  base: createPublicClient({ transport: http(baseUrl) }),
});

/** Everything the two chains logged, and every blob's id. */
async function record(devnet: Devnet) {
  const { og, base } = clients(devnet);
  const logs = [
    ...(await og.getLogs({ fromBlock: 0n })),
    ...(await base.getLogs({ fromBlock: BigInt(devnet.baseBlock) - 10_000n })),
  ].map(({ address, topics, data, blockNumber, transactionHash, logIndex }) =>
    [address, ...topics, data, blockNumber, transactionHash, logIndex].join(" "),
  );
  return { logs, blobs: readdirSync(join(directory, "devnet", "blobs")).sort() };
}

const dumpSchema = z.object({
  leafEncoding: z.array(z.string()),
  values: z.array(z.object({ value: z.array(z.unknown()) })),
});

/** Undefined for what is no dump: some relayers post such. */
function parseDump(text: string): z.output<typeof dumpSchema> | undefined {
  try {
    return dumpSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

describe("a devnet", () => {
  it(
    "repeats itself to the byte with the same seed and end, and differs with another seed",
    async () => {
      const first = await using(await start({ seed: 1, live: false, endAt: END }), record);
      const second = await using(await start({ seed: 1, live: false, endAt: END }), record);
      const other = await using(await start({ seed: 2, live: false, endAt: END }), record);
      expect(first.logs.length).toBeGreaterThan(200);
      expect(second).toEqual(first);
      expect(other.logs).not.toEqual(first.logs);
    },
    TIMEOUT_MS,
  );

  it(
    "stores blobs whose leaves make the roots on chain, and answers calls at old blocks",
    async () => {
      await using(await start({ seed: 1, live: false, endAt: END }), async (devnet) => {
        const { og } = clients(devnet);
        const events = await og.getContractEvents({
          address: ADDRESSES.relay,
          abi: InferenceSettlementRelayAbi,
          eventName: "BatchSettlement",
          fromBlock: 0n,
        });
        let proven = 0;
        for (const { args } of events) {
          if (!("walrusBlobId" in args) || !args.walrusBlobId) continue;
          const answer = await fetch(`${devnet.blobUrl}/v1/blobs/${hexToString(args.walrusBlobId)}`);
          if (!answer.ok) continue;
          const dump = await answer.text().then(parseDump);
          if (!dump) continue;
          const tree = StandardMerkleTree.of(
            dump.values.map(({ value }) => value),
            dump.leafEncoding,
          );
          if (tree.root === args.merkleRoot) proven++;
        }
        expect(proven).toBeGreaterThan(3);

        const middle = BigInt(Math.floor(devnet.ogBlock / 2));
        const active = await og.readContract({
          address: ADDRESSES.registry,
          abi: TEERegistryAbi,
          functionName: "getActiveTEEs",
          args: [0],
          blockNumber: middle,
        });
        const { timestamp } = await og.getBlock({ blockNumber: middle });
        expect(active.length).toBeGreaterThan(0);
        for (const { lastHeartbeatAt, registeredAt } of active) {
          expect(lastHeartbeatAt <= timestamp).toBe(true);
          expect(registeredAt <= lastHeartbeatAt).toBe(true);
        }
      });
    },
    TIMEOUT_MS,
  );

  it(
    "goes on live, and a stopped node's heartbeats end while the others' go on",
    async () => {
      await using(await start({ seed: 3, live: true }), async (devnet) => {
        const { og } = clients(devnet);
        const post = async (index: number, act: string) => {
          const answer = await fetch(`${devnet.controlUrl}/nodes/${index}/${act}`, { method: "POST" });
          expect(answer.status).toBe(200);
        };
        const lastHeartbeatAt = async (index: number) => {
          const teeId = devnet.nodes.list()[index]?.teeId ?? "0x";
          const record = await og.readContract({
            address: ADDRESSES.registry,
            abi: parseAbi([
              "function getTEE(bytes32) view returns ((address owner, address paymentAddress, string endpoint, bytes publicKey, bytes tlsCertificate, bytes32 pcrHash, uint8 teeType, bool enabled, uint256 registeredAt, uint256 lastHeartbeatAt))",
            ]),
            functionName: "getTEE",
            args: [teeId],
          });
          return record.lastHeartbeatAt;
        };
        const blocks = async (count: bigint) => {
          const until = (await og.getBlockNumber()) + count;
          while ((await og.getBlockNumber({ cacheTime: 0 })) < until)
            await new Promise((resolve) => setTimeout(resolve, 200));
        };
        for (const index of [2, 3]) {
          await post(index, "start");
          await post(index, "enable");
        }
        await post(2, "stop");
        await blocks(2n);
        const [stopped, running] = [await lastHeartbeatAt(2), await lastHeartbeatAt(3)];
        await post(5, "disable");
        await blocks(3n);
        expect(await lastHeartbeatAt(2)).toBe(stopped);
        expect(await lastHeartbeatAt(3)).toBeGreaterThan(running);
        expect(devnet.nodes.list()[5]?.enabled).toBe(false);
        // A stopped node looks alive again by its own signature, sent once more; no event tells of a new heartbeatMaxAge.
        await post(2, "replay");
        expect((await fetch(`${devnet.controlUrl}/heartbeat-max-age/3601`, { method: "POST" })).status).toBe(
          200,
        );
        await blocks(2n);
        expect(await lastHeartbeatAt(2)).toBeGreaterThan(stopped);
        const maxAge = parseAbi(["function heartbeatMaxAge() view returns (uint256)"]);
        expect(
          await og.readContract({
            address: ADDRESSES.registry,
            abi: maxAge,
            functionName: "heartbeatMaxAge",
          }),
        ).toBe(3_601n);
        expect((await fetch(`${devnet.controlUrl}/nodes/99/stop`, { method: "POST" })).status).toBe(404);
      });
    },
    TIMEOUT_MS,
  );

  it(
    "says that a port or the data directory is taken",
    async () => {
      await using(await start({ seed: 1, live: false, endAt: END }), async (devnet) => {
        const ogPort = Number(new URL(devnet.ogUrl).port);
        const elsewhere = mkdtempSync(join(tmpdir(), "devnet-test-"));
        await expect(startDevnet({ ogPort, dataDirectory: elsewhere, live: false })).rejects.toMatchObject({
          code: "port",
        });
        await expect(start({ seed: 1, live: false })).rejects.toMatchObject({ code: "anvil" });
        rmSync(elsewhere, { recursive: true, force: true });
      });
    },
    TIMEOUT_MS,
  );
});
