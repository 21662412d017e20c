/** What Prometheus is told of this process: requests by themselves, and gauges that others register. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { RequestObserver } from "../http/observeRequests.ts";

/** From a 304 to a statement that runs into its time limit. */
const DURATION_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Paths are a client's to invent; their number here is that of the routes. */
const NO_ROUTE = "none";
const METHODS = new Set(["GET", "HEAD", "POST", "OPTIONS"]);

/** A value now; null when there is none, which leaves the gauge out. */
type Reading = number | null;

interface GaugeDescription {
  /** Without the prefix that all of ours have; with the unit: `snapshot_age_seconds`. */
  readonly name: string;
  readonly help: string;
}

export interface Metrics {
  readonly observer: RequestObserver;
  /** Asked at every scrape; a reading that fails leaves the gauge out. */
  readonly gauge: (description: GaugeDescription, read: () => Reading | Promise<Reading>) => void;
  /** The same with a label: one reading for each of its values. */
  readonly gauges: (
    description: GaugeDescription & { readonly label: string },
    read: () => Promise<Readonly<Record<string, Reading>>>,
  ) => void;
  readonly contentType: string;
  readonly text: () => Promise<string>;
}

const PREFIX = "opengradient_api_";

export function createMetrics(version: string): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: `${PREFIX}info`,
    help: "Always 1; the label says which software this is.",
    labelNames: ["version"],
    registers,
  }).set({ version }, 1);
  const requests = new Counter({
    name: `${PREFIX}requests_total`,
    help: "Requests that are over, by route as registered; outcome cut means that the answer was not received whole.",
    labelNames: ["route", "method", "status", "outcome"],
    registers,
  });
  const durations = new Histogram({
    name: `${PREFIX}request_duration_seconds`,
    help: "From a request's headers to the end of its answer.",
    labelNames: ["route", "method"],
    buckets: DURATION_SECONDS,
    registers,
  });
  const underWay = new Gauge({
    name: `${PREFIX}requests_under_way`,
    help: "Requests being answered.",
    registers,
  });

  const gauges: Metrics["gauges"] = ({ name, help, label }, read) => {
    new Gauge({
      name: PREFIX + name,
      help,
      labelNames: [label],
      registers,
      async collect() {
        this.reset();
        const readings = await read().catch(() => ({}));
        for (const [value, reading] of Object.entries(readings))
          if (reading !== null) this.set({ [label]: value }, reading);
      },
    });
  };

  return {
    observer: {
      begun: () => underWay.inc(),
      ended: ({ route, method, status, ms, outcome }) => {
        underWay.dec();
        const labels = { route: route ?? NO_ROUTE, method: METHODS.has(method) ? method : "other" };
        requests.inc({ ...labels, status, outcome });
        durations.observe(labels, ms / 1_000);
      },
    },
    gauges,
    gauge: ({ name, help }, read) => {
      new Gauge({
        name: PREFIX + name,
        help,
        registers,
        async collect() {
          this.remove();
          const reading = await Promise.resolve()
            .then(read)
            .catch(() => null);
          if (reading !== null) this.set(reading);
        },
      });
    },
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}
