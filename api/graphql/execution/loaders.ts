/** Look-ups by key, joined: however many objects of an answer ask for a node, it is read once. One set per view. */
import DataLoader from "dataloader";
import { type NodeMetrics, type NodeWindow, readNodeMetrics } from "../../queries/metrics/nodeMetrics.ts";
import { findNodes, type Node, type NodeDetail, type NodeKey } from "../../queries/nodes/nodes.ts";
import { type OperatorDemand, readDemands } from "../../queries/operators/operatorRevenue.ts";
import { findOperators, type Operator, type OperatorScope } from "../../queries/operators/operators.ts";
import { operatorScope } from "../../queries/state/service.ts";
import { scoresOf } from "../../snapshot/leaderboard.ts";
import type { PublishedScore } from "../../snapshot/registryScores.ts";
import type { View } from "./view.ts";

/** As many keys as a page has items. */
const MAX_KEYS = 100;

export interface MetricsKey extends NodeKey {
  readonly window: NodeWindow;
}

export interface OperatorKey {
  readonly address: string;
  /** Null means every registry. */
  readonly registries: readonly string[] | null;
}

const nodeName = ({ registry, teeId }: NodeKey): string => `${registry} ${teeId}`;
const scopeName = ({ registries }: OperatorKey): string => registries?.join(" ") ?? "all";

export class Loaders {
  /** Without keys, certificates and metrics. */
  readonly node: DataLoader<NodeKey, Node | null, string>;
  readonly nodeWithKeys: DataLoader<NodeKey, Node | null, string>;
  /** All there is of it, of whatever length: for what is asked about as one object. */
  readonly wholeNode: DataLoader<NodeKey, Node | null, string>;
  readonly score: DataLoader<NodeKey, PublishedScore | null, string>;
  readonly metrics: DataLoader<MetricsKey, NodeMetrics | null, string>;
  readonly operator: DataLoader<OperatorKey, Operator | null, string>;
  readonly operatorDemand: DataLoader<OperatorKey, OperatorDemand | null, string>;

  constructor(view: View) {
    const nodes = (keys: NodeDetail["keys"], extent: NodeDetail["extent"]) =>
      new DataLoader((asked: readonly NodeKey[]) => readNodes(view, asked, { keys, extent }), {
        cacheKeyFn: nodeName,
        maxBatchSize: MAX_KEYS,
      });
    this.node = nodes("without-keys", "bounded");
    this.nodeWithKeys = nodes("with-keys", "bounded");
    this.wholeNode = nodes("with-keys", "whole");
    this.score = new DataLoader(
      async (asked) =>
        scoresOf(
          {
            snapshots: view.state.service.snapshots,
            transaction: view.state.transaction,
            moment: await view.og(),
          },
          asked,
        ),
      { cacheKeyFn: nodeName },
    );
    this.metrics = new DataLoader((asked) => readMetrics(view, asked), {
      cacheKeyFn: ({ window, ...key }) => `${nodeName(key)} ${window}`,
    });
    const cacheKeyFn = (key: OperatorKey) => `${key.address} ${scopeName(key)}`;
    this.operator = new DataLoader(
      (asked) =>
        byScope(view, asked, async (scope, addresses) => {
          const operators = await findOperators(view.state.transaction, await view.og(), scope, addresses);
          return operators.map((operator) => [operator.address, operator]);
        }),
      { cacheKeyFn },
    );
    this.operatorDemand = new DataLoader(
      (asked) =>
        byScope(view, asked, async (scope, addresses) => {
          const [og, base] = [await view.og(), await view.optionalBase()];
          const demands = await readDemands(view.state.transaction, og, base, scope, addresses);
          return demands.map((demand, index) => [addresses[index] ?? "", demand]);
        }),
      { cacheKeyFn, maxBatchSize: MAX_KEYS },
    );
  }

  /** Takes a node that was read elsewhere, keys and score included: it is not read again. */
  know(node: Node, score: PublishedScore | null): void {
    this.node.prime(node, node);
    this.nodeWithKeys.prime(node, node);
    this.score.prime(node, score);
  }
}

async function readNodes(
  view: View,
  asked: readonly NodeKey[],
  shown: Pick<NodeDetail, "keys" | "extent">,
): Promise<readonly (Node | null)[]> {
  const { transaction, currentRegistry } = view.state;
  const detail = { ...shown, windows: [], settlementRegistry: currentRegistry, proofs: null };
  const nodes = await findNodes(transaction, await view.og(), asked, detail);
  const byName = new Map(nodes.map((node) => [nodeName(node), node]));
  return asked.map((key) => byName.get(nodeName(key)) ?? null);
}

async function readMetrics(
  view: View,
  asked: readonly MetricsKey[],
): Promise<readonly (NodeMetrics | null)[]> {
  const { transaction, currentRegistry, proofs, settings } = view.state;
  const { dailyOrganicCaps } = settings;
  const keys = [...new Map(asked.map((key) => [nodeName(key), key])).values()];
  const windows = [...new Set(asked.map(({ window }) => window))].sort();
  const base = await view.optionalBase();
  const sources = { proofs, base, dailyOrganicCaps, settlementRegistry: currentRegistry };
  const found = await readNodeMetrics(transaction, await view.og(), sources, keys, windows);
  const byName = new Map(keys.map((key, index) => [nodeName(key), found[index]]));
  return asked.map((key) => byName.get(nodeName(key))?.[key.window] ?? null);
}

/** Operators are asked about over one scope at a time. */
async function byScope<Value>(
  view: View,
  asked: readonly OperatorKey[],
  read: (
    scope: OperatorScope,
    addresses: readonly string[],
  ) => Promise<readonly (readonly [address: string, value: Value])[]>,
): Promise<readonly (Value | null)[]> {
  const scopes = new Map(asked.map((key) => [scopeName(key), key.registries]));
  const found = new Map<string, Value>();
  for (const [name, registries] of scopes) {
    const addresses = asked.filter((key) => scopeName(key) === name).map(({ address }) => address);
    for (const [address, value] of await read(operatorScope(view.state.settings, registries), addresses))
      found.set(`${address} ${name}`, value);
  }
  return asked.map((key) => found.get(`${key.address} ${scopeName(key)}`) ?? null);
}
