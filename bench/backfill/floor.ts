/** The minimum work of any indexer: fetch all logs and their blocks, decode every log, store nothing. */
import { type Abi, decodeEventLog, type Hex } from "viem";
import { InferenceSettlementRelayAbi } from "../../abis/InferenceSettlementRelay.ts";
import { TEERegistryAbi } from "../../abis/TEERegistry.ts";
import { REGISTRY, RELAY } from "./mockChain.ts";

const RANGE = 500;
const CONCURRENCY = 16;
const abi: Abi = [...TEERegistryAbi, ...InferenceSettlementRelayAbi];

async function rpc<T>(
  url: string,
  calls: readonly { method: string; params: readonly unknown[] }[],
): Promise<T[]> {
  const body = JSON.stringify(calls.map((call, id) => ({ jsonrpc: "2.0", id, ...call })));
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  const answers = (await response.json()) as { result: T }[]; // the mock chain's answers
  return answers.map(({ result }) => result);
}

/** Returns how many logs were decoded and how long it took, seconds. */
export async function measureFloor(url: string): Promise<{ logs: number; seconds: number }> {
  const began = performance.now();
  const [headHex] = await rpc<Hex>(url, [{ method: "eth_blockNumber", params: [] }]);
  const head = Number(headHex);
  let next = 0;
  let logs = 0;
  const worker = async () => {
    while (next <= head) {
      const from = next;
      next += RANGE;
      const to = Math.min(from + RANGE - 1, head);
      const [found = []] = await rpc<{ data: Hex; topics: [Hex, ...Hex[]]; blockNumber: Hex }[]>(url, [
        {
          method: "eth_getLogs",
          params: [
            {
              fromBlock: `0x${from.toString(16)}`,
              toBlock: `0x${to.toString(16)}`,
              address: [REGISTRY, RELAY],
            },
          ],
        },
      ]);
      const blocks = [...new Set(found.map(({ blockNumber }) => blockNumber))];
      for (let start = 0; start < blocks.length; start += 50)
        await rpc(
          url,
          blocks
            .slice(start, start + 50)
            .map((block) => ({ method: "eth_getBlockByNumber", params: [block, true] })),
        );
      for (const { data, topics } of found) decodeEventLog({ abi, data, topics });
      logs += found.length;
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return { logs, seconds: (performance.now() - began) / 1000 };
}
