/** Megabytes in every column with untrusted content: lists stay readable by spreadsheets and Python, single objects are whole. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { graph } from "../../testing/comparisons/comparedLists.ts";
import { createTestApi, type TestApi } from "../../testing/testApi.ts";
import { ChainTables } from "../../testing/worlds/chainTables.ts";
import { createNetworkWorld, HEAD } from "../../testing/worlds/networkWorld.ts";
import { nodeNamed, REGISTRY } from "../../testing/worlds/registryHistory.ts";

const MEGABYTE = `0x${"fe".repeat(1 << 20)}`;
const SHA256 = `0x${createHash("sha256")
  .update(Buffer.alloc(1 << 20, 0xfe))
  .digest("hex")}`;
const MAX_CELL_LENGTH = 32_767;
const A = nodeNamed("a").teeId;

let database: TestDatabase;
let tables: ChainTables;
let api: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  tables = await ChainTables.create(database.url);
  await createNetworkWorld(tables);
  const { client } = tables;
  await client.query(
    `update og.node set endpoint = 'odd', endpoint_hex = $1, tls_certificate = $1 where tee_id = $2`,
    [MEGABYTE, A],
  );
  await client.query(
    `update og.node set ohttp_key_id = 1, ohttp_kem_id = 32, ohttp_kdf_id = 1, ohttp_aead_id = 1, ohttp_registered_at = 1,
       ohttp_public_key = $1, ohttp_key_config = $1 where tee_id = $2`,
    [MEGABYTE, A],
  );
  await client.query(
    `update og.settlement set signature = $1, blob_id = null, blob_id_hex = $1
     where (block_number, log_index) in (select block_number, log_index from og.settlement where kind = 'individual' limit 2)`,
    [MEGABYTE],
  );
  await client.query(
    `update proofs.signature set signature = $1 where key in (select key from proofs.signature order by key limit 3)`,
    [MEGABYTE],
  );
  await client.query(
    `update og.registry_event set label_hex = $1 where kind = 'pcr-approved';`.replace("$1", `'${MEGABYTE}'`),
  );
  await client.query("update og.tee_type set name_hex = $1", [MEGABYTE]);
  await client.query(
    "update og.onchain_inference set model_cid_hex = $1, inference_id_hex = $1, request_data = $1",
    [MEGABYTE],
  );
  api = createTestApi(database.url);
  api.now = HEAD + 7;
  await api.refresh();
});
afterAll(async () => {
  await api.close();
  await tables.close();
  await database.drop();
});

/** The length of the longest cell that Python's csv module reads within its own limit. */
function longestCellInPython(csv: string): number {
  const script = "import csv, sys; print(max((len(c) for r in csv.reader(sys.stdin) for c in r), default=0))";
  const { status, stdout, stderr } = spawnSync("python3", ["-c", script], {
    input: csv,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: { ...process.env, PYTHONIOENCODING: "utf-8" },
  });
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}
const hasPython = spawnSync("python3", ["--version"]).status === 0;

const lists = [
  "/v1/nodes?",
  "/v1/nodes?include=keys,metrics&limit=50&",
  `/v1/nodes/${A}/heartbeats?`,
  `/v1/nodes/${A}/events?`,
  `/v1/nodes/${A}/intervals?`,
  `/v1/nodes/${A}/inferences?`,
  "/v1/settlements?",
  "/v1/inferences?",
  "/v1/onchain-inferences?include=content&limit=100&",
  "/v1/models?",
  "/v1/payments?",
  "/v1/channels?",
  "/v1/operators?",
  "/v1/pcrs?",
  "/v1/tee-types?",
  "/v1/network/series?metric=volume&interval=hour&",
] as const;

describe.each(lists)("%s", (path) => {
  test("has no text longer than a spreadsheet cell, in any format", async () => {
    const longest = (value: unknown): number => {
      if (typeof value === "string") return value.length;
      return typeof value === "object" && value !== null
        ? Math.max(0, ...Object.values(value).map(longest))
        : 0;
    };
    const { items } = await api.json(path.slice(0, -1));
    expect(longest(items)).toBeLessThanOrEqual(MAX_CELL_LENGTH);
  });

  test.runIf(hasPython)(
    "is readable by Python's csv module, with every cell within a spreadsheet's limit",
    async () => {
      const response = await api.get(`${path}format=csv${path.includes("series") ? "" : "&all=true"}`);
      expect(response.status).toBe(200);
      expect(longestCellInPython(await response.text())).toBeLessThanOrEqual(MAX_CELL_LENGTH);
    },
  );
});

describe("shortened text", () => {
  test("comes with its length and hash, and is whole on the object itself", async () => {
    const { items } = await api.json("/v1/nodes?include=keys");
    const listed = items.find(({ teeId }: { readonly teeId: string }) => teeId === A);
    const node = await api.json(`/v1/nodes/${A}`);
    for (const [name, prefix, bytes] of [
      ["endpointHex", "endpoint", 4_096],
      ["tlsCertificate", "tlsCertificate", 16_000],
    ] as const) {
      expect(listed[name]).toBe(MEGABYTE.slice(0, 2 + 2 * bytes));
      expect([listed[`${prefix}Bytes`], listed[`${prefix}Sha256`]]).toEqual([1 << 20, SHA256]);
      expect(node[name]).toBe(MEGABYTE);
      expect([node[`${prefix}Bytes`], node[`${prefix}Sha256`]]).toEqual([1 << 20, null]);
    }
    expect(listed.ohttpConfig).toMatchObject({ keyConfigBytes: 1 << 20, keyConfigSha256: SHA256 });
    expect(node.ohttpConfig.keyConfig).toBe(MEGABYTE);
  });

  test("is the same in GraphQL", async () => {
    const fields =
      "teeId endpointHex endpointBytes endpointSha256 tlsCertificate tlsCertificateBytes tlsCertificateSha256";
    const { nodes } = await graph(
      api,
      `{ nodes(first: 20, filter: { registry: "${REGISTRY}" }) { nodes { ${fields} } } }`,
      {},
    );
    const listed = nodes.nodes.find(({ teeId }: { readonly teeId: string }) => teeId === A);
    expect([listed.endpointHex.length, listed.endpointBytes, listed.endpointSha256]).toEqual([
      8_194,
      1 << 20,
      SHA256,
    ]);
    expect([listed.tlsCertificate.length, listed.tlsCertificateSha256]).toEqual([32_002, SHA256]);
    // both together exceed the limit on an answer
    for (const field of ["endpointHex", "tlsCertificate"]) {
      const { teeNode } = await graph(api, `{ teeNode(teeId: "${A}") { ${field} } }`, {});
      expect(teeNode[field]).toBe(MEGABYTE);
    }
  });

  test("of a settlement's signature is whole on the settlement", async () => {
    const { items } = await api.json("/v1/settlements?limit=1000");
    const listed = items.find(
      (item: { readonly signatureSha256: string | null }) => item.signatureSha256 !== null,
    );
    expect(listed).toMatchObject({ signatureBytes: 1 << 20, signatureSha256: SHA256, blobIdSha256: SHA256 });
    const settlement = await api.json(`/v1/settlements/${listed.id}`);
    expect([settlement.signature, settlement.blobIdHex]).toEqual([MEGABYTE, MEGABYTE]);
  });
});
