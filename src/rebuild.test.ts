import fc from "fast-check";
import { keccak256, pad, toHex } from "viem";
import { describe, expect, it, vi } from "vitest";
import * as schema from "../ponder.schema.ts";
import { memoryStore, type Row } from "../test/memoryStore.ts";
import { handlers } from "../test/ponderRegistry.ts";

vi.mock("ponder:registry", () => import("../test/ponderRegistry.ts"));
vi.mock("ponder:schema", () => import("../ponder.schema.ts"));
await import("./TEERegistry.ts");
await import("./Heartbeats.ts");

const CHAIN_ID = 10740;
const REGISTRY = pad("0x01", { size: 20 });
const OWNER = pad("0x02", { size: 20 });
const nodeIds = [0, 1, 2].map((index) => keccak256(toHex(index)));
const SECONDS_PER_BLOCK = 10;
const timeOf = (block: number) => 1_000_000 + block * SECONDS_PER_BLOCK;

interface Step {
  readonly wait: number;
  readonly kind: "heartbeat" | "repeat" | "late" | "disable" | "enable" | "age";
  readonly node: number;
  readonly lateness: number;
  readonly age: number;
}

/** A chain that lives by the registry's rules: who may send a heartbeat, and how old it may be. */
function history(steps: readonly Step[]) {
  const ages: { fromBlock: number; age: number }[] = [{ fromBlock: 0, age: 300 }];
  const enabled = nodeIds.map(() => true);
  const lastSigned = nodeIds.map(() => timeOf(0));
  const events: { block: number; name: string; args: Row }[] = nodeIds.map((teeId) => ({
    block: 0,
    name: "TEERegistry:TEERegistered",
    args: { teeId, owner: OWNER, teeType: 0 },
  }));
  let block = 1;
  for (const { wait, kind, node, lateness, age } of steps) {
    block += wait;
    const teeId = nodeIds[node];
    const now = timeOf(block);
    const current = ages.at(-1)?.age ?? 0;
    if (kind === "age") ages.push({ fromBlock: block, age });
    else if (kind === "disable" || kind === "enable") {
      if (enabled[node] === (kind === "enable")) continue;
      enabled[node] = kind === "enable";
      events.push({
        block,
        name: `TEERegistry:TEE${kind === "enable" ? "Enabled" : "Disabled"}`,
        args: { teeId },
      });
    } else {
      const signedAt = kind === "repeat" ? (lastSigned[node] ?? now) : now - (kind === "late" ? lateness : 1);
      if (!enabled[node] || now - signedAt > current) continue;
      lastSigned[node] = Math.max(lastSigned[node] ?? 0, signedAt);
      events.push({
        block,
        name: "TEERegistry:HeartbeatReceived",
        args: { teeId, timestamp: BigInt(signedAt) },
      });
    }
  }
  // A value that is set and set again in one block is only what it was last.
  const ageAt = (at: number) => ages.findLast(({ fromBlock }) => fromBlock <= at)?.age ?? 0;
  return { events, ageAt, head: block + 120 };
}

/**
 * Indexes a history on an RPC that does not answer at blocks with nothing but heartbeats, except every `lookBlocks`, when
 * the clock strikes too: changes are noticed only after heartbeats that followed them.
 */
async function index(
  { events, ageAt, head }: ReturnType<typeof history>,
  lookBlocks: number,
  keepsState?: (askedBlock: number, now: number) => boolean,
) {
  const eventful = new Set(
    events.filter(({ name }) => name !== "TEERegistry:HeartbeatReceived").map(({ block }) => block),
  );
  const store = memoryStore();
  let now = 0;
  let reads = 0;
  const context = {
    chain: { id: CHAIN_ID, name: "og" },
    contracts: { TEERegistry: { address: REGISTRY } },
    db: store.db,
    client: {
      readContract: async ({ blockNumber = BigInt(now) }: { blockNumber?: bigint }) => {
        reads += 1;
        const kept = keepsState?.(Number(blockNumber), now) ?? (now % lookBlocks === 0 || eventful.has(now));
        if (!kept) throw new Error("missing trie node");
        return BigInt(ageAt(Number(blockNumber)));
      },
      call: async () => Promise.reject(new Error("missing trie node")),
      request: async () => Promise.reject(new Error("missing trie node")),
      getBlock: async ({ blockNumber }: { blockNumber: bigint }) => ({
        timestamp: BigInt(timeOf(Number(blockNumber))),
      }),
    },
  };
  const run = async (name: string, event: Row) => {
    const handler = handlers.get(name);
    if (handler === undefined) throw new Error(`nobody handles ${name}`);
    await handler({ event, context });
  };
  let next = 0;
  for (now = 0; now <= head; now++) {
    const block = { number: BigInt(now), hash: pad(toHex(now)), timestamp: BigInt(timeOf(now)) };
    // Ponder hands out a block before or after its logs; with a look at every block it must be before.
    if (now % lookBlocks === 0) await run("RegistryClock:block", { block });
    for (let logIndex = 0; events[next]?.block === now; next++, logIndex++) {
      const { name, args } = events[next] as (typeof events)[number];
      const hash = pad(toHex(`${now} ${logIndex}`));
      const transaction = { hash, from: OWNER, to: REGISTRY, input: "0x" };
      await run(name, { block, args, log: { address: REGISTRY, logIndex, data: "0x" }, transaction });
    }
  }
  const withoutJournal = store
    .rows(schema.nodeLiveness)
    .map(({ journal, journalRollsAtBlock, ...row }) => row);
  return {
    reads,
    rows: {
      activeIntervals: sorted(store.rows(schema.activeInterval)),
      provedGaps: sorted(store.rows(schema.provedGap)),
      maxAges: sorted(store.rows(schema.heartbeatMaxAge)),
      heartbeats: sorted(store.rows(schema.heartbeat)),
      hours: sorted(store.rows(schema.networkBucket)),
      liveness: sorted(withoutJournal),
    },
    isActive: (teeId: string, at: number) =>
      [...store.rows(schema.activeInterval), ...store.rows(schema.nodeLiveness)].some(
        (row) =>
          row.teeId === teeId &&
          Number(row.fromAt ?? row.activeFrom ?? Number.POSITIVE_INFINITY) <= at &&
          Number(row.untilAt ?? row.activeUntil) > at,
      ),
    uncertainties: store.rows(schema.maxAgeUncertainty),
  };
}

const textOf = (row: Row) =>
  JSON.stringify(Object.entries(row).sort(), (_, value) =>
    typeof value === "bigint" ? String(value) : value,
  );
const sorted = (rows: readonly Row[]) => rows.map(textOf).sort();

describe("looking at heartbeatMaxAge now and then", () => {
  // Changes lie further apart than the RPC's answers, so that no value passes unseen.
  const quiet = fc.record<Step>({
    wait: fc.integer({ min: 0, max: 12 }),
    kind: fc.constantFrom("heartbeat", "heartbeat", "heartbeat", "repeat", "late", "disable", "enable"),
    node: fc.integer({ min: 0, max: nodeIds.length - 1 }),
    lateness: fc.integer({ min: 0, max: 600 }),
    age: fc.constant(0),
  });
  const change = fc.record<Step>({
    wait: fc.integer({ min: 0, max: 3 }),
    kind: fc.constant("age" as const),
    node: fc.constant(0),
    lateness: fc.constant(0),
    age: fc.integer({ min: 20, max: 600 }),
  });
  const pause: Step = { wait: 101, kind: "age", node: 0, lateness: 0, age: 0 };
  const spell = fc.tuple(fc.array(quiet, { maxLength: 25 }), change, fc.array(quiet, { maxLength: 25 }));
  const steps = fc.array(spell, { minLength: 1, maxLength: 4 }).map((spells) =>
    spells.flatMap(([before, changed, after]) => [
      ...before,
      changed,
      ...after,
      // Time passes without an event: the same age once more.
      { ...pause, age: changed.age },
    ]),
  );

  it("writes the same rows as looking at every block", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (given) => {
        const chain = history(given);
        const rare = await index(chain, 100);
        const every = await index(chain, 1);
        expect(rare.rows).toEqual(every.rows);
      }),
      { numRuns: 150 },
    );
  });

  it("keeps what a late second made of a gap of long ago, under a far shorter age", async () => {
    const step = (kind: Step["kind"], wait: number, given: Partial<Step> = {}): Step => ({
      ...{ kind, wait, node: 0, lateness: 0, age: 0 },
      ...given,
    });
    const { events, ageAt, head } = history([
      step("age", 1, { age: 20 }),
      step("disable", 1, { node: 1 }),
      step("heartbeat", 1),
      step("heartbeat", 26),
      step("heartbeat", 10),
      step("age", 1, { age: 600 }),
      // Looked at: the journal begins with the next heartbeat.
      step("enable", 1, { node: 1 }),
      step("heartbeat", 15),
      // Signed between the first two: what is left of the gap is one still.
      step("late", 1, { lateness: 410 }),
      step("age", 1, { age: 500 }),
    ]);
    const signed = events.flatMap(({ args }) =>
      args.timestamp === undefined ? [] : [Number(args.timestamp)],
    );
    const [first, , , , late] = signed;
    const { rows } = await index({ events, ageAt, head }, 1);
    const standing = rows.provedGaps
      .map((row): Row => Object.fromEntries(JSON.parse(row)))
      .filter(({ supersededAt }) => supersededAt === null)
      .map(({ lastSignedAt, nextSignedAt }) => [lastSignedAt, nextSignedAt]);
    expect(standing).toContainEqual([first, late]);
    expect(standing).toHaveLength(3);
  });

  it("misses none of several changes between two looks", { timeout: 60_000 }, async () => {
    const spellOf = (age: number) =>
      fc.tuple(
        fc.array(quiet, { maxLength: 8 }),
        change.map((step) => ({ ...step, age })),
      );
    const several = fc
      // Without the first value: a value that comes back leaves no trace of what was between.
      .uniqueArray(
        fc.integer({ min: 20, max: 600 }).filter((age) => age !== 300),
        { minLength: 2, maxLength: 4 },
      )
      .chain((ages) =>
        fc
          .tuple(...ages.map(spellOf))
          .map((spells) => [...spells.flat(2), { ...pause, age: ages.at(-1) ?? 0 }]),
      );
    await fc.assert(
      fc.asyncProperty(several, async (given) => {
        const chain = history(given);
        expect((await index(chain, 100)).rows).toEqual((await index(chain, 1)).rows);
      }),
      { numRuns: 150 },
    );
  });

  it("says of every status that an RPC without old state got wrong that it is not exact", {
    timeout: 60_000,
  }, async () => {
    let wrong = 0;
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.constantFrom(20, 128, 400),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (given, keptBlocks, from, length) => {
          const chain = history(given);
          // reached the head, was down, and caught up from behind again
          const [downFrom, downUntil] = [from * chain.head, (from + length) * chain.head];
          const headThen = (now: number) => (now < downFrom ? now : Math.max(now, downUntil));
          const truth = await index(chain, 1, () => true);
          const pruned = await index(
            chain,
            1,
            (asked, now) => asked >= Math.min(headThen(now), chain.head) - keptBlocks,
          );
          expect(truth.uncertainties).toEqual([]);
          const isUncertain = (at: number) =>
            pruned.uncertainties.some(
              ({ afterAt, untilAt }) =>
                (afterAt === null || Number(afterAt) < at) && (untilAt === null || at < Number(untilAt)),
            );
          for (let at = timeOf(0); at <= timeOf(chain.head); at += SECONDS_PER_BLOCK)
            for (const teeId of nodeIds)
              if (pruned.isActive(teeId, at) !== truth.isActive(teeId, at)) {
                wrong += 1;
                expect(isUncertain(at), `${teeId} at ${at}`).toBe(true);
              }
        },
      ),
      { numRuns: 150 },
    );
    expect(wrong).toBeGreaterThan(0);
  });

  it("is uncertain from the last reading to the next, and from the beginning before the first", async () => {
    const beat: Step = { kind: "heartbeat", wait: 10, node: 0, lateness: 0, age: 0 };
    const chain = history(Array.from({ length: 60 }, () => beat));
    const kept = async (keepsState: (asked: number) => boolean) =>
      (await index(chain, 1, keepsState)).uncertainties.map(
        ({ precision, afterBlock, afterAt, untilBlock, untilAt }) => ({
          ...{ precision, afterBlock, afterAt, untilBlock, untilAt },
        }),
      );
    const open = { untilBlock: null, untilAt: null };
    expect(await kept(() => true)).toEqual([]);
    expect(await kept(() => false)).toEqual([
      { precision: "assumed", afterBlock: null, afterAt: null, ...open },
    ]);
    expect(await kept((asked) => asked >= 300)).toEqual([
      { precision: "assumed", afterBlock: null, afterAt: null, untilBlock: 300, untilAt: timeOf(300) },
    ]);
    expect(await kept((asked) => asked <= 100 || asked >= 300)).toEqual([
      { precision: "bounded", afterBlock: 100, afterAt: timeOf(100), untilBlock: 300, untilAt: timeOf(300) },
    ]);
  });

  it("reads once in five minutes, however many heartbeats there are", async () => {
    const beats = Array.from({ length: 600 }, (_, index): Step => {
      return { wait: index % 3 === 0 ? 1 : 0, kind: "heartbeat", node: index % 3, lateness: 0, age: 0 };
    });
    const { reads } = await index(history(beats), 1000);
    // 200 blocks of heartbeats, thirty to the five minutes; and the clock's.
    expect(reads).toBeLessThanOrEqual(200 / 30 + 3);
    expect(reads).toBeGreaterThan(5);
  });
});
