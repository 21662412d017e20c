import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Aggregators, type Answer } from "./aggregators.ts";
import { HttpGet } from "./httpGet.ts";
import { LargeBlobSlots, MemoryHold } from "./memoryHold.ts";

const ID = "A".repeat(43);
const LIMITS = { maxBytes: 1000, connectMs: 500, stallMs: 500, totalMs: 1_000 };
let get: HttpGet;
let nowMs: number;
const servers: http.Server[] = [];
beforeEach(() => {
  get = new HttpGet({ allowPrivate: true });
  nowMs = 0;
});
afterEach(() => {
  get.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** An aggregator that answers with one status; tells what it was asked for. */
const aggregator = (status: { now: number }) => answering(() => status.now);

async function answering(statusOf: (blobId: string) => number) {
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    asked.push(request.url ?? "");
    response.writeHead(statusOf((request.url ?? "").split("/").at(-1) ?? "")).end("blob");
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return { url: `http://127.0.0.1:${port}/walrus/`, asked };
}

let asks = 0;
const anotherId = () => String(asks++).padStart(43, "A");
const ask = async (aggregators: Aggregators, blobId = anotherId()) => {
  const answers: Answer[] = [];
  const hold = new MemoryHold(new LargeBlobSlots(1));
  for await (const answer of aggregators.ask(blobId, hold, new AbortController().signal))
    answers.push(answer);
  return answers;
};
const of = (...urls: string[]) =>
  new Aggregators(urls, get, LIMITS, { nowMs: () => nowMs, random: () => 0.999 });

test("asks in the configured order, with the id as one encoded piece of the path", async () => {
  const first = await aggregator({ now: 404 });
  const second = await aggregator({ now: 200 });
  const answers = await ask(of(first.url, second.url), "../admin?x#y");
  expect(answers.map(({ kind }) => kind)).toEqual(["absent", "found"]);
  expect(second.asked).toEqual(["/walrus/v1/blobs/..%2Fadmin%3Fx%23y"]);
});

test("leaves an ill aggregator alone for longer and longer, and takes it back when it is well", async () => {
  const status = { now: 500 };
  const ill = await aggregator(status);
  const aggregators = of(ill.url);
  for (let time = 0; time < 10; time++) await ask(aggregators);
  expect(ill.asked).toHaveLength(3);
  nowMs += 2_001;
  await ask(aggregators);
  await ask(aggregators);
  expect(ill.asked).toHaveLength(4);
  nowMs += 2_001; // the second rest is twice as long
  await ask(aggregators);
  expect(ill.asked).toHaveLength(4);
  nowMs += 2_001;
  status.now = 404;
  for (let time = 0; time < 5; time++) expect(await ask(aggregators)).toMatchObject([{ kind: "absent" }]);
  expect(ill.asked).toHaveLength(9);
});

test("who rests says what it failed with last", async () => {
  get = new HttpGet({ allowPrivate: false });
  const aggregators = of("http://127.0.0.1:9/");
  for (let time = 0; time < 3; time++) await ask(aggregators);
  expect(await ask(aggregators)).toMatchObject([
    { kind: "paused", detail: expect.stringMatching(/127\.0\.0\.1:9 failed .* WALRUS_ALLOW_PRIVATE=true/) },
  ]);
});

test("many failures at once are one reason to rest", async () => {
  const status = { now: 500 };
  const ill = await aggregator(status);
  const aggregators = of(ill.url);
  await Promise.all(Array.from({ length: 40 }, () => ask(aggregators)));
  expect(aggregators.pausedForMs()).toBeGreaterThan(0);
  expect(aggregators.pausedForMs()).toBeLessThanOrEqual(2_000);
  nowMs += 2_001;
  expect(aggregators.pausedForMs()).toBe(0);
  status.now = 404;
  expect(await ask(aggregators)).toMatchObject([{ kind: "absent" }]);
});

test("a blob that makes it fail, asked for again and again, holds up no other", async () => {
  const bad = new Set([ID]);
  const server = await answering((blobId) => (bad.has(blobId) ? 500 : 200));
  const aggregators = of(server.url);
  for (let time = 0; time < 10; time++)
    expect(await ask(aggregators, ID)).toMatchObject([{ kind: "failed", reason: "server-error" }]);
  expect(aggregators.pausedForMs()).toBe(0);
  // two more are reason enough, and after the rest none of the three is evidence
  bad.add("B".repeat(43)).add("C".repeat(43));
  for (const blobId of bad) await ask(aggregators, blobId);
  expect(aggregators.pausedForMs()).toBeGreaterThan(0);
  nowMs += 2_001;
  for (const blobId of bad) await ask(aggregators, blobId);
  expect(aggregators.pausedForMs()).toBe(0);
  expect(await ask(aggregators)).toMatchObject([{ kind: "found" }]);
});

test("a missing blob says nothing about the aggregator", async () => {
  const well = await aggregator({ now: 404 });
  const aggregators = of(well.url);
  for (let time = 0; time < 10; time++) await ask(aggregators);
  expect(well.asked).toHaveLength(10);
});
