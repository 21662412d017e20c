/**
 * Who may import whom (docs: CONTRIBUTING.md). `npm run imports` checks it.
 * Folders of ours are listed per rule; packages are free unless a rule says otherwise.
 */
const OURS =
  "^(abis|api|bench|cli|client|config|dashboard|db|devnet|proofs|src|supervisor|test|workers|ponder\\.(schema|config)\\.ts)";
/** Tests may reach into test/ and what they test against; so may what only tests use, in folders named testing. */
const TEST = "\\.test\\.ts$";

/** `from` may import, of ours, only itself and `allowed`. */
const only = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: "error",
  from: { path: `^${from}`, pathNot: `${TEST}|/testing/` },
  to: { path: OURS, pathNot: `^(${[from, ...allowed].join("|")})` },
});

/** The rooms of api/queries in order: each imports those before it, never one after it. */
const QUERY_ROOMS = [
  "reading",
  "state",
  "nodes",
  "registry",
  "evidence",
  "payments",
  "settlements",
  "inferences",
  "metrics",
  "operators",
  "series",
];
const queryRoom = (room, index) => ({
  name: `queries-${room}`,
  comment: "Rooms of api/queries import downwards only: see QUERY_ROOMS.",
  severity: "error",
  from: { path: `^api/queries/${room}/`, pathNot: TEST },
  to: { path: "^api/queries/", pathNot: `^api/queries/(${QUERY_ROOMS.slice(0, index + 1).join("|")})/` },
});

module.exports = {
  forbidden: [
    only("config-is-a-leaf", "config/", [], "Every process reads its settings from here."),
    only("abis-are-a-leaf", "abis/", [], "Contract interfaces know nothing of us."),
    only(
      "indexing-is-closed",
      "src/",
      ["abis/", "config/indexing\\.ts", "ponder\\.schema\\.ts"],
      "Ponder hashes src/ as indexing code: a change elsewhere must not change rows unnoticed.",
    ),
    only(
      "ponder-config",
      "ponder\\.config\\.ts",
      ["abis/", "config/(indexing|indexer)\\.ts"],
      "What decides rows is in config/indexing.ts, which names a deployment; where requests go decides none.",
    ),
    {
      name: "indexing-packages",
      comment: "Handlers are deterministic: they decode and write, with Ponder, viem and nothing else.",
      severity: "error",
      from: { path: "^src/", pathNot: TEST },
      to: {
        dependencyTypes: ["npm", "npm-dev", "npm-optional", "npm-peer"],
        pathNot: "node_modules/(ponder|viem|hono|zod)/",
      },
    },
    only("database-is-low", "db/", ["config/"], "Postgres and our own schemas."),
    only("gateway-is-low", "supervisor/gateway/", ["config/"], "Knows JSON-RPC, not what is indexed."),
    only(
      "proofs-are-a-leaf",
      "proofs/",
      [],
      "Pure: what anyone can check without us, and what we check with.",
    ),
    only(
      "command-line",
      "cli/",
      ["client/", "proofs/"],
      "Runs on a user's machine: no database, no server code.",
    ),
    only(
      "workers",
      "workers/",
      ["abis/", "config/", "db/", "ponder\\.schema\\.ts", "proofs/", "src/decode/"],
      "Workers talk through Postgres.",
    ),
    only(
      "queries",
      "api/queries/",
      ["abis/", "api/errors\\.ts", "config/", "db/", "ponder\\.schema\\.ts", "proofs/", "src/decode/"],
      "SQL to domain objects.",
    ),
    ...QUERY_ROOMS.map(queryRoom),
    {
      name: "queries-are-in-rooms",
      comment: "A file outside of every room would escape their order.",
      severity: "error",
      from: { path: "^api/queries/", pathNot: `^api/queries/(${QUERY_ROOMS.join("|")})/` },
      to: {},
    },
    only("scoring-is-pure", "api/scoring/", [], "Scoring sees numbers, not where they come from."),
    only(
      "snapshot",
      "api/snapshot/",
      ["api/errors\\.ts", "api/queries/", "api/scoring/", "config/"],
      "From evidence to scores that are kept: never SQL.",
    ),
    only(
      "stream",
      "api/stream/",
      ["api/errors\\.ts", "api/queries/", "api/scoring/", "api/snapshot/", "config/"],
      "From rows and snapshots to events: never SQL.",
    ),
    only(
      "fields",
      "api/fields/",
      ["api/queries/"],
      "What fields mean, for REST and GraphQL alike: texts that know neither.",
    ),
    only(
      "rest",
      "api/rest/",
      [
        "api/errors\\.ts",
        "api/fields/",
        "api/queries/",
        "api/scoring/",
        "api/snapshot/",
        "api/stream/",
        "config/",
        "proofs/",
      ],
      "REST never meets SQL or GraphQL.",
    ),
    only(
      "documents",
      "api/documents/",
      ["api/errors\\.ts", "api/fields/", "api/http/", "api/queries/", "api/rest/", "config/"],
      "What people and their tools read about REST: made from its routes.",
    ),
    only(
      "graphql",
      "api/graphql/",
      [
        "api/errors\\.ts",
        "api/fields/",
        "api/queries/",
        "api/scoring/",
        "api/snapshot/",
        "api/stream/",
        "config/",
      ],
      "GraphQL never meets SQL or REST.",
    ),
    {
      name: "graphql-engine",
      comment: "The engine runs any schema: it knows neither how ours is built nor what is in it.",
      severity: "error",
      from: { path: "^api/graphql/execution/", pathNot: TEST },
      to: { path: "^api/graphql/", pathNot: "^api/graphql/execution/" },
    },
    {
      name: "graphql-builder",
      comment: "What domains are built with knows no domain.",
      severity: "error",
      from: { path: "^api/graphql/builder/", pathNot: TEST },
      to: { path: "^api/graphql/", pathNot: "^api/graphql/(builder|execution)/" },
    },
    {
      name: "no-sql-in-the-edges",
      severity: "error",
      from: { path: "^api/(rest|graphql|scoring|snapshot|stream)/", pathNot: TEST },
      to: { path: "node_modules/(pg|drizzle-orm)/" },
    },
    only(
      "api",
      "api/",
      ["abis/", "config/", "db/", "ponder\\.schema\\.ts", "proofs/", "src/decode/"],
      "The API reads Postgres only.",
    ),
    only(
      "devnet",
      "devnet/",
      ["abis/", "config/", "proofs/"],
      "The devnet is a chain like any other: it knows its interfaces.",
    ),
    only("client-stands-alone", "client/", ["proofs/"], "Knows the protocol, nothing of the server."),
    only(
      "dashboard-uses-the-client",
      "dashboard/",
      ["client/"],
      "What it needs, every user of the API needs.",
    ),
    {
      name: "supervisor-starts-ponder",
      comment: "Indexing code runs in Ponder's process only; the pure rules in src/decode/ are everybody's.",
      severity: "error",
      from: { path: "^(supervisor|db|workers|api|devnet)/", pathNot: TEST },
      to: { path: "^(src/|ponder\\.config\\.ts)", pathNot: "^src/decode/" },
    },
    {
      name: "tests-are-not-imported",
      severity: "error",
      from: { pathNot: `${TEST}|^test/|^vitest\\.config` },
      to: { path: `${TEST}|^test/` },
    },
    {
      name: "no-cycles",
      comment: "Type-only ones included: a circle of types is two files that are one.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-unnamed-drawers",
      comment: "A folder's name says what is in it.",
      severity: "error",
      from: {},
      to: { path: "(^|/)(utils|util|common|helpers|helper|shared|misc)/", pathNot: "node_modules" },
    },
    {
      name: "no-missing-modules",
      severity: "error",
      from: {},
      to: { couldNotResolve: true, pathNot: "^ponder:" },
    },
    {
      name: "no-dev-packages-in-what-ships",
      severity: "error",
      from: { pathNot: `${TEST}|^test/|^bench/|^[^/]+\\.config\\.ts$|/testing/` },
      to: { dependencyTypes: ["npm-dev"], pathNot: "node_modules/@types/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(node_modules/.*/node_modules|\\.data|\\.ponder|generated)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "types", "default"],
    },
  },
};
