/** The Prometheus metrics of this process: requests are counted here, gauges are registered by others. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { RequestObserver } from "../http/observeRequests.ts";

/** Buckets from a 304 to a statement that hits its time limit. */
const DURATION_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** The label for unknown paths, so that clients cannot create label values. */
const NO_ROUTE = "none";
const METHODS = new Set(["GET", "HEAD", "POST", "OPTIONS"]);

/** A gauge's value; null leaves the gauge out of the scrape. */
type Reading = number | null;

interface GaugeDescription {
  /** With its unit, without the common prefix: `snapshot_age_seconds`. */
  readonly name: string;
  readonly help: string;
}

export interface Metrics {
  readonly observer: RequestObserver;
  /** Registers a gauge that is read at every scrape; a failed reading leaves it out. */
  readonly gauge: (description: GaugeDescription, read: () => Reading | Promise<Reading>) => void;
  /** Registers a gauge with a label, with one reading for each label value. */
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
    help: "Always 1; the label holds the version of the software.",
    labelNames: ["version"],
    registers,
  }).set({ version }, 1);
  const requests = new Counter({
    name: `${PREFIX}requests_total`,
    help: "Finished requests by registered route; outcome=cut: the connection closed before the whole response was sent.",
    labelNames: ["route", "method", "status", "outcome"],
    registers,
  });
  const durations = new Histogram({
    name: `${PREFIX}request_duration_seconds`,
    help: "Time from a request's headers to the end of its response.",
    labelNames: ["route", "method"],
    buckets: DURATION_SECONDS,
    registers,
  });
  const inFlight = new Gauge({
    name: `${PREFIX}requests_under_way`,
    help: "Requests in flight.",
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
      started: () => inFlight.inc(),
      ended: ({ route, method, status, ms, outcome }) => {
        inFlight.dec();
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
