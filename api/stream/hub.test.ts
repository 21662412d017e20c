import { expect, test } from "vitest";
import type { PlacedEvent, StreamEvent } from "./events.ts";
import { EventHub, type Reader } from "./hub.ts";
import { NOWHERE, placeAfter, type StreamPlace } from "./place.ts";

const blockOf = (number: number, fork = "a") => ({ number, hash: `0x${fork.repeat(64)}` });
const at = (number: number, fork = "a"): StreamPlace => ({
  ...NOWHERE,
  og: placeAfter(number === 0 ? null : blockOf(number, fork)),
});

function block(number: number, fork = "a"): PlacedEvent {
  const { hash } = blockOf(number, fork);
  const place = at(number, fork);
  return {
    event: {
      type: "block",
      data: { chain: "og", chainId: 1, number, hash, timestamp: number },
      place: { part: "og", at: placeAfter(blockOf(number, fork)) },
    },
    place,
  };
}

function reset(number: number): PlacedEvent {
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
      place: { part: "og", at: placeAfter(blockOf(number)) },
    },
    place: at(number),
  };
}

/** The same block, without an event of ours. */
const headOf = (event: StreamEvent): StreamEvent =>
  event.type === "block" ? { ...event, data: { ...event.data, hash: null } } : event;

function node(snapshot: string): PlacedEvent {
  // biome-ignore lint/suspicious/noExplicitAny: the hub does not look into nodes
  const data: any = {};
  return {
    event: { type: "node", data, place: { part: "nodes", at: snapshot } },
    place: { ...NOWHERE, nodes: snapshot },
  };
}

/** A block's JSON and what an entry counts besides: no more than this. */
const ENTRY_BYTES = 700;

function hubOf({ kept = 100, listeners = 10, listenersPerClient = 10 } = {}) {
  const hub = new EventHub({ keptBytes: kept * ENTRY_BYTES, listeners, listenersPerClient });
  hub.begin(at(0), { og: [], base: [] });
  return hub;
}

function reader(cursor: number | null): Reader & { readonly said: string[] } {
  const said: string[] = [];
  return { cursor, said, cut: () => said.push("cut"), end: () => said.push("end") };
}

test("events are numbered, kept in order, and given after any number that is kept", () => {
  const hub = hubOf();
  hub.publish([block(1), block(2), block(3)]);
  expect(hub.after(0, 100).map(({ number, id }) => [number, id])).toEqual([
    [1, "og1.aaaaaaaaaaaaaaaa"],
    [2, "og2.aaaaaaaaaaaaaaaa"],
    [3, "og3.aaaaaaaaaaaaaaaa"],
  ]);
  expect(hub.after(2, 100)).toHaveLength(1);
  expect(hub.after(3, 100)).toEqual([]);
});

test("no more is kept than may be; who is behind that is cut off, once, and others are not", () => {
  const hub = hubOf({ kept: 10 });
  const [slow, quick, elsewhere] = [reader(0), { ...reader(30) }, reader(null)];
  for (const each of [slow, quick, elsewhere]) hub.enter(each);
  for (let number = 1; number <= 30; number++) hub.publish([block(number)]);
  expect(hub.usage.keptBytes).toBeLessThanOrEqual(10 * ENTRY_BYTES);
  expect(hub.keeps(29)).toBe(true);
  expect(hub.keeps(5)).toBe(false);
  expect([slow.said, quick.said, elsewhere.said]).toEqual([["cut"], [], []]);
  expect(hub.usage).toMatchObject({ listeners: 2, cuts: 1 });
});

test("a place is gone on from as long as all after it is kept", () => {
  const hub = hubOf({ kept: 10 });
  for (let number = 1; number <= 30; number++) hub.publish([block(number)]);
  const oldest = hub.number - hub.after(hub.number - 5, 100).length;
  expect(hub.numberAt("og", at(30))).toBe(30);
  expect(hub.numberAt("og", at(oldest))).toBe(oldest);
  expect(hub.numberAt("og", at(5))).toBeNull();
  expect(hub.numberAt("og", at(0))).toBeNull();
  // of another fork, ahead, or of a chain that is not told of here
  expect(hub.numberAt("og", at(29, "b"))).toBeNull();
  expect(hub.numberAt("og", at(31))).toBeNull();
  expect(hub.numberAt("base", { ...NOWHERE, base: placeAfter(blockOf(1)) })).toBeNull();
});

test("where nothing was told since, nothing has to be kept: another line's events are none of its own", () => {
  const hub = hubOf({ kept: 10 });
  for (let number = 1; number <= 30; number++) hub.publish([block(number)]);
  expect(hub.numberAt("base", NOWHERE)).toBe(30);
  hub.publish([{ event: headOf(block(31).event), place: at(30) }]);
  for (let number = 0; number < 30; number++) hub.publish([node("snapshot")]);
  expect(hub.numberAt("og", at(30))).toBe(61);
  expect(hub.numberAt("nodes", NOWHERE)).toBeNull();
});

test("a snapshot of nodes is told when its last node is; who was torn away before is told all of it", () => {
  const hub = hubOf();
  const of = (nodes: string): StreamPlace => ({ ...NOWHERE, nodes });
  hub.move("nodes", of("first"));
  hub.publish([node("first"), node("first"), node("second")]);
  hub.move("nodes", of("second"));
  expect(hub.numberAt("nodes", of("first"))).toBe(0);
  expect(hub.numberAt("nodes", of("second"))).toBe(3);
});

test("nobody goes on from before a reorg out of what is kept: its rows may be void", () => {
  const hub = hubOf();
  hub.publish([block(1), block(2), block(3), reset(1), block(2, "b")]);
  expect(hub.numberAt("og", at(3))).toBeNull();
  expect(hub.numberAt("og", at(2))).toBeNull();
  // where it went on everyone was once more
  expect(hub.numberAt("og", at(1))).toBe(4);
  expect(hub.before("og", placeAfter(blockOf(3))).map(({ block: told }) => told)).toEqual([2, 1]);
  expect(hub.before("og", placeAfter(blockOf(2, "b"))).at(0)).toEqual(placeAfter(blockOf(1)));
});

test("the newest place that will do is one after which everything is kept", () => {
  const hub = hubOf({ kept: 10 });
  for (let number = 1; number <= 30; number++) hub.publish([block(number)]);
  const upTo = (most: number) =>
    hub.newestPlace("og", ({ og }) => og !== null && og.block <= most)?.og?.block;
  expect(upTo(40)).toBe(30);
  expect(upTo(28)).toBe(28);
  expect(upTo(5)).toBeUndefined();
});

test("only so many listen; at the end everyone is let go, and who comes then, too", () => {
  const hub = hubOf({ listeners: 2 });
  const [one, two, three] = [reader(0), reader(0), reader(0)];
  hub.enter(one);
  hub.enter(two);
  expect(() => hub.enter(three)).toThrow(expect.objectContaining({ code: "busy" }));
  hub.leave(two);
  hub.end();
  hub.enter(three);
  expect([one.said, two.said, three.said]).toEqual([["end"], [], ["end"]]);
});

test("a client that is counted has its share; those who are not have what there is", () => {
  const hub = hubOf({ listenersPerClient: 2 });
  const of = (client?: string): Reader => ({ ...reader(0), client });
  const last = of("a");
  for (const each of [of("a"), last, of("b"), of(), of(), of()]) hub.enter(each);
  expect(() => hub.enter(of("a"))).toThrow(expect.objectContaining({ code: "rate-limited" }));
  hub.leave(last);
  hub.enter(of("a"));
});

test("who waits is woken by an event, by the time, or by a signal", async () => {
  const hub = hubOf();
  const over = new AbortController();
  const woken = hub.wait(60_000, over.signal);
  hub.publish([block(1)]);
  await woken;
  await hub.wait(5, over.signal);
  const aborted = hub.wait(60_000, over.signal);
  over.abort();
  await aborted;
  await hub.wait(60_000, over.signal);
});
