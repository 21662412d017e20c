/** On-chain inferences through the hub, past it, and by scheduled workflows; in all three proof modes. */
import type { Address } from "viem";
import { encodeCall, type PlacedContract } from "../chain.ts";
import type { SeededRandom } from "../random.ts";
import { type OgWorld, pacedWait } from "./ogWorld.ts";

const MEAN_SECONDS_BETWEEN_INFERENCES = 2400;
const CIDS = [
  "QmbUqS93oc4JTLMHwpVxsE39mhNxy6hpf6Py3r9oANr8aZ",
  "QmY1RjD3s4XPbSeKi5TqMwbxegumenZ49t2q7TrK7Xdga4",
  "QmXg7Ae3oJN4v2vsyw4xTjHXa5MzS1v8KJ5zHdY7oZ3s1T",
  "anthropic/claude-sonnet-4.5",
];

/** A model id, once in a while one that no database likes. */
const modelCid = (draw: SeededRandom) => (draw.chance(0.05) ? "Qm\u0000<img src=x>\u202e" : draw.pick(CIDS));

/** Plans inferences of all kinds and a workflow that runs every two hours. */
export function planOnchainInferences(world: OgWorld): void {
  const draw = world.random.fork("on-chain inferences");
  const { timeline, cast, contracts, chain } = world;
  const planNext = (after: number) =>
    timeline.plan(after + pacedWait(world, draw, after, MEAN_SECONDS_BETWEEN_INFERENCES), async (now) => {
      planNext(now);
      const user = lower(draw.pick(cast.users).address);
      const [name, args] = draw.pick([chatCall, completionCall, modelCall])(draw);
      const route = draw.unit();
      if (route < 0.8) await chain.call(user, contracts.hub, name, args);
      else if (route < 0.9) await chain.call(user, contracts.precompile, name, args);
      else await throughContract(world, user, contracts.hub, name, args);
    });
  const planWorkflow = (when: number) =>
    timeline.plan(when, async () => {
      planWorkflow(when + 7200);
      const [, args] = modelCall(draw);
      await chain.call(cast.passerBy, contracts.hub, "scheduledWorkflow", [
        ...args,
        contracts.multicaller.address,
      ]);
    });
  planNext(world.span.from);
  planWorkflow(world.span.from + 3600);
}

/** Two inferences in one transaction: the second's results follow the second's log. */
async function throughContract(
  { chain, contracts }: OgWorld,
  from: Address,
  hub: PlacedContract,
  name: string,
  args: readonly unknown[],
): Promise<void> {
  const call = { target: hub.address, data: encodeCall(hub, name, args) };
  await chain.call(from, contracts.multicaller, "aggregate", [[call, call]]);
}

type HubCall = readonly [name: string, args: readonly unknown[]];

function chatCall(draw: SeededRandom): HubCall {
  const message = (role: string, content: string, toolCalls: readonly unknown[] = []) => ({
    role,
    content,
    name: "",
    tool_call_id: "",
    tool_calls: toolCalls,
  });
  const withTools = draw.chance(0.3);
  const toolCall = { id: "call_1", name: "price_of", arguments: '{"token":"OPG"}' };
  const request = {
    ...common(draw),
    messages: [message("system", "Answer briefly."), message("user", `Is ${draw.integer(2, 9999)} a prime?`)],
    tools: withTools ? [{ description: "A token's price", name: "price_of", parameters: "{}" }] : [],
    tool_choice: withTools ? "auto" : "",
  };
  const response = withTools
    ? { finish_reason: "tool_calls", message: message("assistant", "", [toolCall]) }
    : {
        finish_reason: "stop",
        message: message("assistant", draw.pick(["Yes.", "No.", "Yes, <b>it is</b>.\u0000"])),
      };
  return ["chat", [inferenceId(draw), request, response]];
}

function completionCall(draw: SeededRandom): HubCall {
  const request = { ...common(draw), prompt: `Complete: ${draw.integer(1, 999)} + 1 =` };
  return ["completion", [inferenceId(draw), request, { answer: ` ${draw.integer(2, 1000)}` }]];
}

function modelCall(draw: SeededRandom): HubCall {
  const numbers = [
    {
      name: "open_high_low_close",
      values: Array.from({ length: 4 }, () => ({
        value: BigInt(draw.integer(-100_000, 100_000)),
        decimals: 2n,
      })),
      shape: [2, 2],
    },
  ];
  const request = { mode: draw.integer(0, 2), modelCID: modelCid(draw), input: { numbers, strings: [] } };
  const response = {
    numbers: [
      { name: "volatility", values: [{ value: BigInt(draw.integer(0, 10_000)), decimals: 4n }], shape: [1] },
    ],
    strings: [{ name: "label", values: [draw.pick(["calm", "wild"])] }],
    jsons: [{ name: "meta", value: '{"model":"volatility"}' }],
    is_simulation_result: draw.chance(0.1),
  };
  return ["model", [inferenceId(draw), request, response]];
}

const inferenceId = (draw: SeededRandom) => draw.hex(32);

const common = (draw: SeededRandom) => ({
  mode: draw.integer(0, 2),
  modelCID: modelCid(draw),
  max_tokens: draw.pick([64, 256, 1024]),
  stop_sequence: draw.chance(0.2) ? ["\n"] : [],
  temperature: draw.pick([0, 70, 100]),
});

// viem's checksummed address is 0x and 40 hex digits; lower-casing keeps it one.
const lower = (address: Address) => address.toLowerCase() as Address;
