/** A loopback endpoint through which testers control nodes and the registry while the devnet is live. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Hex } from "viem";
import { closeServer, listen } from "./listen.ts";
import { replayNewest } from "./traffic/heartbeats.ts";
import type { NodeState, OgWorld } from "./traffic/ogWorld.ts";
import { disableNode, enableNode, setMaxAge } from "./traffic/registryTraffic.ts";

/** A node as the control endpoint shows it. */
export interface NodeSummary {
  readonly index: number;
  readonly teeId: Hex;
  readonly teeType: number;
  readonly owner: Hex;
  readonly registered: boolean;
  readonly enabled: boolean;
  /** Neither in an outage nor stopped: it heartbeats. */
  readonly running: boolean;
}

/** Thrown for a node or an action that does not exist. */
export class UnknownControlError extends Error {
  readonly code = "unknown-control";
}

export interface NodeControl {
  list(): NodeSummary[];
  /** Stops heartbeats and inferences. An outage of its own continues in the background. */
  stop(index: number): NodeSummary;
  /** Resumes heartbeats in the next round, ending any outage. */
  start(index: number): NodeSummary;
  /** As its owner, with a transaction in the next block. */
  disable(index: number): NodeSummary;
  enable(index: number): NodeSummary;
  /** Someone else sends its last signature again, in the next block: the registry accepts it until it is too old. */
  replay(index: number): NodeSummary;
}

export interface RegistryControl {
  /** As an admin, with a transaction in the next block; it emits no event. */
  setHeartbeatMaxAge(seconds: number): void;
}

export const registryControl = (world: OgWorld): RegistryControl => ({
  setHeartbeatMaxAge: (seconds) => world.timeline.plan(0, () => setMaxAge(world, seconds)),
});

export function nodeControl(world: OgWorld): NodeControl {
  const find = (index: number) => {
    const node = world.nodes[index];
    if (!node) throw new UnknownControlError(`node ${index}: there are nodes 0 to ${world.nodes.length - 1}`);
    return node;
  };
  const change = (act: (node: NodeState) => void) => (index: number) => {
    const node = find(index);
    act(node);
    return summary(node);
  };
  // a time in the past makes it run in the next block
  const inNextBlock = (act: () => Promise<void>) => world.timeline.plan(0, act);
  return {
    list: () => world.nodes.map(summary),
    stop: change((node) => {
      node.stopped = true;
    }),
    start: change((node) => {
      node.stopped = false;
      node.dark = false;
    }),
    disable: change((node) => {
      inNextBlock(async () => {
        if (node.registered) await disableNode(world, node, node.identity.owner);
      });
    }),
    enable: change((node) => {
      inNextBlock(async () => {
        if (node.registered) await enableNode(world, node);
      });
    }),
    replay: change((node) => {
      if (node.newestHeartbeat === null)
        throw new UnknownControlError(`node ${node.identity.index}: it has signed nothing yet`);
      replayNewest(world, node, node.newestHeartbeat);
    }),
  };
}

const summary = ({ identity, registered, enabled, dark, stopped }: NodeState): NodeSummary => ({
  index: identity.index,
  teeId: identity.teeId,
  teeType: identity.teeType,
  owner: identity.owner,
  registered,
  enabled,
  running: registered && !dark && !stopped,
});

export interface ControlServer {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Serves `GET /nodes`, `POST /nodes/:index/{stop,start,disable,enable,replay}` and `POST /heartbeat-max-age/:seconds`.
 * @param port - 0 takes a free one.
 */
export async function serveControl(
  nodes: NodeControl,
  registry: RegistryControl,
  port: number,
): Promise<ControlServer> {
  const server = createServer((incoming, response) => respond(nodes, registry, incoming, response));
  const url = await listen(server, port);
  return { url, stop: () => closeServer(server) };
}

function respond(
  nodes: NodeControl,
  registry: RegistryControl,
  incoming: IncomingMessage,
  response: ServerResponse,
): void {
  const answer = (status: number, body: unknown) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(`${JSON.stringify(body)}\n`);
  };
  const path = (incoming.url ?? "/").split("?")[0] ?? "/";
  const [, index, act] = /^\/nodes\/(\d{1,4})\/(stop|start|disable|enable|replay)$/.exec(path) ?? [];
  const [, seconds] = /^\/heartbeat-max-age\/(\d{1,9})$/.exec(path) ?? [];
  if (incoming.method === "GET" && path === "/nodes") answer(200, { nodes: nodes.list() });
  else if (incoming.method === "POST" && seconds !== undefined) {
    registry.setHeartbeatMaxAge(Number(seconds));
    answer(200, { heartbeatMaxAge: Number(seconds) });
  } else if (incoming.method !== "POST" || index === undefined || !isAct(act))
    answer(404, {
      error:
        "there is GET /nodes, POST /nodes/:index/stop, start, disable, enable and replay, and POST /heartbeat-max-age/:seconds",
    });
  else
    try {
      answer(200, nodes[act](Number(index)));
    } catch (error) {
      if (!(error instanceof UnknownControlError)) throw error;
      answer(404, { error: error.message });
    }
}

const ACTS = ["stop", "start", "disable", "enable", "replay"] as const;
const isAct = (act: string | undefined): act is (typeof ACTS)[number] => ACTS.some((known) => known === act);
