import { expect, test } from "vitest";
import type { PositionedEvent, StreamEvent } from "./events.ts";
import { type Consumer, EventHub } from "./hub.ts";
import { EMPTY_POSITION, offsetAfter, type StreamPosition } from "./streamPosition.ts";

const blockOf = (number: number, fork = "a") => ({ number, hash: `0x${fork.repeat(64)}` });
const at = (number: number, fork = "a"): StreamPosition => ({
  ...EMPTY_POSITION,
  og: offsetAfter(number === 0 ? null : blockOf(number, fork)),
});

function block(number: number, fork = "a"): PositionedEvent {
  const { hash } = blockOf(number, fork);
  const position = at(number, fork);
  return {
    event: {
      type: "block",
      data: { chain: "og", chainId: 1, number, hash, timestamp: number },
      offset: { source: "og", at: offsetAfter(blockOf(number, fork)) },
    },
    position,
  };
}

function reset(number: number): PositionedEvent {
  return {
    event: {
      type: "reset",
      data: {
        chain: "og",
        chainId: 1,
        reason: "reorg",
        validThrough: null,
        continuesAfter: null,
        detail: "",
      },
      offset: { source: "og", at: offsetAfter(blockOf(number)) },
    },
    position: at(number),
  };
}

/** The same block, without an event of ours. */
const headOf = (event: StreamEvent): StreamEvent =>
  event.type === "block" ? { ...event, data: { ...event.data, hash: null } } : event;

function node(snapshot: string): PositionedEvent {
  // biome-ignore lint/suspicious/noExplicitAny: the hub does not look into nodes
  const data: any = {};
  return {
    event: { type: "node", data, offset: { source: "nodes", at: snapshot } },
    position: { ...EMPTY_POSITION, nodes: snapshot },
  };
}

/** A block's JSON and what an entry counts besides: no more than this. */
const ENTRY_BYTES = 700;

function hubOf({ kept = 100, subscribers = 10, subscribersPerClient = 10 } = {}) {
  const hub = new EventHub({ bufferBytes: kept * ENTRY_BYTES, subscribers, subscribersPerClient });
  hub.start(at(0), { og: [], base: [] });
  return hub;
}

function reader(cursor: number | null): Consumer & { readonly said: string[] } {
  const said: string[] = [];
  return { cursor, said, disconnect: () => said.push("cut"), end: () => said.push("end") };
}

test("events are numbered, buffered in order, and read after any buffered number", () => {
  const hub = hubOf();
  hub.publish([block(1), block(2), block(3)]);
  expect(hub.eventsAfter(0, 100).map(({ number, id }) => [number, id])).toEqual([
    [1, "og1.aaaaaaaaaaaaaaaa"],
    [2, "og2.aaaaaaaaaaaaaaaa"],
    [3, "og3.aaaaaaaaaaaaaaaa"],
  ]);
  expect(hub.eventsAfter(2, 100)).toHaveLength(1);
  expect(hub.eventsAfter(3, 100)).toEqual([]);
});

test("the buffer is bounded; only a consumer that falls behind it is disconnected, once", () => {
  const hub = hubOf({ kept: 10 });
  const [slow, quick, elsewhere] = [reader(0), { ...reader(30) }, reader(null)];
  for (const each of [slow, quick, elsewhere]) hub.attach(each);
  for (let number = 1; number <= 30; number++) hub.publish([block(number)]);
  expect(hub.usage.bufferedBytes).toBeLessThanOrEqual(10 * ENTRY_BYTES);
  expect(hub.hasAllAfter(29)).toBe(true);
  expect(hub.hasAllAfter(5)).toBe(false);
  expect([slow.said, quick.said, elsewhere.said]).toEqual([["cut"], [], []]);
  expect(hub.usage).toMatchObject({ subscribers: 2, disconnects: 1 });
});

test("a position can be joined as long as every event after it is buffered", () => {
  const hub = hubOf({ kept: 10 });
  for (let number = 1; number <= 30; number++) hub.publish([block(number)]);
  const oldest = hub.lastNumber - hub.eventsAfter(hub.lastNumber - 5, 100).length;
  expect(hub.findJoinNumber("og", at(30))).toBe(30);
  expect(hub.findJoinNumber("og", at(oldest))).toBe(oldest);
  expect(hub.findJoinNumber("og", at(5))).toBeNull();
  expect(hub.findJoinNumber("og", at(0))).toBeNull();
  // of another fork, ahead, or of a chain that is not told of here
  expect(hub.findJoinNumber("og", at(29, "b"))).toBeNull();
  expect(hub.findJoinNumber("og", at(31))).toBeNull();
  expect(hub.findJoinNumber("base", { ...EMPTY_POSITION, base: offsetAfter(blockOf(1)) })).toBeNull();
});

test("a topic without events since a position can be joined there, whatever other topics published", () => {
  const hub = hubOf({ kept: 10 });
  for (let number = 1; number <= 30; number++) hub.publish([block(number)]);
  expect(hub.findJoinNumber("base", EMPTY_POSITION)).toBe(30);
  hub.publish([{ event: headOf(block(31).event), position: at(30) }]);
  for (let number = 0; number < 30; number++) hub.publish([node("snapshot")]);
  expect(hub.findJoinNumber("og", at(30))).toBe(61);
  expect(hub.findJoinNumber("nodes", EMPTY_POSITION)).toBeNull();
});

test("a snapshot counts as delivered with its last node; a subscriber that disconnects earlier receives all nodes again", () => {
  const hub = hubOf();
  const of = (nodes: string): StreamPosition => ({ ...EMPTY_POSITION, nodes });
  hub.advance("nodes", of("first"));
  hub.publish([node("first"), node("first"), node("second")]);
  hub.advance("nodes", of("second"));
  expect(hub.findJoinNumber("nodes", of("first"))).toBe(0);
  expect(hub.findJoinNumber("nodes", of("second"))).toBe(3);
});

test("a position from before a reorg cannot be joined, because its rows may be void", () => {
  const hub = hubOf();
  hub.publish([block(1), block(2), block(3), reset(1), block(2, "b")]);
  expect(hub.findJoinNumber("og", at(3))).toBeNull();
  expect(hub.findJoinNumber("og", at(2))).toBeNull();
  // where it went on everyone was once more
  expect(hub.findJoinNumber("og", at(1))).toBe(4);
  expect(hub.ancestorsOf("og", offsetAfter(blockOf(3))).map(({ block: told }) => told)).toEqual([2, 1]);
  expect(hub.ancestorsOf("og", offsetAfter(blockOf(2, "b"))).at(0)).toEqual(offsetAfter(blockOf(1)));
});

test("the newest joinable position is one after which every event is buffered", () => {
  const hub = hubOf({ kept: 10 });
  for (let number = 1; number <= 30; number++) hub.publish([block(number)]);
  const upTo = (most: number) =>
    hub.newestJoinablePosition("og", ({ og }) => og !== null && og.block <= most)?.og?.block;
  expect(upTo(40)).toBe(30);
  expect(upTo(28)).toBe(28);
  expect(upTo(5)).toBeUndefined();
});

test("the number of subscribers is bounded; the end ends all of them, and those that come later", () => {
  const hub = hubOf({ subscribers: 2 });
  const [one, two, three] = [reader(0), reader(0), reader(0)];
  hub.attach(one);
  hub.attach(two);
  expect(() => hub.attach(three)).toThrow(expect.objectContaining({ code: "busy" }));
  hub.detach(two);
  hub.end();
  hub.attach(three);
  expect([one.said, two.said, three.said]).toEqual([["end"], [], ["end"]]);
});

test("a counted client has a bound of its own; others have only the common one", () => {
  const hub = hubOf({ subscribersPerClient: 2 });
  const of = (client?: string): Consumer => ({ ...reader(0), client });
  const last = of("a");
  for (const each of [of("a"), last, of("b"), of(), of(), of()]) hub.attach(each);
  expect(() => hub.attach(of("a"))).toThrow(expect.objectContaining({ code: "rate-limited" }));
  hub.detach(last);
  hub.attach(of("a"));
});

test("waiting ends with an event, a timeout or a signal", async () => {
  const hub = hubOf();
  const over = new AbortController();
  const woken = hub.waitForEvents(60_000, over.signal);
  hub.publish([block(1)]);
  await woken;
  await hub.waitForEvents(5, over.signal);
  const aborted = hub.waitForEvents(60_000, over.signal);
  over.abort();
  await aborted;
  await hub.waitForEvents(60_000, over.signal);
});
