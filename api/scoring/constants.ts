/** Every number in the score, with the reason for it. A change of any of them is a change of `SCORE_VERSION`. */

export const SCORE_VERSION = "2";

export interface Constant {
  readonly value: number;
  readonly unit: string;
  readonly reason: string;
}

/** Published as they stand at `/v1/scoring`; docs/metrics.md shows them at work. */
export const CONSTANTS = {
  expectedIntervalShare: {
    value: 0.5,
    unit: "of heartbeatMaxAge",
    reason:
      "Relayers send a heartbeat twice per heartbeatMaxAge; this share of it is I, the expected interval.",
  },
  leastIntervalSeconds: {
    value: 60,
    unit: "s",
    reason:
      "I is never shorter: at a heartbeatMaxAge of 0 every gap would be an outage, and every pause a silence.",
  },
  mostIntervalSeconds: {
    value: 86_400,
    unit: "s",
    reason: "I is never longer: at a heartbeatMaxAge of 2^256-1 no node would ever be down.",
  },
  toleratedIntervals: {
    value: 1.5,
    unit: "I",
    reason:
      "A longer gap between signed seconds has missed a heartbeat; half an interval of jitter costs nothing.",
  },

  excuseAfterIntervals: {
    value: 1.5,
    unit: "I",
    reason: "A relayer that is silent for longer has missed its own turn.",
  },
  excuseMarginIntervals: {
    value: 1,
    unit: "I",
    reason: "Its nodes' last seconds before the silence and first ones after it lie up to one interval away.",
  },
  carriedWithinHours: {
    value: 1,
    unit: "h before the silence",
    reason: "Whom a relayer carried lately: abandoned keys do not count.",
  },
  excuseOperators: {
    value: 2,
    unit: "operators carried",
    reason: "An operator that relays for itself cannot excuse itself.",
  },
  excuseOperatorShare: {
    value: 1 / 3,
    unit: "of the operators heard",
    reason: "A few operators together cannot either; a relayer of 40 % of a network can.",
  },
  aliveElsewhereShare: {
    value: 0.5,
    unit: "of the operators carried",
    reason: "When this many are proved alive through other relayers, the silent relayer kept nobody from it.",
  },
  excusedHours: {
    value: 24,
    unit: "h",
    reason: "Bounds what a relayer could ever hide; outages of a relay last hours.",
  },
  excusedWindowHours: { value: 168, unit: "h", reason: "The window of that bound: a week." },

  slowHalfLifeHours: {
    value: 168,
    unit: "h of observed time",
    reason: "A week: long enough for rates of a few per cent, short enough that a repaired node recovers.",
  },
  fastHalfLifeHours: {
    value: 6,
    unit: "h of observed time",
    reason: "An outage that goes on must be felt within hours.",
  },
  priorUpHours: {
    value: 9.5,
    unit: "h",
    reason: "Mean 0.95 at a strength of 10 h. Fixed: a median of the network would let others move a score.",
  },
  priorDownHours: { value: 0.5, unit: "h", reason: "The other part of the prior." },
  fastPriorHours: {
    value: 4,
    unit: "h",
    reason: "Pulls the last hours' rate towards the slow mean, so that one missed heartbeat is no verdict.",
  },
  lowQuantile: {
    value: 0.05,
    unit: "probability",
    reason:
      "A rate counts as what evidence supports, not as what it suggests: 1 of 1 is less than 990 of 1000.",
  },
  highQuantile: { value: 0.95, unit: "probability", reason: "Upper end of the published interval." },

  uptimeWeight: {
    value: 0.45,
    unit: "exponent",
    reason: "Proved by the node's own key, and free of our prober.",
  },
  reachabilityWeight: {
    value: 0.35,
    unit: "exponent",
    reason: "What a user meets, but seen from one place.",
  },
  latencyWeight: {
    value: 0.2,
    unit: "exponent",
    reason: "Distance from the prober is not the node's fault: a preference.",
  },

  probeHours: {
    value: 1,
    unit: "h",
    reason: "The most that one probe speaks for, so that a pause of the prober is not counted as anything.",
  },
  usableRoundShare: {
    value: 0.5,
    unit: "of the operators reached in the last hour",
    reason: "When fewer answer a round, the fault is the prober's.",
  },
  usableRoundHours: { value: 1, unit: "h", reason: "Who was reached lately." },
  proberOffHours: {
    value: 24,
    unit: "h without a usable round",
    reason: "Shorter pauses age everybody's evidence alike; a day without a round means that nobody probes.",
  },

  latencyFloorLog2: { value: -1, unit: "log2", reason: "Half the median is as good as it gets." },
  latencyCeilingLog2: { value: 2, unit: "log2", reason: "Four times the median is as bad as it gets." },
  latencyPriorHours: { value: 10, unit: "h", reason: "As strong as the other prior, at the median (0)." },
  latencyAtMedian: { value: 0.9, unit: "factor", reason: "Leaves room above for the faster half." },
  latencyPerLog2: {
    value: 0.1,
    unit: "factor per doubling",
    reason: "The factor stays within [0.7, 1]: latency reorders, it does not exclude.",
  },

  inheritBelow: {
    value: 0.95,
    unit: "posterior mean",
    reason: "The prior's mean: below it, a new key would be better than its owner's record.",
  },
  darkHoursInPool: {
    value: 24,
    unit: "h",
    reason:
      "A stopped key's silence tells of its owner for a day; after that it only tells that it was stopped.",
  },

  selectionPower: {
    value: 12,
    unit: "exponent",
    reason: "A node up 95 % of the time gets half of a perfect one's share, one at 80 % gets 8 %.",
  },
  hostsCounted: {
    value: 5,
    unit: "hosts per operator",
    reason: "A host is capacity, keys are free; names of hosts are cheap beyond a few.",
  },
  explorationShare: {
    value: 0.05,
    unit: "of selections",
    reason: "The price of learning about newcomers, inside an operator and across operators.",
  },
  explorationPerNewcomer: {
    value: 0.5,
    unit: "of an operator's mean share",
    reason: "A newcomer gets less than an established equal.",
  },
  exploredHours: {
    value: 72,
    unit: "h of evidence",
    reason: "Within three days a newcomer's evidence speaks for itself.",
  },
  operatorLimit: { value: 0.5, unit: "of selections", reason: "No operator is the network." },
  nodeLimit: {
    value: 3,
    unit: "times the mean share",
    reason: "A node is one machine; more than this would overload it.",
  },
  peerScoreShare: {
    value: 0.8,
    unit: "of the limited operator's best score",
    reason: "What is above a limit goes to peers, never to whoever happens to be left.",
  },
  mostSelected: { value: 20, unit: "nodes per answer", reason: "Fallbacks beyond this are of no use." },
} as const satisfies Record<string, Constant>;

export type ConstantName = keyof typeof CONSTANTS;

/** The bare values of `CONSTANTS`. */
export const SCORING = Object.fromEntries(
  Object.entries(CONSTANTS).map(([name, { value }]) => [name, value]),
  // Object.fromEntries forgets which keys it was given.
) as Readonly<Record<ConstantName, number>>;

export const HOUR_SECONDS = 3_600;
export const DAY_SECONDS = 86_400;

/**
 * The longest past that scoring looks at, a century: evidence weighs nothing after 25 years of observed time. It bounds
 * every loop over days and weeks.
 */
export const MAX_PAST_SECONDS = 100 * 365.25 * DAY_SECONDS;
