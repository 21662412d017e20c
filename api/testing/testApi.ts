/** The application on a test database, with a clock that tests set. For tests only. */
import { createLog } from "../../config/log.ts";
import { type AppOptions, createApp } from "../app.ts";
import type { ObservedRequest } from "../http/observeRequests.ts";
import { createReader, type ReaderUsage } from "../queries/reading/database.ts";
import { PositionWatcher } from "../queries/state/position.ts";
import type { ApiService, ApiSettings } from "../queries/state/service.ts";
import { Snapshots } from "../snapshot/snapshots.ts";
import { EventStream, type EventStreamOptions } from "../stream/eventStream.ts";
import { refreshPositions } from "../wiring/watchPositions.ts";
import { DocumentedAnswers } from "./openapi/documentedAnswers.ts";
import { address, BASE_CHAIN_ID, OG_CHAIN_ID } from "./worlds/chainTables.ts";
import { OTHER_REGISTRY, REGISTRY } from "./worlds/registryHistory.ts";

export const OPG = address("opg");
export const DAILY_CAPS = [{ token: OPG, amount: 10n ** 18n }] as const;
export const COMMON_PAYEE = address("common-payee");

export interface TestApi {
  readonly get: (path: string, headers?: Readonly<Record<string, string>>) => Promise<Response>;
  readonly fetch: (path: string, init: RequestInit) => Promise<Response>;
  /** The parsed body of a 200. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  readonly json: (path: string) => Promise<any>;
  readonly handler: (request: Request, bindings?: object) => Response | Promise<Response>;
  readonly log: string[];
  /** Every finished request, as the access log receives it. */
  readonly observed: ObservedRequest[];
  /** Unix seconds. */
  now: number;
  readonly usage: () => ReaderUsage;
  /** Reads the chains' positions, as the process does at regular intervals. */
  readonly look: () => Promise<void>;
  /** Brings the snapshot up to the newest block, as a notification would. */
  readonly refresh: () => Promise<void>;
  /** Publishes what is new to the stream, as a notification would. */
  readonly publish: () => Promise<void>;
  readonly stream: EventStream;
  readonly close: () => Promise<void>;
}

/** Read on first use, because the file is written with this application too. */
let documented: DocumentedAnswers | undefined;

export function createTestApi(
  url: string,
  watcher = new PositionWatcher(),
  settings: Partial<ApiSettings> = {},
  {
    rateLimits,
    connections = 4,
    ...streaming
  }: Partial<Pick<EventStreamOptions, "limits" | "timing" | "lifetime">> &
    Pick<AppOptions, "rateLimits"> & { readonly connections?: number } = {},
): TestApi {
  const log: string[] = [];
  const observed: ObservedRequest[] = [];
  const reader = createReader({ urls: [url], connections, onConnectionError: () => {} });
  let requests = 0;
  let seeds = 0;
  /** Validates every answer that a test gets against openapi.json. */
  const ask = async (path: string, init?: RequestInit): Promise<Response> => {
    const response = await app.request(path, init);
    const { pathname, searchParams } = new URL(path, "http://test");
    const request = {
      method: init?.method ?? "GET",
      path: pathname,
      bulk: searchParams.get("all") === "true",
    };
    documented ??= new DocumentedAnswers();
    await documented.check(request, response);
    return response;
  };
  const api: TestApi = {
    now: 0,
    log,
    observed,
    get: (path, headers = {}) => ask(path, { headers }),
    fetch: ask,
    async json(path) {
      const response = await ask(path);
      const text = await response.text();
      if (response.status !== 200) throw new Error(`${path}: ${response.status} ${text} ${log.at(-1) ?? ""}`);
      return JSON.parse(text);
    },
    handler: (request, bindings) => app.fetch(request, bindings),
    usage: () => reader.usage(),
    look: () => refreshPositions(reader, service.watcher, service.settings.chainIds),
    async refresh() {
      await snapshots.refresh();
      await shown;
    },
    publish: () => stream.publishChains(),
    get stream() {
      return stream;
    },
    close: async () => {
      stream.hub.end();
      await reader.close();
      await snapshotReader.close();
    },
  };
  const service: ApiService = {
    reader,
    watcher,
    settings: {
      chainIds: { og: OG_CHAIN_ID, base: BASE_CHAIN_ID },
      registries: [REGISTRY, OTHER_REGISTRY],
      commonPayees: [COMMON_PAYEE],
      dailyOrganicCaps: DAILY_CAPS,
      allowPrivateEndpoints: false,
      maxLagSeconds: 120,
      graphqlMaxResponseBytes: 4_194_304,
      version: "0.0.0-test",
      build: "test",
      ...settings,
    },
    clock: () => api.now * 1_000,
    log: createLog({ LOG_LEVEL: "warn", LOG_FORMAT: "json" }, "api", (line) => log.push(line)),
  };
  const snapshotReader = createReader({ urls: [url], connections: 2, onConnectionError: () => {} });
  const stream = new EventStream({
    ...service,
    ownReader: snapshotReader,
    limits: { bufferBytes: 8_000_000, subscribers: 2_000, subscribersPerClient: 2_000 },
    elapsed: () => performance.now(),
    pause: () => new Promise((resolve) => setImmediate(resolve)),
    ...streaming,
  });
  let shown = Promise.resolve();
  const snapshots = new Snapshots({
    ...service,
    reader: snapshotReader,
    pause: () => undefined,
    onNew: (snapshot) => {
      shown = stream.publishNodes(snapshot);
    },
  });
  const app = createApp({
    ...service,
    rateLimits,
    snapshots,
    stream,
    newSeed: () => `seed-${++seeds}`,
    newRequestId: () => `request-${++requests}`,
    elapsed: () => performance.now(),
    observers: [{ started: () => {}, ended: (request) => observed.push(request) }],
  });
  return api;
}
