/** Whatever happens to chains, verdicts and connections, a client that applies every event ends up with what the lists have. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { seeded } from "../../../test/registryRows.ts";
import { EventClient, type ReceivedEvent } from "../../testing/eventClient.ts";
import { createTestApi, type TestApi } from "../../testing/testApi.ts";
import { ChainTables } from "../../testing/worlds/chainTables.ts";
import { StreamWorld, timeOf } from "../../testing/worlds/streamWorld.ts";

const STEPS = 150;
const DEEPEST_REORG = 6;
const VERDICTS = ["pending", "verified", "partial", "invalid"] as const;
const CHAINS = ["og", "base"] as const;
type Chain = (typeof CHAINS)[number];

let database: TestDatabase;
let tables: ChainTables;
beforeAll(async () => {
  database = await createTestDatabase();
  tables = await ChainTables.create(database.url);
});
afterAll(async () => {
  await tables.close();
  await database.drop();
});

/** The rows of a client that applies events as documented. */
class Replica {
  readonly rows = new Map<string, { readonly chain: Chain; readonly block: number; readonly said: string }>();
  /** Payments delivered although the client had them. */
  readonly duplicates: string[] = [];

  apply({ type, data }: ReceivedEvent): void {
    if (type === "reset") {
      expect(data.reason).toBe("reorg");
      for (const [id, { chain, block }] of this.rows)
        if (chain === data.chain && block > (data.validThrough?.blockNumber ?? -1)) this.rows.delete(id);
    } else if (type === "payment" || type === "settlement") {
      if (type === "payment" && this.rows.has(data.id)) this.duplicates.push(data.id);
      const chain = type === "payment" ? "base" : "og";
      this.rows.set(data.id, { chain, block: data.blockNumber, said: data.verdict ?? data.amount });
    }
  }
}

const replicaAfter = (events: readonly ReceivedEvent[]): Replica => {
  const replica = new Replica();
  for (const event of events) replica.apply(event);
  return replica;
};

/** A client that loses its connection at any event and resumes at any process. */
class RoamingClient {
  /** The events received on earlier connections. */
  #before: readonly ReceivedEvent[] = [];
  #client: EventClient | null = null;
  /** The id that it connected with. */
  #from = "";

  get events(): readonly ReceivedEvent[] {
    return [...this.#before, ...(this.#client?.events ?? [])];
  }

  async connect(api: TestApi): Promise<void> {
    const headers = new Map(this.#from === "" ? [] : [["Last-Event-ID", this.#from]]);
    const client = new EventClient(await api.get("/v1/stream", Object.fromEntries(headers)));
    await client.until(() => client.parser.comments.length > 0);
    if (this.#from === "") this.#from = client.lastEventId;
    this.#client = client;
  }

  /** Whether the process has ended the stream. */
  get isEnded(): boolean {
    return this.#client?.ended === true;
  }

  /** Loses the connection, and with it the last events. */
  async disconnect(lost: number): Promise<void> {
    await this.close();
    const received = (this.#client?.events ?? []).slice(0, lost === 0 ? undefined : -lost);
    this.#before = [...this.#before, ...received];
    this.#from = received.at(-1)?.id ?? this.#from;
    this.#client = null;
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }
}

/** Seeds. */
const HISTORIES = [8, 30, 34, 57, 61, 63, 151, 174];

test.each(HISTORIES)(
  "after random history %i, a client that applied every event has what the lists have",
  { timeout: 120_000 },
  async (seed) => {
    const random = seeded(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    const world = new StreamWorld(tables, "none");
    await world.begin();
    const heads = { og: 1, base: 1 };
    /** A chain that crashed is ready again once it has caught up with this block. */
    const highest = { ...heads };
    const forks = { og: 0, base: 0 };
    const fork = (chain: Chain) => String.fromCharCode("a".charCodeAt(0) + forks[chain]);
    const judgeable: number[] = [];

    const startApi = async () => {
      // Small buffers, so that it matters which process a client returns to.
      const limits = { bufferBytes: 4_000 + below(40_000), subscribers: 10, subscribersPerClient: 10 };
      const timing = { retryMs: 20, maxAheadWaitMs: 100 };
      const api = createTestApi(database.url, undefined, {}, { limits, timing });
      api.now = timeOf(5_000);
      await api.publish();
      return api;
    };
    const apis = [await startApi(), await startApi()] as [TestApi, TestApi];
    const client = new RoamingClient();
    await client.connect(apis[0]);

    const comeBack = async (lost: number) => {
      await client.disconnect(lost);
      await client.connect(apis[below(2)] ?? apis[0]);
    };
    const grow = async (chain: Chain) => {
      heads[chain] += 1 + below(3);
      highest[chain] = Math.max(highest[chain], heads[chain]);
      if (random() < 0.3) await world.head(chain, heads[chain]);
      else {
        await world.grow(chain, heads[chain], { rows: below(4), fork: fork(chain) });
        if (chain === "og") judgeable.push(heads.og);
      }
    };
    const reorganise = async (chain: Chain) => {
      if (forks[chain] === 20) return;
      const from = heads[chain] - below(DEEPEST_REORG);
      await world.rewind(chain, from);
      forks[chain] += 1;
      heads[chain] = Math.max(1, from - 1);
      await world.head(chain, heads[chain]);
    };

    /** Crashes, and is ready again at a slightly earlier block before it continues. */
    const recover = async (chain: Chain) => {
      await world.head(chain, heads[chain], "not-ready");
      for (const api of apis) await api.publish();
      if (random() < 0.5) await comeBack(below(4));
      await world.head(chain, Math.max(1, heads[chain] - 1));
      for (const api of apis) if (random() < 0.5) await api.publish();
      await world.head(chain, heads[chain]);
    };

    for (let step = 0; step < STEPS; step++) {
      const chance = random();
      const chain = CHAINS[below(2)] ?? "og";
      if (chance < 0.45) await grow(chain);
      else if (chance < 0.55)
        await world.judge(judgeable[below(judgeable.length)] ?? 0, VERDICTS[below(4)] ?? "pending");
      else if (chance < 0.6) await reorganise(chain);
      else if (chance < 0.63) await recover(chain);
      else if (chance < 0.9) await apis[below(2)]?.publish();
      else if (chance < 0.92) {
        // A new process replaces one.
        const [gone, other] = apis;
        await gone.close();
        apis[0] = other;
        apis[1] = await startApi();
      } else await comeBack(below(4));
      if (client.isEnded) await comeBack(0);
    }
    for (const chain of CHAINS) {
      heads[chain] = highest[chain] + 1;
      await world.grow(chain, heads[chain], { rows: 1, fork: fork(chain) });
    }
    for (const api of apis) await api.publish();

    const expected = new Map<string, string>();
    for (const path of ["/v1/settlements", "/v1/payments"])
      for (const item of (await apis[0].json(`${path}?limit=1000`)).items)
        expected.set(item.id, item.verdict ?? item.amount);
    const replica = () => replicaAfter(client.events);
    const said = () => Object.fromEntries([...replica().rows].map(([id, row]) => [id, row.said]).sort());
    const deadline = performance.now() + 5_000;
    while (JSON.stringify(said()) !== JSON.stringify(Object.fromEntries([...expected].sort()))) {
      if (performance.now() > deadline) break;
      if (client.isEnded) await comeBack(0);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(said()).toEqual(Object.fromEntries([...expected].sort()));
    expect(replica().duplicates).toEqual([]);
    expect(expected.size).toBeGreaterThan(10);
    await client.close();
    for (const api of new Set(apis)) await api.close();
  },
);
